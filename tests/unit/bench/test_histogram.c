/*
 * bench/load/histogram.h: a quantile is never too small, and at most 1% too large.
 */
#include "bench/load/histogram.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct histogram h;

static int
set_up(void **state)
{
	(void)state;
	memset(&h, 0, sizeof h);
	return 0;
}

static void
assert_near(uint64_t value, uint64_t expected)
{
	assert_true(value >= expected);
	assert_true(value - expected <= expected / 100);
}

static void
test_empty(void **state)
{
	(void)state;
	assert_int_equal(histogram_quantile(&h, 0.99), 0);
}

/* Around each power of two, where buckets become larger. */
static void
test_each_size(void **state)
{
	(void)state;
	for (unsigned bit = 0; bit < 64; bit++) {
		for (int i = -1; i <= 1; i++) {
			uint64_t value = ((uint64_t)1 << bit) + (uint64_t)i;

			set_up(state);
			histogram_add(&h, value);
			histogram_add(&h, UINT64_MAX);
			assert_near(histogram_quantile(&h, 0.5), value);
			assert_int_equal(histogram_quantile(&h, 1), UINT64_MAX);
		}
	}
}

static void
test_quantiles(void **state)
{
	(void)state;
	for (uint64_t i = 1000; i > 0; i--)
		histogram_add(&h, i * 1000);
	assert_int_equal(h.count, 1000);
	assert_int_equal(h.max, 1000000);
	assert_near(histogram_quantile(&h, 0), 1000);
	assert_near(histogram_quantile(&h, 0.5), 500000);
	assert_near(histogram_quantile(&h, 0.99), 990000);
	assert_near(histogram_quantile(&h, 0.999), 999000);
	assert_int_equal(histogram_quantile(&h, 1), 1000000);
}

/* The largest that was seen, and not its bucket's end. */
static void
test_max(void **state)
{
	(void)state;
	histogram_add(&h, 1000001);
	assert_int_equal(histogram_quantile(&h, 0.5), 1000001);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_empty, set_up),
	    cmocka_unit_test_setup(test_each_size, set_up),
	    cmocka_unit_test_setup(test_quantiles, set_up),
	    cmocka_unit_test_setup(test_max, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
