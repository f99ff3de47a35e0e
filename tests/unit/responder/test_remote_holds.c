/*
 * sessiond/responder/remote_holds.h: how many polls wait in processes that serve one at a time.
 */
#include "tests/unit/responder/responder_fixture.h"

#include "tests/unit/log_capture.h"

static void
say_alone(uint64_t id, const char *session)
{
	encode_receive(id, session, TRANSPORT_XHR_POLLING, WIRE_RECEIVE_ALONE);
	say();
	run();
}

/* By now all that are held have waited for long enough to be turned away. */
static void
wait_enough(void)
{
	run_for(REMOTE_HOLDS_LEAST_MS);
}

/* A session opens, and polls. */
static void
open_alone(uint64_t id, const char *session)
{
	say_alone(id, session);
	say_written(id);
	run();
	hear();
	buffer_clear(&heard);
	say_alone(id, session);
}

/* With one more than there may be the oldest is answered, so that a process is free. */
static void
test_most_held(void **state)
{
	(void)state;
	open_responder();
	open_alone(1, "a");
	open_alone(2, "b");
	assert_heard("");
	assert_int_equal(messages.holds.held.count, MOST_HELD);
	wait_enough();
	open_alone(3, "c");
	assert_heard("1<h;. ");
	/* One that is answered does not count any more. */
	write_to("b", "x");
	assert_heard("2<a[\"x\"];. ");
	assert_int_equal(messages.holds.held.count, 1);
	open_alone(4, "d");
	assert_heard("");
	wait_enough();
	open_alone(5, "e");
	assert_heard("3<h;. ");
}

/* However many come at once, none is answered before it has waited. */
static void
test_none_too_early(void **state)
{
	(void)state;
	open_responder();
	open_alone(1, "a");
	run_for(REMOTE_HOLDS_LEAST_MS / 2);
	for (unsigned i = 2; i <= MOST_HELD + 2; i++)
		open_alone(i, (char[]){(char)('a' + i), '\0'});
	run_for(REMOTE_HOLDS_LEAST_MS - 1);
	assert_heard("");
	assert_int_equal(messages.holds.held.count, MOST_HELD + 2);
	run_for(1);
	assert_heard("1<h;. 2<h;. ");
	assert_int_equal(messages.holds.held.count, MOST_HELD);
	open_alone(5, "u");
	assert_heard("3<h;. ");
	open_alone(6, "v");
	assert_heard("4<h;. ");
	/* One that has been answered makes room as well. */
	open_alone(7, "w");
	write_to("u", "x");
	assert_heard("5<a[\"x\"];. ");
	run_for(10 * REMOTE_HOLDS_LEAST_MS);
	assert_heard("");
}

/* Those that wait to be let in have no heartbeat. */
static void
test_waiting_for_the_module(void **state)
{
	(void)state;
	open_responder();
	service->application = &later_application;
	say_alone(1, "a");
	say_alone(2, "b");
	assert_heard("");
	wait_enough();
	say_alone(3, "c");
	assert_heard("1!503 ");
	assert_int_equal(sockjs_admit(candidate, 0), SOCKJS_OK);
	assert_heard("3<o;. ");
	assert_int_equal(messages.holds.held.count, 1);
	assert_seen("- + ");
}

/* Others do not count. */
static void
test_held_by_others(void **state)
{
	(void)state;
	open_responder();
	for (unsigned i = 0; i < MOST_HELD + 2; i++) {
		char session[] = {(char)('a' + i), '\0'};

		say_poll(i + 1, session);
		run();
		say_written(i + 1);
		run();
		say_poll(i + 1, session);
	}
	run();
	hear();
	buffer_clear(&heard);
	assert_int_equal(messages.holds.held.count, 0);
	assert_int_equal(LIST_FIRST(&peers.list)->requests.count, MOST_HELD + 2);
}

/* Those of a connection that breaks are not held any more. */
static void
test_held_and_lost(void **state)
{
	(void)state;
	open_responder();
	open_alone(1, "a");
	assert_int_equal(messages.holds.held.count, 1);
	close_responder();
	assert_int_equal(messages.holds.held.count, 0);
}

/* --- as many as there are processes, but some ------------------------------------------------- */

/* Processes of other web servers' requests; nothing of them is looked at but whether they share. */
static struct peer others[40];

static void
begin(void)
{
	memset(others, 0, sizeof others);
	config->server.fcgid_max_held = 0;
	open_responder();
}

static void
see_processes(size_t n)
{
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
		remote_holds_see(&messages.holds, &others[i], i < n);
}

/* Polls of n sessions wait, the ids of requests counting from 1. Returns how many still do. */
static size_t
hold(unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		char session[] = {(char)('a' + i / 26), (char)('a' + i % 26), '\0'};

		open_alone(i + 1, session);
		wait_enough();
	}
	return messages.holds.held.count;
}

static void
test_few_processes(void **state)
{
	(void)state;
	begin();
	see_processes(2);
	assert_int_equal(hold(8), REMOTE_HOLDS_LEAST);
}

/* 30 others and the one that speaks: 31, of which one is free. */
static void
test_many_processes(void **state)
{
	(void)state;
	begin();
	see_processes(30);
	assert_int_equal(hold(40), 30);
	assert_int_equal(sessions.limits.reached[LIMIT_FCGID_MAX_HELD], 10);
	/* Some have ended. */
	see_processes(15);
	open_alone(41, "z");
	assert_int_equal(messages.holds.held.count, 15);
	/* They share now: no process is occupied. */
	see_processes(0);
	close_responder();
	assert_int_equal(messages.holds.processes, 0);
}

/* --- starving --------------------------------------------------------------------------------- */

/* `times` polls come within ms, of more sessions than may wait. */
static void
poll_again(unsigned times, uint64_t ms)
{
	static uint64_t id = 100;

	for (unsigned i = 0; i < times; i++) {
		now += ms / times;
		say_alone(++id, (char[]){'a', (char)('a' + i % 12), '\0'});
		hear();
		buffer_clear(&heard);
	}
}

static const char *
log_of_polls(unsigned times, uint64_t ms)
{
	capture_begin_later();
	poll_again(times, ms);
	return capture_end();
}

static void
test_starving(void **state)
{
	(void)state;
	begin();
	see_processes(6);
	assert_int_equal(hold(12), 6);
	log_of_polls(200, 10000);
	assert_non_null(strstr(log_of_polls(400, 20000), "raise FcgidMaxProcessesPerClass"));
	/* More are kept free: of 7 processes two. */
	poll_again(1, REMOTE_HOLDS_LEAST_MS);
	assert_int_equal(messages.holds.held.count, 5);
	/* The web server has started one more. */
	see_processes(7);
	assert_string_equal(log_of_polls(200, 10000), "");
	see_processes(8);
	assert_string_equal(log_of_polls(200, 10000), "");
	assert_int_equal(messages.holds.held.count, 8);
	/* Few come again. */
	log_of_polls(50, 10000);
	assert_string_equal(log_of_polls(50, 20000), "");
	config->server.fcgid_max_held = MOST_HELD;
	log_of_polls(200, 10000);
	assert_non_null(strstr(log_of_polls(400, 20000), "raise fcgid_max_held, or leave it out"));
}

#define TEST(name) RESPONDER_TEST(name)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(most_held),
	    TEST(none_too_early),
	    TEST(waiting_for_the_module),
	    TEST(held_by_others),
	    TEST(held_and_lost),
	    TEST(few_processes),
	    TEST(many_processes),
	    TEST(starving),
	};

	log_open("test_remote_holds", SEVERITY_ERROR);
	return cmocka_run_group_tests_name("remote_holds", tests, folder_setup, folder_teardown);
}
