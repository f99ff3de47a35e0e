/* sessiond/ctl/status.h: what people read. What is told of the daemon is in sockjsctl.test.js. */
#include "sessiond/ctl/status.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void
expect_time(double seconds, const char *expected)
{
	char text[32];

	status_format_time(seconds, text, sizeof text);
	assert_string_equal(text, expected);
}

static void
expect_bytes(double bytes, const char *expected)
{
	char text[32];

	status_format_bytes(bytes, text, sizeof text);
	assert_string_equal(text, expected);
}

static void
test_formats(void **state)
{
	(void)state;
	expect_time(0.9, "0 s");
	expect_time(59.9, "59 s");
	expect_time(60, "1 min 0 s");
	expect_time(3599, "59 min 59 s");
	expect_time(86399, "23 h 59 min");
	expect_time(86400 * 400.5, "400 d 12 h");
	expect_bytes(0, "0 B");
	expect_bytes(1023, "1023 B");
	expect_bytes(1536, "1.5 KiB");
	expect_bytes(5.0 * (1 << 20), "5.0 MiB");
	expect_bytes(5e18, "4547473.5 TiB");
}

/* A daemon of another version tells less, or nothing that is known. */
static void
test_nothing_is_told(void **state)
{
	json_t *metrics = json_object(), *status = status_of(metrics);

	(void)state;
	assert_false(status_is_ready(status));
	assert_int_equal(json_integer_value(json_object_get(status, "sessions")), 0);
	assert_true(json_is_null(json_object_get(status, "store")));
	json_decref(status);
	json_decref(metrics);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_formats),
	    cmocka_unit_test(test_nothing_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
