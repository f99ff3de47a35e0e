/*
 * sessiond/service/service_log.c and sockjs_log: whose lines go where.
 */
#include "tests/unit/session/session_fixture.h"

#include "sessiond/service/service_log.h"
#include "tests/unit/log_capture.h"

static struct sockjs_module module;
static char given[4096]; /* SEVERITY:LINE| for each */
static bool keeps;

static bool
on_log(sockjs_service *of, enum sockjs_severity severity, const char *line)
{
	size_t n = strlen(given);

	assert_ptr_equal(of, service);
	snprintf(given + n, sizeof given - n, "%d:%s|", severity, line);
	sockjs_write((sockjs_connection){77}, "x", 1); /* its own mistake is not given to it */
	service_log(service, SEVERITY_ERROR, 0, "inside");
	return keeps;
}

static int
set_up(void **state)
{
	fixture_set_up(state);
	module = fake_application;
	module.log = on_log;
	service->application = &module;
	service->started = true;
	service->protocol.options.log_level = SEVERITY_INFO;
	given[0] = '\0';
	keeps = false;
	return 0;
}

static void
test_callback(void **state)
{
	(void)state;
	capture_begin();
	service_log(service, SEVERITY_INFO, 0, "first %d\n", 1);
	service_log(service, SEVERITY_ERROR, 12, "second");
	service_log(service, SEVERITY_DEBUG, 12, "not asked for");
	capture_end();
	assert_string_equal(given, "1:first 1\\n|0:[#12] second|");
	assert_non_null(strstr(captured, "info: first 1\\n\n"));
	assert_non_null(strstr(captured, "error: [#12] second\n"));
	assert_null(strstr(captured, "not asked for"));
	assert_non_null(strstr(captured, "inside"));
	assert_non_null(strstr(captured, "sockjs_write"));
}

static void
test_kept(void **state)
{
	(void)state;
	keeps = true;
	capture_begin();
	service_log(service, SEVERITY_ERROR, 1, "mine");
	assert_null(strstr(capture_end(), "mine"));
	assert_string_equal(given, "0:[#1] mine|");
}

static void
test_only_between_start_and_stop(void **state)
{
	(void)state;
	keeps = true;
	service->started = false;
	capture_begin();
	service_log(service, SEVERITY_ERROR, 1, "early");
	assert_non_null(strstr(capture_end(), "early"));
	assert_string_equal(given, "");
}

/*
 * A line as long as the log takes, and one longer, of bytes that are escaped: no buffer is overrun.
 */
static void
test_long(void **state)
{
	static char text[3 * LOG_TEXT_MAX];

	(void)state;
	memset(text, 'y', sizeof text - 1);
	keeps = true;
	service_log(service, SEVERITY_ERROR, UINT64_MAX, "%s", text);
	assert_true(strlen(given) <= LOG_TEXT_MAX + strlen("0:|"));
	assert_non_null(strstr(given, "...|"));
	given[0] = '\0';
	memset(text, '\001', sizeof text - 1);
	service_log(service, SEVERITY_ERROR, 0, "%s", text);
	assert_non_null(strstr(given, "...|"));
}

static void
test_of_modules(void **state)
{
	(void)state;
	capture_begin();
	sockjs_log(service, SOCKJS_LOG_ERROR, "trouble %d", 5);
	sockjs_log(service, SOCKJS_LOG_INFO, "news");
	sockjs_log(service, SOCKJS_LOG_DEBUG, "details");
	capture_end();
	assert_string_equal(given, "");
	assert_non_null(strstr(captured, "error: /echo: trouble 5\n"));
	assert_non_null(strstr(captured, "info: /echo: news\n"));
	assert_null(strstr(captured, "details"));
	capture_begin();
	sockjs_log(NULL, SOCKJS_LOG_ERROR, "x");
	sockjs_log(service, (enum sockjs_severity)7, "x");
	sockjs_log(service, SOCKJS_LOG_ERROR, NULL);
	assert_int_equal(count_lines(capture_end()), 3);
}

#define LOG_TEST(name) cmocka_unit_test_setup_teardown(test_##name, set_up, fixture_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    LOG_TEST(callback),
	    LOG_TEST(kept),
	    LOG_TEST(only_between_start_and_stop),
	    LOG_TEST(long),
	    LOG_TEST(of_modules),
	};

	return cmocka_run_group_tests_name("service_log", tests, NULL, NULL);
}
