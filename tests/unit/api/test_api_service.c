/*
 * sessiond/api/api_service.c: the calls of sockjs.h that read a module's options.
 */
#include "tests/unit/session/session_fixture.h"

#include "tests/unit/log_capture.h"

static void
add(const char *name, const char *value, unsigned line)
{
	struct error err = ERROR_INIT;

	assert_int_equal(module_options_add(&service->module_options, name, value, line, &err), 0);
}

static void
test_values(void **state)
{
	bool flag = true;
	uint32_t number = 7;
	size_t size = 8;
	uint64_t ms = 9;

	(void)state;
	assert_null(sockjs_option(service, "flag"));
	assert_int_equal(sockjs_option_bool(service, "flag", &flag), SOCKJS_OK);
	assert_int_equal(sockjs_option_uint(service, "number", 0, 0, &number), SOCKJS_OK);
	assert_int_equal(sockjs_option_size(service, "size", 0, 0, &size), SOCKJS_OK);
	assert_int_equal(sockjs_option_ms(service, "ms", 0, 0, &ms), SOCKJS_OK);
	assert_true(flag && number == 7 && size == 8 && ms == 9);
	add("module.flag", "off", 1);
	add("module.number", "4294967295", 1);
	add("module.size", "3k", 1);
	add("module.ms", "2s", 1);
	assert_int_equal(sockjs_option_bool(service, "flag", &flag), SOCKJS_OK);
	assert_int_equal(sockjs_option_uint(service, "number", 1, 0, &number), SOCKJS_OK);
	assert_int_equal(sockjs_option_size(service, "size", 3072, 3072, &size), SOCKJS_OK);
	assert_int_equal(sockjs_option_ms(service, "ms", 0, 2000, &ms), SOCKJS_OK);
	assert_true(!flag && number == UINT32_MAX && size == 3072 && ms == 2000);
	assert_string_equal(sockjs_option(service, "size"), "3k");
}

/* Within start the first mistake is kept, with its place; else it is a line in the log. */
static void
test_bad_values(void **state)
{
	uint32_t number = 7;
	bool flag = true;

	(void)state;
	service->conf_line = 2;
	service->conf_path = strdup("x.conf");
	add("module.number", "5x", 4);
	add("module.flag", "maybe", 5);
	service->starting = true;
	assert_int_equal(sockjs_option_uint(service, "number", 1, 9, &number), SOCKJS_INVALID);
	assert_int_equal(sockjs_option_bool(service, "flag", &flag), SOCKJS_INVALID);
	assert_int_equal(sockjs_fail(service, "later"), SOCKJS_INVALID);
	assert_true(flag && number == 7);
	assert_string_equal(
	    service->start_error.text, "x.conf:4: module.number: \"5x\" is not a number (1 to 9)");
	error_clear(&service->start_error);
	assert_int_equal(sockjs_fail(service, "no %s", "luck"), SOCKJS_INVALID);
	assert_string_equal(service->start_error.text, "x.conf:2: no luck");
	service->starting = false;
	capture_begin();
	sockjs_option_bool(service, "flag", &flag);
	sockjs_fail(service, "too late");
	assert_non_null(strstr(capture_end(), "/echo: module.flag: \"maybe\""));
	assert_non_null(strstr(captured, "/echo: too late"));
	assert_string_equal(service->start_error.text, "x.conf:2: no luck");
}

static void
test_misuse(void **state)
{
	uint32_t number = 7;

	(void)state;
	add("module.number", "5", 4);
	capture_begin();
	assert_null(sockjs_option(NULL, "number"));
	assert_null(sockjs_option(service, NULL));
	assert_int_equal(sockjs_option_uint(NULL, "number", 0, 0, &number), SOCKJS_INVALID);
	assert_int_equal(sockjs_option_uint(service, NULL, 0, 0, &number), SOCKJS_INVALID);
	assert_int_equal(sockjs_option_uint(service, "number", 0, 0, NULL), SOCKJS_INVALID);
	assert_int_equal(sockjs_option_bool(NULL, "number", NULL), SOCKJS_INVALID);
	assert_int_equal(sockjs_option_size(NULL, "number", 0, 0, NULL), SOCKJS_INVALID);
	assert_int_equal(sockjs_option_ms(NULL, "number", 0, 0, NULL), SOCKJS_INVALID);
	assert_int_equal(sockjs_fail(NULL, "x"), SOCKJS_INVALID);
	assert_int_equal(sockjs_fail(service, NULL), SOCKJS_INVALID);
	assert_int_equal(count_lines(capture_end()), 10);
	assert_int_equal(number, 7);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    SESSION_TEST(values),
	    SESSION_TEST(bad_values),
	    SESSION_TEST(misuse),
	};

	return cmocka_run_group_tests_name("api_service", tests, NULL, NULL);
}
