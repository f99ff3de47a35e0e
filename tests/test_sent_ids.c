/*
 * sessiond/sent_ids.h: which sends a session has taken already.
 */
#include "sessiond/sent_ids.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void
test_remembers(void **state)
{
	struct sent_ids *ids = NULL;

	(void)state;
	assert_false(sent_ids_add(&ids, 1, 1));
	assert_true(sent_ids_add(&ids, 1, 1));
	assert_true(sent_ids_add(&ids, 1, 1));
	sent_ids_destroy(&ids);
	assert_null(ids);
}

/* Both halves of the name count, all their bits. */
static void
test_names(void **state)
{
	static const uint64_t high = UINT64_C(1) << 63;
	struct sent_ids *ids = NULL;

	(void)state;
	assert_false(sent_ids_add(&ids, 1, 2));
	assert_false(sent_ids_add(&ids, 2, 1));
	assert_false(sent_ids_add(&ids, 1, 2 | high));
	assert_false(sent_ids_add(&ids, 1 | high, 2));
	assert_true(sent_ids_add(&ids, 2, 1));
	assert_true(sent_ids_add(&ids, 1, 2));
	assert_true(sent_ids_add(&ids, 1 | high, 2));
	sent_ids_destroy(&ids);
}

/* What was never seen is not known, though it is what empty places hold. */
static void
test_zero(void **state)
{
	struct sent_ids *ids = NULL;

	(void)state;
	assert_false(sent_ids_add(&ids, 5, 5));
	assert_false(sent_ids_add(&ids, 0, 0));
	assert_true(sent_ids_add(&ids, 0, 0));
	sent_ids_destroy(&ids);
}

static void
test_keeps_the_last(void **state)
{
	struct sent_ids *ids = NULL;
	uint64_t i;

	(void)state;
	for (i = 0; i < 5 * SENT_IDS_KEPT; i++) {
		uint64_t oldest = i < SENT_IDS_KEPT ? 0 : i - SENT_IDS_KEPT, k;

		for (k = oldest; k < i; k++)
			assert_true(sent_ids_add(&ids, 1, k));
		assert_false(sent_ids_add(&ids, 1, i));
	}
	/* The oldest had to go, and that only. */
	assert_true(sent_ids_add(&ids, 1, i - SENT_IDS_KEPT));
	assert_false(sent_ids_add(&ids, 1, i - SENT_IDS_KEPT - 1));
	sent_ids_destroy(&ids);
}

static void
test_destroy_nothing(void **state)
{
	struct sent_ids *ids = NULL;

	(void)state;
	sent_ids_destroy(&ids);
	assert_null(ids);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_remembers),
	    cmocka_unit_test(test_names),
	    cmocka_unit_test(test_zero),
	    cmocka_unit_test(test_keeps_the_last),
	    cmocka_unit_test(test_destroy_nothing),
	};

	return cmocka_run_group_tests_name("sent_ids", tests, NULL, NULL);
}
