/*
 * fcgi/daemon/confirmations.h: what waits, and what it waits for. The time is the test's.
 */
#include "fcgi/daemon/confirmations.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct timers timers;
static struct timer_queue delay;
static struct confirmations confirmations;
static struct buffer output;
static uint64_t last; /* call that was confirmed */
static uint64_t now;

static int
set_up(void **state)
{
	(void)state;
	timers_init(&timers);
	confirmations_add_delay(&timers, &delay);
	confirmations_init(&confirmations, &delay);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	confirmations_clear(&confirmations);
	timer_queue_remove(&timers, &delay);
	buffer_free(&output);
	return 0;
}

/* Returns true if the output is to be sent at once. */
static bool
put(bool is_urgent)
{
	return confirmations_put(&confirmations, ++last, is_urgent, &output);
}

/* One after the other. */
static void
put_some(unsigned count)
{
	while (count-- > 0)
		assert_false(put(false));
}

static bool
may_leave(void)
{
	return confirmations_may_leave(&confirmations, now);
}

static void
pass_time(uint64_t ms)
{
	now += ms;
	timers_run(&timers, now);
}

static void
test_delay(void **state)
{
	(void)state;
	put_some(1);
	assert_true(output.len > 0);
	assert_false(may_leave());
	pass_time(CONFIRMATIONS_DELAY_MS - 1);
	/* The first has waited for so long, whatever has come since. */
	put_some(1);
	assert_false(may_leave());
	pass_time(1);
	assert_true(may_leave());
	put_some(1);
	assert_false(may_leave());
}

static void
test_more_to_say(void **state)
{
	(void)state;
	put_some(1);
	assert_false(may_leave());
	confirmations_hurry(&confirmations);
	assert_true(may_leave());
	assert_null(timer_queue_first(&delay));
	put_some(1);
	assert_false(may_leave());
}

/* Nothing waits: what else is in the output leaves. */
static void
test_none(void **state)
{
	(void)state;
	assert_true(may_leave());
	assert_null(timer_queue_first(&delay));
}

static void
test_urgent(void **state)
{
	(void)state;
	put_some(1);
	assert_false(put(true));
	assert_true(may_leave());
}

/* No time passes. */
static void
test_many(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 3; round++) {
		put_some(CONFIRMATIONS_AT_ONCE - 1);
		assert_false(may_leave());
		assert_true(put(false));
		assert_true(may_leave());
		assert_null(timer_queue_first(&delay));
	}
}

static void
test_lost_link(void **state)
{
	(void)state;
	put_some(CONFIRMATIONS_AT_ONCE - 1);
	assert_false(may_leave());
	confirmations_forget(&confirmations);
	assert_null(timer_queue_first(&delay));
	put_some(CONFIRMATIONS_AT_ONCE - 1);
	assert_false(may_leave());
}

static void
test_notes(void **state)
{
	int fd = confirmations.log.fd;

	(void)state;
	confirmations_note(&confirmations, 7);
	confirmations_note(&confirmations, 8);
	confirmations_unnote(&confirmations);
	assert_true(write_log_has(fd, 7));
	assert_false(write_log_has(fd, 8));
}

/* What sessiond cannot find there, it is told. */
static void
test_no_log(void **state)
{
	(void)state;
	write_log_destroy(&confirmations.log);
	confirmations_note(&confirmations, 7);
	put_some(1);
	assert_true(may_leave());
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_delay, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_more_to_say, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_none, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_urgent, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_many, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_lost_link, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_notes, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_no_log, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
