/*
 * sessiond/service/live_set.c: what was added and not removed is in the set, and nothing else is.
 */
#include "sessiond/service/live_set.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define POINTERS 2000

static char objects[POINTERS * 16];

static const void *
pointer(size_t i)
{
	return &objects[i * 16];
}

static void
test_empty(void **state)
{
	struct live_set set = {NULL, 0, 0};

	(void)state;
	assert_false(live_set_has(&set, NULL));
	assert_false(live_set_has(&set, pointer(1)));
	live_set_add(&set, pointer(1));
	assert_true(live_set_has(&set, pointer(1)));
	assert_false(live_set_has(&set, NULL));
	assert_false(live_set_has(&set, pointer(2)));
	live_set_remove(&set, pointer(1));
	assert_false(live_set_has(&set, pointer(1)));
	assert_null(set.slots);
}

/*
 * Against a plain table, in an order that is the same each time; removals leave no hole that hides
 * others.
 */
static void
test_many(void **state)
{
	static bool expected[POINTERS];
	struct live_set set = {NULL, 0, 0};
	uint32_t random = 1;
	size_t i, step, count = 0;

	(void)state;
	for (step = 0; step < 40000; step++) {
		random = random * 1664525u + 1013904223u;
		i = (random >> 16) % (step < 20000 ? POINTERS : 40);
		if (expected[i])
			live_set_remove(&set, pointer(i));
		else
			live_set_add(&set, pointer(i));
		expected[i] = !expected[i];
		count = expected[i] ? count + 1 : count - 1;
		assert_int_equal(set.count, count);
		if (step % 997 != 0 && i != 39)
			continue;
		for (i = 0; i < POINTERS; i++)
			assert_int_equal(live_set_has(&set, pointer(i)), expected[i]);
	}
	for (i = 0; i < POINTERS; i++) {
		if (expected[i])
			live_set_remove(&set, pointer(i));
		assert_false(live_set_has(&set, pointer(i)));
	}
	assert_int_equal(set.count, 0);
	assert_null(set.slots);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_empty),
	    cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests_name("live_set", tests, NULL, NULL);
}
