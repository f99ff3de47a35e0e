/*
 * fcgi/daemon/request_counts.h: what is told of requests, and when. The backend is the test's.
 */
#include "fcgi/daemon/request_counts.h"

#include "common/log_limit.h"
#include "sockjs/route.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/log_capture.h"

static uint64_t now;
static bool is_there;
static struct wire_counts told; /* last */
static unsigned times;
static struct timers timers;
static struct request_counts counts;

uint64_t __wrap_loop_now(const struct loop *loop);
bool __wrap_backends_tell_counts(struct backends *all, const struct wire_counts *given);

uint64_t
__wrap_loop_now(const struct loop *loop)
{
	(void)loop;
	return now;
}

bool
__wrap_backends_tell_counts(struct backends *all, const struct wire_counts *given)
{
	(void)all;
	if (!is_there)
		return false;
	told = *given;
	times++;
	return true;
}

static int
setup(void **state)
{
	(void)state;
	now = 5000;
	is_there = true;
	times = 0;
	timers_init(&timers);
	request_counts_init(&counts, NULL, NULL, &timers);
	request_counts_tell(&counts); /* the lines that other tests have dropped */
	times = 0;
	return 0;
}

static void
run_until(uint64_t ms)
{
	now = ms;
	timers_run(&timers, now);
}

static bool
is_waiting(void)
{
	uint64_t deadline;

	return timers_next(&timers, &deadline);
}

static unsigned
told_of(unsigned endpoint, unsigned status)
{
	unsigned requests = 0;

	for (size_t i = 0; i < told.count; i++)
		if (told.list[i].endpoint == endpoint && told.list[i].status == status)
			requests += told.list[i].requests;
	return requests;
}

static void
test_told_together(void **state)
{
	(void)state;
	assert_false(is_waiting());
	request_counts_add(&counts, ENDPOINT_INFO, 200);
	run_until(5000 + REQUEST_COUNTS_DELAY_MS - 1);
	request_counts_add(&counts, ENDPOINT_INFO, 404);
	request_counts_add(&counts, ENDPOINT_SEND, 200);
	request_counts_add(&counts, ENDPOINT_INFO, 200);
	assert_int_equal(times, 0);
	run_until(5000 + REQUEST_COUNTS_DELAY_MS);
	assert_int_equal(times, 1);
	assert_int_equal(told.count, 3);
	assert_int_equal(told_of(ENDPOINT_INFO, 200), 2);
	assert_int_equal(told_of(ENDPOINT_INFO, 404), 1);
	assert_int_equal(told_of(ENDPOINT_SEND, 200), 1);
	assert_false(is_waiting());
}

/* What was told is not told again; the next ones wait as long. */
static void
test_changes_only(void **state)
{
	(void)state;
	request_counts_add(&counts, ENDPOINT_INFO, 200);
	request_counts_tell(&counts);
	assert_int_equal(times, 1);
	assert_false(is_waiting());
	request_counts_tell(&counts);
	assert_int_equal(times, 1);
	now += 7000;
	request_counts_add(&counts, ENDPOINT_INFO, 200);
	run_until(now + REQUEST_COUNTS_DELAY_MS - 1);
	assert_int_equal(times, 1);
	run_until(now + 1);
	assert_int_equal(times, 2);
	assert_int_equal(told_of(ENDPOINT_INFO, 200), 1);
}

static void
test_kept_while_away(void **state)
{
	(void)state;
	is_there = false;
	request_counts_add(&counts, ENDPOINT_RECEIVE, 503);
	run_until(now + REQUEST_COUNTS_DELAY_MS);
	assert_true(is_waiting());
	request_counts_add(&counts, ENDPOINT_RECEIVE, 503);
	request_counts_tell(&counts);
	assert_int_equal(times, 0);
	is_there = true;
	run_until(now + REQUEST_COUNTS_DELAY_MS);
	assert_int_equal(told_of(ENDPOINT_RECEIVE, 503), 2);
	assert_false(is_waiting());
}

static void
test_lines_dropped(void **state)
{
	static struct log_limit limit;

	(void)state;
	capture_begin_later();
	for (int i = 0; i < LOG_LIMIT_LINES + 3; i++)
		log_limited(&limit, SEVERITY_ERROR, "the same");
	capture_end();
	is_there = false;
	request_counts_tell(&counts);
	is_there = true;
	request_counts_tell(&counts);
	assert_int_equal(times, 1);
	assert_int_equal(told.lines_dropped, 3);
	assert_int_equal(told.count, 0);
	request_counts_add(&counts, ENDPOINT_INFO, 200);
	request_counts_tell(&counts);
	assert_int_equal(told.lines_dropped, 0);
}

/* More pairs than a message holds: those that came first are told. */
static void
test_full(void **state)
{
	(void)state;
	for (int i = 0; i < WIRE_COUNTS_MAX + 10; i++)
		request_counts_add(&counts, (unsigned)i % ENDPOINT_KINDS, 100 + i / ENDPOINT_KINDS);
	request_counts_add(&counts, 0, 100);
	request_counts_tell(&counts);
	assert_int_equal(told.count, WIRE_COUNTS_MAX);
	assert_int_equal(told_of(0, 100), 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_told_together, setup),
	    cmocka_unit_test_setup(test_changes_only, setup),
	    cmocka_unit_test_setup(test_kept_while_away, setup),
	    cmocka_unit_test_setup(test_lines_dropped, setup),
	    cmocka_unit_test_setup(test_full, setup),
	};

	return cmocka_run_group_tests_name("request_counts", tests, NULL, NULL);
}
