/*
 * fcgi/daemon/suspects.h: a trial ends with its connection.
 */
#include "fcgi/daemon/suspects.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static uv_loop_t loop;
static struct calls table;
static struct suspects *suspects;
static struct call calls[2];
static unsigned issued[2]; /* how often each was */

static void
issue(struct call *call, void *context)
{
	assert_ptr_equal(context, &table);
	call_set_issued(call, uv_now(&loop));
	issued[call - calls]++;
}

static int
set_up(void **state)
{
	(void)state;
	calls_init(&table);
	for (int i = 0; i < 2; i++) {
		calls[i] = (struct call){.id = (uint64_t)i + 1, .suspicion.losses = 3};
		calls_add(&table, &calls[i]);
		issued[i] = 0;
	}
	/* It is tried after the other. */
	calls[1].suspicion.losses = 2;
	if (uv_loop_init(&loop) != 0)
		return -1;
	suspects = suspects_create(&table, &loop, issue, &table);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++)
		calls_remove(&calls[i]);
	suspects_destroy(&suspects);
	uv_run(&loop, UV_RUN_DEFAULT);
	return uv_loop_close(&loop);
}

static void
lose_connection(void)
{
	suspects_stop(suspects);
	for (int i = 0; i < 2; i++)
		call_set_adrift(&calls[i]);
}

static void
assert_issued(unsigned first, unsigned second)
{
	assert_int_equal(issued[0], first);
	assert_int_equal(issued[1], second);
}

/* One after the other. */
static void
test_survived(void **state)
{
	(void)state;
	suspects_try(suspects);
	assert_issued(1, 0);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_issued(1, 1);
	assert_false(suspects_hold_back(&calls[0]) || suspects_hold_back(&calls[1]));
}

static void
test_stop(void **state)
{
	(void)state;
	suspects_try(suspects);
	assert_true(uv_loop_alive(&loop));
	lose_connection();
	assert_false(uv_loop_alive(&loop));
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_issued(1, 0);
}

/* What was tried when sessiond said goodbye is tried again in its turn. */
static void
test_tried_again(void **state)
{
	(void)state;
	suspects_try(suspects);
	lose_connection();
	calls[1].suspicion.losses = 4;
	suspects_try(suspects);
	assert_issued(1, 1);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_issued(2, 1);
}

#define SUSPECTS_TEST(name) cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    SUSPECTS_TEST(survived),
	    SUSPECTS_TEST(stop),
	    SUSPECTS_TEST(tried_again),
	};

	return cmocka_run_group_tests_name("suspects", tests, NULL, NULL);
}
