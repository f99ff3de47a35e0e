/*
 * sessiond/session/sent_ids.h: which sends a session has taken already.
 */
#include "sessiond/session/sent_ids.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* Remembers a send; true if it was already. */
static bool
add(struct sent_ids **ids, uint64_t instance, uint64_t sequence)
{
	if (sent_ids_has(*ids, instance, sequence))
		return true;
	sent_ids_add(ids, instance, sequence);
	return false;
}

static void
test_remembers(void **state)
{
	struct sent_ids *ids = NULL;

	(void)state;
	assert_false(add(&ids, 1, 1));
	assert_true(add(&ids, 1, 1));
	assert_true(add(&ids, 1, 1));
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
	assert_false(add(&ids, 1, 2));
	assert_false(add(&ids, 2, 1));
	assert_false(add(&ids, 1, 2 | high));
	assert_false(add(&ids, 1 | high, 2));
	assert_true(add(&ids, 2, 1));
	assert_true(add(&ids, 1, 2));
	assert_true(add(&ids, 1 | high, 2));
	sent_ids_destroy(&ids);
}

/* What was never seen is not known, though it is what empty places hold. */
static void
test_zero(void **state)
{
	struct sent_ids *ids = NULL;

	(void)state;
	assert_false(add(&ids, 5, 5));
	assert_false(add(&ids, 0, 0));
	assert_true(add(&ids, 0, 0));
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
			assert_true(add(&ids, 1, k));
		assert_false(add(&ids, 1, i));
	}
	/* The oldest had to go, and that only. */
	assert_true(add(&ids, 1, i - SENT_IDS_KEPT));
	assert_false(add(&ids, 1, i - SENT_IDS_KEPT - 1));
	sent_ids_destroy(&ids);
}

static void
test_bytes(void **state)
{
	struct sent_ids *ids = NULL, *copy;
	char bytes[1024];
	const void *kept;
	uint64_t i, k;
	size_t len, cut;

	(void)state;
	assert_null(sent_ids_bytes(NULL, &len));
	assert_int_equal(len, 0);
	assert_null(sent_ids_from_bytes(NULL, 0));
	for (i = 0; i < 2 * SENT_IDS_KEPT; i++) {
		add(&ids, 1, i);
		kept = sent_ids_bytes(ids, &len);
		assert_in_range(len, 1, sizeof bytes);
		memcpy(bytes, kept, len);
		copy = sent_ids_from_bytes(bytes, len);
		for (k = 0; k <= i; k++)
			assert_int_equal(sent_ids_has(copy, 1, k), sent_ids_has(ids, 1, k));
		/* The copy forgets the same one next. */
		assert_false(add(&copy, 2, 0));
		assert_int_equal(sent_ids_has(copy, 1, 0), i + 1 < SENT_IDS_KEPT);
		sent_ids_destroy(&copy);
		for (cut = 0; cut < len; cut++)
			assert_null(sent_ids_from_bytes(bytes, cut));
	}
	memset(bytes, 0xff, len);
	assert_null(sent_ids_from_bytes(bytes, len));
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
	    cmocka_unit_test(test_bytes),
	    cmocka_unit_test(test_destroy_nothing),
	};

	return cmocka_run_group_tests_name("sent_ids", tests, NULL, NULL);
}
