/* sessiond/limits/rate.h: so many a second, with a burst; and the addresses that are remembered. */
#include "sessiond/limits/rate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { A_SECOND = 5, BURST = A_SECOND * RATE_BURST_S };

static const struct rates five = {{[RATE_MESSAGE] = A_SECOND}};

static bool
take(struct rate_points *points, uint64_t now)
{
	return rate_take(&five, points, RATE_MESSAGE, 1, now);
}

/* A burst is let through at once, then one each 200 ms. */
static void
test_burst(void **state)
{
	struct rate_points points = {{0}};
	uint64_t now = 1000000;
	int i;

	(void)state;
	for (i = 0; i < BURST; i++)
		assert_true(take(&points, now));
	assert_false(take(&points, now));
	assert_false(take(&points, now + 199));
	assert_true(take(&points, now + 200));
	assert_false(take(&points, now + 200));
	for (i = 0; i < 3; i++)
		assert_true(take(&points, now + 800));
	assert_false(take(&points, now + 800));
}

/* Quiet is not saved up beyond a burst. */
static void
test_quiet(void **state)
{
	struct rate_points points = {{0}};
	int i;

	(void)state;
	assert_true(take(&points, 1000));
	for (i = 0; i < BURST; i++)
		assert_true(take(&points, 100000000));
	assert_false(take(&points, 100000000));
}

static void
test_many_at_once(void **state)
{
	struct rate_points points = {{0}};

	(void)state;
	assert_true(rate_take(&five, &points, RATE_MESSAGE, BURST - 1, 5000));
	assert_false(rate_take(&five, &points, RATE_MESSAGE, 2, 5000));
	/* What is refused is not counted. */
	assert_true(rate_take(&five, &points, RATE_MESSAGE, 1, 5000));
}

static void
test_kinds(void **state)
{
	struct rate_points points = {{0}};
	const struct rates none = {{0}};
	int i;

	(void)state;
	assert_true(rates_are_set(&five));
	assert_false(rates_are_set(&none));
	for (i = 0; i < BURST; i++)
		assert_true(take(&points, 0));
	assert_false(take(&points, 0));
	/* Other kinds have no limit here. */
	assert_true(rate_take(&five, &points, RATE_PING, 1000000, 0));
	assert_true(rate_take(&none, &points, RATE_MESSAGE, 1000000, 0));
}

static void
test_addresses(void **state)
{
	struct rate_table table;
	uint64_t i;

	(void)state;
	rate_table_init(&table);
	for (i = 0; i < BURST; i++)
		assert_true(take(rate_table_find(&table, 1), 0));
	assert_false(take(rate_table_find(&table, 1), 0));
	assert_true(take(rate_table_find(&table, 2), 0));
	assert_false(take(rate_table_find(&table, 1), 0));
	/* Others come; the one that was asked for least recently is forgotten. */
	for (i = 0; i < RATE_ADDRESSES_MAX - 2; i++)
		rate_table_find(&table, 100 + i);
	assert_false(take(rate_table_find(&table, 1), 0));
	rate_table_find(&table, 99);
	assert_int_equal(table.count, RATE_ADDRESSES_MAX);
	assert_false(take(rate_table_find(&table, 1), 0));
	for (i = 0; i < RATE_ADDRESSES_MAX; i++)
		rate_table_find(&table, 1000000 + i);
	assert_true(take(rate_table_find(&table, 1), 0));
	assert_int_equal(table.count, RATE_ADDRESSES_MAX);
	rate_table_clear(&table);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_burst),
	    cmocka_unit_test(test_quiet),
	    cmocka_unit_test(test_many_at_once),
	    cmocka_unit_test(test_kinds),
	    cmocka_unit_test(test_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
