/*
 * sessiond/http/chunking_probe.h: chunks come one by one, at their times. libuv's timers are the
 * test's: __wrap_uv_timer_start notes the probe's, which next_step fires.
 */
#include "tests/unit/http/http_fixture.h"

#include "sockjs/chunking.h"

static uv_timer_t *timer; /* the last that was started */
static uv_timer_cb callback;
static uint64_t delay;

int __real_uv_timer_start(uv_timer_t *handle, uv_timer_cb fire, uint64_t ms, uint64_t repeat);
int __wrap_uv_timer_start(uv_timer_t *handle, uv_timer_cb fire, uint64_t ms, uint64_t repeat);

int
__wrap_uv_timer_start(uv_timer_t *handle, uv_timer_cb fire, uint64_t ms, uint64_t repeat)
{
	if (handle == &server.timer)
		return __real_uv_timer_start(handle, fire, ms, repeat);
	assert_int_equal(repeat, 0);
	timer = handle;
	callback = fire;
	delay = ms;
	return 0;
}

static void
next_step(void)
{
	uv_timer_t *due = timer;

	assert_non_null(due);
	timer = NULL;
	callback(due);
	run();
}

static int
begin(void)
{
	int client = connect_client();

	timer = NULL;
	say(client, "POST /echo/chunking_test HTTP/1.0\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
	return client;
}

static void
test_timetable(void **state)
{
	int client = begin();
	unsigned step;

	(void)state;
	assert_heard(client, 200, "");
	assert_true(has_header("Content-Type: application/javascript; charset=UTF-8"));
	for (step = 0; step < CHUNKING_STEPS; step++) {
		assert_int_equal(delay, chunking_delay(step));
		assert_silence(client);
		next_step();
		hear(client);
		assert_int_equal(strlen(heard.body), step == 1 ? 2048 + 2 : 2);
		assert_string_equal(heard.body + strlen(heard.body) - 2, "h\n");
		assert_int_equal(heard.ended, step == CHUNKING_STEPS - 1);
	}
	assert_null(timer);
	assert_int_equal(server.connections.count, 0);
	close(client);
}

/* The client goes: so does the probe. (A timer that is still open fails uv_loop_close.) */
static void
test_client_goes(void **state)
{
	int client = begin();

	(void)state;
	next_step();
	hang_up(client);
	assert_int_equal(server.connections.count, 0);
}

/* The daemon stops: the stream does not wait for its next step. */
static void
test_stop(void **state)
{
	int client = begin();

	(void)state;
	next_step();
	hear(client);
	http_server_stop(&server);
	assert_end(client);
	uv_run(&loop, UV_RUN_NOWAIT);
	start_server();
}

static void
test_get(void **state)
{
	int client = connect_client();

	(void)state;
	timer = NULL;
	ask(client, "GET", "/echo/chunking_test", "");
	hear(client);
	assert_int_equal(heard.status, 405);
	assert_null(timer);
	hang_up(client);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    HTTP_TEST(timetable),
	    HTTP_TEST(client_goes),
	    HTTP_TEST(stop),
	    HTTP_TEST(get),
	};

	return cmocka_run_group_tests_name("chunking_probe", tests, NULL, NULL);
}
