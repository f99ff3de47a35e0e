/*
 * sessiond/session/membership.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sessiond/session/membership.h"

enum { SESSIONS = 40, GROUPS = 3 };

/* Only their addresses matter. */
static char bodies[SESSIONS];

static struct membership_list lists[SESSIONS];
static struct member_array groups[GROUPS];

static struct session *
session_at(unsigned i)
{
	return (struct session *)(void *)&bodies[i];
}

/* How often the session is in the group; each place of the array has to know itself. */
static unsigned
times_in(const struct member_array *group, unsigned i)
{
	unsigned times = 0;
	size_t k;

	for (k = 0; k < group->count; k++) {
		assert_int_equal(group->items[k]->index, k);
		assert_ptr_equal(group->items[k]->group, group);
		times += group->items[k]->session == session_at(i);
	}
	return times;
}

static void
join_all(unsigned group)
{
	unsigned i;

	for (i = 0; i < SESSIONS; i++)
		membership_join(&groups[group], &lists[i], session_at(i));
}

static void
test_join(void **state)
{
	unsigned i;

	(void)state;
	join_all(0);
	join_all(0);
	membership_join(&groups[1], &lists[3], session_at(3));
	assert_int_equal(groups[0].count, SESSIONS);
	assert_int_equal(groups[1].count, 1);
	for (i = 0; i < SESSIONS; i++)
		assert_int_equal(times_in(&groups[0], i), 1);
	assert_int_equal(times_in(&groups[1], 3), 1);
}

static void
test_leave(void **state)
{
	unsigned i;

	(void)state;
	join_all(0);
	join_all(1);
	for (i = 0; i < SESSIONS; i += 2)
		membership_leave(&groups[0], &lists[i]);
	membership_leave(&groups[0], &lists[0]);
	membership_leave(&groups[2], &lists[1]);
	assert_int_equal(groups[0].count, SESSIONS / 2);
	assert_int_equal(groups[1].count, SESSIONS);
	for (i = 0; i < SESSIONS; i++) {
		assert_int_equal(times_in(&groups[0], i), i % 2);
		assert_int_equal(times_in(&groups[1], i), 1);
	}
}

static void
test_leave_all(void **state)
{
	(void)state;
	join_all(0);
	join_all(1);
	membership_leave_all(&lists[5]);
	membership_leave_all(&lists[5]);
	assert_true(LIST_EMPTY(&lists[5]));
	assert_int_equal(groups[0].count, SESSIONS - 1);
	assert_int_equal(times_in(&groups[0], 5) + times_in(&groups[1], 5), 0);
	assert_int_equal(times_in(&groups[0], 6) + times_in(&groups[1], 6), 2);
}

static void
test_dissolve(void **state)
{
	(void)state;
	join_all(0);
	join_all(1);
	membership_dissolve(&groups[0]);
	membership_dissolve(&groups[0]);
	assert_int_equal(groups[0].count, 0);
	assert_int_equal(groups[1].count, SESSIONS);
	membership_join(&groups[0], &lists[1], session_at(1));
	assert_int_equal(times_in(&groups[0], 1), 1);
}

static int
tear_down(void **state)
{
	unsigned i;

	(void)state;
	for (i = 0; i < GROUPS; i++)
		membership_dissolve(&groups[i]);
	for (i = 0; i < SESSIONS; i++)
		assert_true(LIST_EMPTY(&lists[i]));
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(test_join, tear_down),
	    cmocka_unit_test_teardown(test_leave, tear_down),
	    cmocka_unit_test_teardown(test_leave_all, tear_down),
	    cmocka_unit_test_teardown(test_dissolve, tear_down),
	};

	return cmocka_run_group_tests_name("membership", tests, NULL, NULL);
}
