/*
 * fcgi/daemon/calls.h: the table of outstanding requests, and what a call goes through.
 */
#include "fcgi/daemon/calls.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct calls table;

static int
setup(void **state)
{
	(void)state;
	calls_init(&table);
	return 0;
}

static void
count(struct call *call, void *context)
{
	size_t *n = context;

	(void)call;
	++*n;
}

static size_t
listed(void)
{
	size_t n = 0;

	calls_each(&table, count, &n);
	return n;
}

/* Ids that share a bucket are told apart; one that was taken off is not found. */
static void
test_find(void **state)
{
	struct call calls[3] = {{.id = 7}, {.id = 7 + CALLS_BUCKETS}, {.id = 8}};

	(void)state;
	assert_null(calls_find(&table, 7));
	for (int i = 0; i < 3; i++)
		calls_add(&table, &calls[i]);
	for (int i = 0; i < 3; i++) {
		assert_true(calls[i].is_listed);
		assert_ptr_equal(calls_find(&table, calls[i].id), &calls[i]);
	}
	assert_null(calls_find(&table, 7 + 2 * CALLS_BUCKETS));
	assert_int_equal(listed(), 3);
	calls_remove(&calls[0]);
	assert_false(calls[0].is_listed);
	assert_null(calls_find(&table, 7));
	assert_ptr_equal(calls_find(&table, 7 + CALLS_BUCKETS), &calls[1]);
	/* Again does nothing. */
	calls_remove(&calls[0]);
	assert_int_equal(listed(), 2);
	calls_add(&table, &calls[0]);
	assert_ptr_equal(calls_find(&table, 7), &calls[0]);
	for (int i = 0; i < 3; i++)
		calls_remove(&calls[i]);
	assert_int_equal(listed(), 0);
}

static void
remove_and_free(struct call *call, void *context)
{
	count(call, context);
	calls_remove(call);
	free(call);
}

/* Of calls in one bucket too, each may go when it is visited. */
static void
test_each_may_remove(void **state)
{
	size_t n = 0;

	(void)state;
	for (uint64_t i = 0; i < 10; i++) {
		struct call *call = calloc(1, sizeof *call);

		assert_non_null(call);
		call->id = 1 + i / 5 + i % 5 * CALLS_BUCKETS;
		calls_add(&table, call);
	}
	calls_each(&table, remove_and_free, &n);
	assert_int_equal(n, 10);
	assert_int_equal(listed(), 0);
}

static void
never(struct timer *timer, void *ctx)
{
	(void)timer;
	(void)ctx;
	fail();
}

/* Patience runs only while a call is listed and not issued. */
static void
test_patience_ends(void **state)
{
	struct timers timers;
	struct timer_queue patience;
	struct call call = {.id = 1};

	(void)state;
	timers_init(&timers);
	timer_queue_add(&timers, &patience, 10, never, NULL);
	calls_add(&table, &call);
	timer_start(&patience, &call.patience, 0);
	call_set_issued(&call, 5);
	timers_run(&timers, 100);
	timer_start(&patience, &call.patience, 100);
	calls_remove(&call);
	timers_run(&timers, 1000);
}

/* It stays listed while the connection breaks, and is known to have been issued. */
static void
test_adrift(void **state)
{
	struct call call = {.id = 1};
	struct buffer whole = BUFFER_INIT;
	const char *bytes = "a[\"x";
	size_t len = 4;

	(void)state;
	calls_add(&table, &call);
	assert_false(call.was_issued);
	call_set_issued(&call, 1234);
	assert_true(call.is_issued && call.was_issued);
	assert_int_equal(call.suspicion.issued_at, 1234);
	assert_false(call_take_part(&call, &bytes, &len, true, &whole));
	call_set_adrift(&call);
	assert_true(call.is_listed && call.was_issued);
	assert_false(call.is_issued);
	/* The next connection sends the frame anew. */
	bytes = "o\n";
	len = 2;
	assert_true(call_take_part(&call, &bytes, &len, false, &whole));
	assert_int_equal(len, 2);
	assert_memory_equal(bytes, "o\n", 2);
	calls_remove(&call);
}

/* A frame that comes whole is not copied. */
static void
test_whole_frame(void **state)
{
	struct call call = {.id = 1};
	struct buffer whole = BUFFER_INIT;
	const char *given = "a[\"hello\"]\n", *bytes = given;
	size_t len = strlen(given);

	(void)state;
	assert_true(call_take_part(&call, &bytes, &len, false, &whole));
	assert_ptr_equal(bytes, given);
	assert_int_equal(len, strlen(given));
	assert_int_equal(whole.len, 0);
}

static void
test_parts(void **state)
{
	static const char *const parts[] = {"a[\"he", "ll", "o\"]\n"};
	struct call call = {.id = 1};
	struct buffer whole = BUFFER_INIT;
	const char *bytes = NULL;
	size_t len = 0;

	(void)state;
	/* Twice: nothing is left of the first one. */
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 3; i++) {
			bytes = parts[i];
			len = strlen(parts[i]);
			assert_int_equal(
			    call_take_part(&call, &bytes, &len, i < 2, &whole), i == 2);
		}
		assert_int_equal(len, 11);
		assert_memory_equal(bytes, "a[\"hello\"]\n", len);
		assert_int_equal(call.part.len, 0);
		buffer_free(&whole);
	}
	bytes = "rest";
	len = 4;
	assert_false(call_take_part(&call, &bytes, &len, true, &whole));
	call_clear(&call);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_find, setup),
	    cmocka_unit_test_setup(test_each_may_remove, setup),
	    cmocka_unit_test_setup(test_patience_ends, setup),
	    cmocka_unit_test_setup(test_adrift, setup),
	    cmocka_unit_test_setup(test_whole_frame, setup),
	    cmocka_unit_test_setup(test_parts, setup),
	};

	return cmocka_run_group_tests_name("calls", tests, NULL, NULL);
}
