/*
 * common/log_limit.h. The time is the test's.
 */
#include "common/log_limit.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/log_capture.h"

static uint64_t now = 5000, wait_ms;

static bool
turn(uint64_t at)
{
	now = at;
	return log_limits_turn(now, &wait_ms);
}

static void
flood(struct log_limit *limit, int n)
{
	for (int i = 1; i <= n; i++)
		log_limited(limit, SEVERITY_ERROR, "refused %d", i);
}

static int
set_up(void **state)
{
	(void)state;
	log_open("prog", SEVERITY_INFO);
	assert_false(turn(now + 1000));
	return 0;
}

/*
 * The first lines are written, the others are counted when the window is over: nothing else came.
 */
static void
test_flood(void **state)
{
	static struct log_limit limit;
	uint64_t begun = now;
	const char *log;

	(void)state;
	capture_begin();
	flood(&limit, 3000);
	assert_true(turn(begun + 1));
	assert_int_equal(wait_ms, LOG_LIMIT_WINDOW_MS - 1);
	assert_true(turn(begun + LOG_LIMIT_WINDOW_MS - 1));
	assert_int_equal(wait_ms, 1);
	log = capture_end();
	assert_int_equal(count_lines(log), LOG_LIMIT_LINES);
	assert_non_null(strstr(log, "] error: refused 1\n"));
	assert_non_null(strstr(log, "] error: refused 5\n"));
	capture_begin();
	assert_false(turn(begun + LOG_LIMIT_WINDOW_MS));
	log = capture_end();
	assert_int_equal(count_lines(log), 1);
	assert_non_null(strstr(log, "] error: 2995 more in 10 s: refused 1\n"));
}

/* It is not said twice, and the next window begins with lines again. */
static void
test_next_window(void **state)
{
	static struct log_limit limit;
	const char *log;

	(void)state;
	capture_begin();
	flood(&limit, LOG_LIMIT_LINES + 1);
	turn(now + 2 * LOG_LIMIT_WINDOW_MS);
	turn(now + 2 * LOG_LIMIT_WINDOW_MS);
	log = capture_end();
	assert_int_equal(count_lines(log), LOG_LIMIT_LINES + 1);
	assert_non_null(strstr(log, "1 more in 20 s: refused 1\n"));
	capture_begin();
	flood(&limit, LOG_LIMIT_LINES);
	assert_false(turn(now));
	log = capture_end();
	assert_int_equal(count_lines(log), LOG_LIMIT_LINES);
}

/* A line that finds the window over says the count itself: a turn may take long. */
static void
test_line_ends_window(void **state)
{
	static struct log_limit first, second;
	const char *log;

	(void)state;
	flood(&second, LOG_LIMIT_LINES);
	flood(&first, LOG_LIMIT_LINES + 7);
	turn(now + LOG_LIMIT_WINDOW_MS - 1);
	capture_begin();
	flood(&second, 1);
	assert_true(turn(now));
	assert_false(turn(now + 1));
	log = capture_end();
	assert_int_equal(count_lines(log), 2);
	assert_non_null(strstr(log, "7 more in 10 s: refused 1\n"));
	assert_non_null(strstr(log, "1 more in 10 s: refused 1\n"));
}

static void
test_flush(void **state)
{
	static struct log_limit first, second;
	const char *log;

	(void)state;
	flood(&first, LOG_LIMIT_LINES + 1);
	flood(&second, LOG_LIMIT_LINES + 2);
	capture_begin();
	log_limits_flush();
	log_limits_flush();
	assert_false(turn(now));
	log = capture_end();
	assert_int_equal(count_lines(log), 2);
	assert_non_null(strstr(log, "1 more in 0 s: refused 1\n"));
	assert_non_null(strstr(log, "2 more in 0 s: refused 1\n"));
}

static int
count(int *n)
{
	return ++*n;
}

/* What is switched off is not evaluated, and is not counted. */
static void
test_severity(void **state)
{
	static struct log_limit limit;
	int evaluated = 0;
	const char *log;

	(void)state;
	capture_begin();
	for (int i = 0; i < 100; i++)
		log_limited(&limit, SEVERITY_DEBUG, "%d", count(&evaluated));
	assert_int_equal(evaluated, 0);
	assert_false(turn(now));
	log = capture_end();
	assert_string_equal(log, "");
}

/* The text is cut where it is repeated, and errno is kept, for %m and for the caller. */
static void
test_text(void **state)
{
	static struct log_limit limit;
	const char *log;
	size_t len;

	(void)state;
	capture_begin();
	errno = ENOENT;
	for (int i = 0; i < LOG_LIMIT_LINES + 1; i++)
		log_limited(&limit, SEVERITY_INFO, "%m%300d", i);
	assert_int_equal(errno, ENOENT);
	log = capture_end();
	assert_non_null(strstr(log, "info: No such file or directory "));
	len = strlen(log);
	capture_begin();
	log_limits_flush();
	log = capture_end();
	assert_non_null(strstr(log, "info: 1 more in 0 s: No such file or directory "));
	assert_true(strlen(log) < 2 * LOG_LIMIT_TEXT_MAX && strlen(log) < len);
}

static void
say_of(const char *name)
{
	log_limited_for(name, SEVERITY_ERROR, "%s is wrong", name);
}

/* Who is said much of hides nobody else. */
static void
test_names(void **state)
{
	char name[] = "first";
	const char *log;
	int i;

	(void)state;
	capture_begin();
	for (i = 0; i < 100; i++)
		say_of(name);
	name[0] = 'F'; /* another one */
	say_of(name);
	say_of("second");
	log = capture_end();
	assert_int_equal(count_lines(log), LOG_LIMIT_LINES + 2);
	assert_non_null(strstr(log, "First is wrong"));
	assert_non_null(strstr(log, "second is wrong"));
	capture_begin();
	log_limits_flush();
	log = capture_end();
	assert_int_equal(count_lines(log), 1);
	assert_non_null(strstr(log, "95 more in 0 s: first is wrong"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_flood, set_up),
	    cmocka_unit_test_setup(test_next_window, set_up),
	    cmocka_unit_test_setup(test_line_ends_window, set_up),
	    cmocka_unit_test_setup(test_flush, set_up),
	    cmocka_unit_test_setup(test_severity, set_up),
	    cmocka_unit_test_setup(test_text, set_up),
	    cmocka_unit_test_setup(test_names, set_up),
	};

	return cmocka_run_group_tests_name("log_limit", tests, NULL, NULL);
}
