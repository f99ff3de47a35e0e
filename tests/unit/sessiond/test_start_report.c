/*
 * sessiond/start_report.h: the standard error comes back, with what was said meanwhile.
 */
#include "sessiond/start_report.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/log_capture.h"

static void
say(const char *text)
{
	assert_int_equal(write(STDERR_FILENO, text, strlen(text)), strlen(text));
}

static void
test_comes_back(void **state)
{
	char path[] = "/tmp/test_start_report.XXXXXX", value[80];
	int file = mkstemp(path), real;

	(void)state;
	capture_begin();
	real = dup(STDERR_FILENO);
	snprintf(value, sizeof value, "%d %s", real, path);
	setenv("SOCKJS_STDERR", value, 1);
	dup2(file, STDERR_FILENO);
	say("before\n");
	start_report_end();
	say("after\n");
	start_report_end();
	assert_string_equal(capture_end(), "before\nafter\n");
	assert_int_equal(access(path, F_OK), -1);
	assert_null(getenv("SOCKJS_STDERR"));
	assert_int_equal(fcntl(real, F_GETFD), -1);
	close(file);
}

static void
test_nothing_to_do(void **state)
{
	static const char *const bad[] = {"", "x", "7", "7 "};

	(void)state;
	capture_begin();
	start_report_end();
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		setenv("SOCKJS_STDERR", bad[i], 1);
		start_report_end();
	}
	unsetenv("SOCKJS_STDERR");
	say("still there\n");
	assert_string_equal(capture_end(), "still there\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_comes_back),
	    cmocka_unit_test(test_nothing_to_do),
	};

	return cmocka_run_group_tests_name("start_report", tests, NULL, NULL);
}
