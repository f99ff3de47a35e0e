/*
 * What sockjs.h promises of calls that are mistakes: an error code and a line in the log, and
 * nothing else happens. Connections are test_api.c's.
 */
#include "tests/unit/session/session_fixture.h"

#include "sessiond/api/api_timer.h"
#include "sessiond/api/api_group.h"
#include "tests/unit/log_capture.h"

#include <pthread.h>

static uv_loop_t loop;

static int
set_up(void **state)
{
	fixture_set_up(state);
	assert_int_equal(uv_loop_init(&loop), 0);
	api_timer_bind(&loop);
	service->protocol.options.log_level = SEVERITY_INFO;
	return 0;
}

static int
tear_down(void **state)
{
	api_timer_stop_all(service);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
	api_timer_bind(NULL);
	return fixture_tear_down(state);
}

static void
never(void *data)
{
	(void)data;
	fail_msg("this timer was stopped");
}

/* Every line since capture_begin is about that call. */
static void
expect_line(const char *call)
{
	capture_end();
	if (strstr(captured, call) == NULL || count_lines(captured) != 1)
		fail_msg("not one line about %s: %s", call, captured);
	capture_begin();
}

static void
test_groups(void **state)
{
	sockjs_group *group = sockjs_group_create(service), *copy = group;

	(void)state;
	arrive("s", fake_stream('1'));
	capture_begin();
	assert_null(sockjs_group_create(NULL));
	expect_line("sockjs_group_create: service is NULL");
	assert_int_equal(sockjs_group_add(NULL, latest), SOCKJS_INVALID);
	expect_line("sockjs_group_add: group is NULL");
	assert_int_equal(sockjs_group_add(group, (sockjs_connection){99}), SOCKJS_GONE);
	expect_line("sockjs_group_add");
	assert_int_equal(sockjs_group_remove(NULL, latest), SOCKJS_INVALID);
	expect_line("sockjs_group_remove: group is NULL");
	assert_int_equal(sockjs_group_size(NULL), 0);
	expect_line("sockjs_group_size");
	assert_int_equal(sockjs_group_write(NULL, "x", 1), SOCKJS_INVALID);
	expect_line("sockjs_group_write: group is NULL");
	assert_int_equal(sockjs_group_write(group, NULL, 0), SOCKJS_INVALID);
	expect_line("sockjs_group_write: data is NULL");
	assert_int_equal(sockjs_group_write(group, "\xff", 1), SOCKJS_INVALID);
	expect_line("sockjs_group_write: the message is not UTF-8");
	assert_int_equal(sockjs_group_destroy(NULL), SOCKJS_INVALID);
	expect_line("sockjs_group_destroy: group is NULL");
	capture_end();
	assert_int_equal(sockjs_group_remove(group, (sockjs_connection){99}), SOCKJS_OK);
	assert_int_equal(sockjs_group_destroy(&group), SOCKJS_OK);
	assert_null(group);
	assert_int_equal(sockjs_group_destroy(&group), SOCKJS_OK);
	capture_begin();
	assert_int_equal(sockjs_group_add(copy, latest), SOCKJS_GONE);
	expect_line("sockjs_group_add: the group was destroyed");
	assert_int_equal(sockjs_group_remove(copy, latest), SOCKJS_GONE);
	expect_line("sockjs_group_remove: the group was destroyed");
	assert_int_equal(sockjs_group_write(copy, "x", 1), SOCKJS_GONE);
	expect_line("sockjs_group_write: the group was destroyed");
	assert_int_equal(sockjs_group_size(copy), 0);
	expect_line("sockjs_group_size");
	assert_int_equal(sockjs_group_destroy(&copy), SOCKJS_GONE);
	expect_line("sockjs_group_destroy: the group was destroyed");
	capture_end();
	turn();
	assert_seen("1<o + ");
}

/*
 * Groups that a module leaves go with its service, and their members do not point there any more.
 */
static void
test_groups_left(void **state)
{
	sockjs_group *groups[3];
	struct session *session = arrive("s", fake_stream('1'));
	int i;

	(void)state;
	for (i = 0; i < 3; i++) {
		groups[i] = sockjs_group_create(service);
		assert_int_equal(sockjs_group_add(groups[i], latest), SOCKJS_OK);
	}
	assert_int_equal(sockjs_group_destroy(&groups[1]), SOCKJS_OK);
	api_group_destroy_all(service);
	assert_null(LIST_FIRST(&session->memberships));
	capture_begin();
	assert_int_equal(sockjs_group_size(groups[0]), 0);
	expect_line("sockjs_group_size: the group was destroyed");
	capture_end();
}

static void
test_timers(void **state)
{
	sockjs_timer *timer = sockjs_timer_start(service, 0, 0, never, NULL), *copy = timer;

	(void)state;
	assert_int_equal(sockjs_timer_stop(&timer), SOCKJS_OK);
	assert_null(timer);
	assert_int_equal(sockjs_timer_stop(&timer), SOCKJS_OK);
	capture_begin();
	assert_int_equal(sockjs_timer_stop(&copy), SOCKJS_GONE);
	expect_line("sockjs_timer_stop: the timer was stopped before");
	assert_null(copy);
	assert_int_equal(sockjs_timer_stop(NULL), SOCKJS_INVALID);
	expect_line("sockjs_timer_stop: timer is NULL");
	assert_null(sockjs_timer_start(NULL, 0, 0, never, NULL));
	expect_line("sockjs_timer_start: service is NULL");
	assert_null(sockjs_timer_start(service, 0, 0, NULL, NULL));
	expect_line("sockjs_timer_start: fire is NULL");
	capture_end();
	assert_null(LIST_FIRST(&service->timers));
	/* Longer than any clock goes. */
	assert_non_null(sockjs_timer_start(service, UINT64_MAX, UINT64_MAX, never, NULL));
	uv_run(&loop, UV_RUN_NOWAIT);
}

static void
test_services(void **state)
{
	struct error err = ERROR_INIT;
	struct sockjs_service *dead = service_create("/dead", &err), *copy = dead;

	(void)state;
	service_destroy(&dead);
	capture_begin();
	assert_null(sockjs_service_prefix(NULL));
	expect_line("sockjs_service_prefix: service is NULL");
	assert_null(sockjs_service_prefix(copy));
	expect_line("sockjs_service_prefix: there is no such service");
	assert_int_equal(sockjs_service_set_user_data(NULL, &seen), SOCKJS_INVALID);
	expect_line("sockjs_service_set_user_data");
	assert_int_equal(sockjs_service_set_user_data(copy, &seen), SOCKJS_INVALID);
	expect_line("sockjs_service_set_user_data");
	assert_null(sockjs_service_user_data(NULL));
	expect_line("sockjs_service_user_data");
	assert_null(sockjs_service_user_data(copy));
	expect_line("sockjs_service_user_data");
	assert_null(sockjs_group_create(copy));
	expect_line("sockjs_group_create");
	assert_null(sockjs_timer_start(copy, 0, 0, never, NULL));
	expect_line("sockjs_timer_start");
	capture_end();
}

/* A call of each kind on a thread that is not the loop's. */
static void *
call_everything(void *data)
{
	sockjs_connection connection = latest;
	sockjs_group *group = data;
	sockjs_timer *timer = NULL;
	bool flag;

	return (void *)(uintptr_t)(sockjs_write(connection, "x", 1) == SOCKJS_WRONG_THREAD &&
	    sockjs_close(connection, 0, NULL) == SOCKJS_WRONG_THREAD &&
	    sockjs_end(connection, NULL, 0) == SOCKJS_WRONG_THREAD &&
	    sockjs_set_user_data(connection, data) == SOCKJS_WRONG_THREAD &&
	    sockjs_id(connection) == NULL && sockjs_ready_state(connection) == SOCKJS_CLOSED &&
	    sockjs_service_prefix(service) == NULL &&
	    sockjs_service_set_user_data(service, data) == SOCKJS_WRONG_THREAD &&
	    sockjs_fail(service, "x") == SOCKJS_WRONG_THREAD &&
	    sockjs_option_bool(service, "x", &flag) == SOCKJS_WRONG_THREAD &&
	    sockjs_group_create(service) == NULL &&
	    sockjs_group_add(group, connection) == SOCKJS_WRONG_THREAD &&
	    sockjs_group_remove(group, connection) == SOCKJS_WRONG_THREAD &&
	    sockjs_group_write(group, "x", 1) == SOCKJS_WRONG_THREAD &&
	    sockjs_group_destroy(&group) == SOCKJS_WRONG_THREAD && group == data &&
	    sockjs_timer_start(service, 0, 0, never, NULL) == NULL &&
	    sockjs_timer_stop(&timer) == SOCKJS_WRONG_THREAD &&
	    sockjs_respond((sockjs_request){1}, NULL) == SOCKJS_WRONG_THREAD);
}

static void
test_wrong_thread(void **state)
{
	sockjs_group *group = sockjs_group_create(service);
	pthread_t thread;
	void *fine;

	(void)state;
	arrive("s", fake_stream('1'));
	capture_begin();
	assert_int_equal(pthread_create(&thread, NULL, call_everything, group), 0);
	pthread_join(thread, &fine);
	assert_non_null(
	    strstr(capture_end(), "sockjs_write: called on a thread that is not the daemon's"));
	assert_non_null(fine);
	turn();
	assert_seen("1<o + ");
	assert_int_equal(sockjs_ready_state(latest), SOCKJS_OPEN);
	assert_int_equal(sockjs_group_destroy(&group), SOCKJS_OK);
}

static void
test_requests(void **state)
{
	size_t len = 7;

	(void)state;
	capture_begin();
	assert_null(sockjs_request_method((sockjs_request){1}));
	assert_null(sockjs_request_path((sockjs_request){1}));
	assert_null(sockjs_request_query((sockjs_request){1}));
	assert_null(sockjs_request_remote_address((sockjs_request){1}));
	assert_int_equal(sockjs_request_remote_port((sockjs_request){1}), 0);
	assert_null(sockjs_request_service((sockjs_request){1}));
	assert_null(sockjs_request_header((sockjs_request){1}, NULL));
	assert_null(sockjs_request_body((sockjs_request){1}, &len));
	assert_int_equal(len, 0);
	assert_null(sockjs_request_body((sockjs_request){1}, NULL));
	assert_int_equal(sockjs_respond((sockjs_request){1}, NULL), SOCKJS_GONE);
	expect_line("sockjs_respond: the connection or request is gone");
	capture_end();
}

/* A module that goes on making the same mistake does not fill the log. */
static void
test_flood(void **state)
{
	int i;

	(void)state;
	arrive("s", fake_stream('1'));
	capture_begin();
	for (i = 0; i < 1000; i++)
		assert_int_equal(sockjs_write(latest, NULL, 0), SOCKJS_INVALID);
	capture_end();
	assert_true(count_lines(captured) >= 1 && count_lines(captured) <= 153);
	assert_non_null(strstr(captured, "are left out"));
}

static void
test_version(void **state)
{
	(void)state;
	assert_string_equal(sockjs_version(), PACKAGE_VERSION);
}

#define MISUSE_TEST(name) cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    MISUSE_TEST(groups),
	    MISUSE_TEST(groups_left),
	    MISUSE_TEST(timers),
	    MISUSE_TEST(services),
	    MISUSE_TEST(wrong_thread),
	    MISUSE_TEST(requests),
	    MISUSE_TEST(flood),
	    MISUSE_TEST(version),
	};

	return cmocka_run_group_tests_name("api_misuse", tests, NULL, NULL);
}
