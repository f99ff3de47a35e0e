/*
 * sessiond/worker/worker_callback.h: what is asked when, what of it again, and what becomes of the
 * answers. The FastCGI application is the test, and so is the clock.
 */
#include "tests/unit/worker/callback_fixture.h"

/* --- requests --------------------------------------------------------------------------------- */

static void
a_request_has_what_is_known(void **state)
{
	struct worker_connection *one = connect_client("one");

	(void)state;
	worker_connection_push(one, WORKER_EVENT_CONNECTION, NULL, 0, false);
	push(one, "a");
	worker_connection_push(one, WORKER_EVENT_DATA, "\0\377", 2, true);
	assert_int_equal(asked, 0);
	end_turn();
	assert_int_equal(asked, 1);
	assert_string_equal(made.address, "/run/fpm.sock");
	assert_int_equal(made.timeout_ms, 5000);
	assert_string_equal(events_of(0), "connection data=a data ");
	assert_true(json_is_null(json_object_get(calls[0].body, "state")));
	assert_string_equal(
	    json_string_value(json_object_get(json_object_get(calls[0].body, "connection"), "id")),
	    "one");
	assert_true(has_param(0, "REQUEST_METHOD=POST\n"));
	assert_true(has_param(0, "SCRIPT_FILENAME=/srv/app/chat.php\n"));
	assert_true(has_param(0, "SCRIPT_NAME=/chat.php\n"));
	assert_true(has_param(0, "DOCUMENT_ROOT=/srv/app\n"));
	assert_true(has_param(0, "CONTENT_TYPE=application/json\n"));
	assert_true(has_param(0, "CONTENT_LENGTH=1"));
	assert_true(has_param(0, "REDIRECT_STATUS=200\n"));
	assert_true(has_param(0, "SOCKJS_DELIVERY=one:1-3\n"));
	assert_true(has_param(0, "SOCKJS_ATTEMPT=1\n"));
	answer(0, 200, "[{\"call\":\"state\",\"id\":\"one\",\"value\":[1]}]");
	assert_int_equal(one->count, 0);
	assert_string_equal(one->state, "[1]");
	close_client(one);
	end_turn();
	assert_true(has_param(1, "SOCKJS_DELIVERY=one:4-4\n"));
	assert_string_equal(events_of(1), "close ");
	assert_int_equal(json_array_size(json_object_get(calls[1].body, "state")), 1);
	answer(1, 200, " [] \n");
	assert_int_equal(service->count, 0);
	end_turn();
	assert_int_equal(asked, 2);
}

static void
a_connection_has_one_at_a_time(void **state)
{
	struct worker_connection *one = connect_client("one");

	(void)state;
	push(one, "a");
	end_turn();
	push(one, "b");
	push(one, "c");
	end_turn();
	assert_int_equal(asked, 1);
	assert_string_equal(events_of(0), "data=a ");
	answer(0, 200, "[]");
	assert_int_equal(asked, 1);
	end_turn();
	assert_string_equal(events_of(1), "data=b data=c ");
	answer(1, 200, "[]");
	end_turn();
	assert_int_equal(asked, 2);
}

static void
others_wait_in_their_order(void **state)
{
	const char *const ids[] = {"one", "two", "three", "four"};
	unsigned i;

	(void)state;
	options()->callback_concurrency = 2;
	for (i = 0; i < 4; i++)
		push(connect_client(ids[i]), ids[i]);
	end_turn();
	assert_int_equal(asked, 2);
	assert_string_equal(events_of(0), "data=one ");
	assert_string_equal(events_of(1), "data=two ");
	answer(1, 200, "[]");
	end_turn();
	assert_string_equal(events_of(2), "data=three ");
	answer(0, 200, "[]");
	answer(2, 200, "[]");
	end_turn();
	assert_int_equal(asked, 4);
	answer(3, 200, "[]");
}

static void
a_batch_is_limited(void **state)
{
	struct worker_connection *one = connect_client("one");
	char long_message[1001];

	(void)state;
	memset(long_message, 'x', sizeof long_message);
	long_message[1000] = '\0';
	options()->worker_in_flight = 3;
	options()->worker_line_limit = 1024;
	push(one, "a");
	push(one, "b");
	push(one, "c");
	push(one, "d");
	push(one, long_message);
	end_turn();
	assert_string_equal(events_of(0), "data=a data=b data=c ");
	answer(0, 200, "[]");
	end_turn();
	assert_string_equal(events_of(1), "data=d ");
	/* One event goes, whatever its length. */
	answer(1, 200, "[]");
	end_turn();
	assert_int_equal(asked, 3);
	answer(2, 200, "[]");
}

static void
who_asks_to_be_let_in_goes_alone(void **state)
{
	struct worker_connection *one = connect_client("one");

	(void)state;
	worker_connection_push(one, WORKER_EVENT_CONNECT, NULL, 0, false);
	push(one, "a");
	end_turn();
	assert_string_equal(events_of(0), "connect ");
	answer(0, 200, "[]");
	end_turn();
	assert_string_equal(events_of(1), "data=a ");
	answer(1, 200, "[]");
}

static void
a_wrong_call_is_logged(void **state)
{
	struct worker_connection *one = connect_client("one");
	const char *log;

	(void)state;
	push(one, "a");
	end_turn();
	capture_begin_later();
	answer(0, 200,
	    "[{\"call\":\"nonsense\",\"data\":\"\\u0000\"},3,{\"call\":\"close\",\"id\":\"none\"},"
	    "{\"call\":\"state\",\"id\":\"one\",\"value\":7}]");
	log = capture_end();
	assert_int_equal(count_lines(log), 2);
	assert_non_null(strstr(log, "[service /chat]: callback: call 1 of an answer is unknown"));
	assert_non_null(strstr(log, "call 2 of an answer is invalid"));
	assert_string_equal(one->state, "7");
	assert_int_equal(one->count, 0);
}

/* --- failures --------------------------------------------------------------------------------- */

/* Whether the first request was repeated a second after that. */
static void
assert_is_repeated(void)
{
	assert_int_equal(asked, 1);
	pass(CALLBACK_PAUSE_MS - 1);
	assert_int_equal(asked, 1);
	pass(1);
	assert_int_equal(asked, 2);
	assert_true(has_param(1, "SOCKJS_DELIVERY=one:1-1\n"));
	assert_true(has_param(1, "SOCKJS_ATTEMPT=2\n"));
	assert_string_equal(events_of(1), "data=a ");
}

static void
what_is_no_answer_is_asked_again(void **state)
{
	static const struct {
		unsigned status; /* 0: there is none */
		const char *body;
	} cases[] = {{500, "[]"}, {404, "[]"}, {201, "[]"}, {204, ""}, {200, ""}, {200, "{}"},
	    {200, "[] <b>Warning</b>"}, {200, "[\"\377\"]"}, {0, ""}};
	struct worker_connection *one;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		asked = 0;
		one = connect_client("one");
		push(one, "a");
		end_turn();
		if (cases[i].status != 0)
			answer(0, cases[i].status, cases[i].body);
		else
			go_wrong(0, FASTCGI_FAILED);
		/* It comes with the next batch. */
		push(one, "b");
		end_turn();
		assert_is_repeated();
		answer(1, 200, "[]");
		end_turn();
		assert_true(has_param(2, "SOCKJS_DELIVERY=one:2-2\n"));
		assert_true(has_param(2, "SOCKJS_ATTEMPT=1\n"));
		answer(2, 200, "[]");
		close_client(one);
		end_turn();
		answer(3, 200, "[]");
		assert_int_equal(service->count, 0);
	}
}

static void
the_third_failure_ends_the_connection(void **state)
{
	struct worker_connection *one = connect_client("one");
	const char *log;

	(void)state;
	push(one, "a");
	push(one, "b");
	end_turn();
	answer(0, 500, "");
	pass(CALLBACK_PAUSE_MS);
	go_wrong(1, FASTCGI_FAILED);
	pass(2 * CALLBACK_PAUSE_MS - 1);
	assert_int_equal(asked, 2);
	pass(1);
	assert_true(has_param(2, "SOCKJS_ATTEMPT=3\n"));
	push(one, "c");
	capture_begin_later();
	answer(2, 200, "Fatal error");
	log = capture_end();
	assert_non_null(strstr(
	    log, "(attempt 3 of 3): expected is 200 with a JSON array, and not 200 with: Fatal"));
	assert_non_null(
	    strstr(log, "event data of connection one was not handled by callback 3 times"));
	/* Its end is told. */
	end_turn();
	assert_int_equal(asked, 4);
	assert_string_equal(events_of(3), "close ");
	assert_true(has_param(3, "SOCKJS_ATTEMPT=1\n"));
	answer(3, 200, "[]");
	assert_int_equal(service->count, 0);
}

static void
an_end_that_fails_is_dropped(void **state)
{
	unsigned i;

	(void)state;
	close_client(connect_client("one"));
	end_turn();
	for (i = 0; i < CALLBACK_TRIES; i++) {
		answer(i, 500, "");
		pass(2 * CALLBACK_PAUSE_MS);
	}
	assert_int_equal(asked, CALLBACK_TRIES);
	assert_int_equal(service->count, 0);
}

/* A connection that pauses holds up no other. */
static void
others_go_on(void **state)
{
	struct worker_connection *one = connect_client("one");

	(void)state;
	options()->callback_concurrency = 1;
	push(one, "a");
	push(connect_client("two"), "b");
	end_turn();
	answer(0, 500, "");
	end_turn();
	assert_string_equal(events_of(1), "data=b ");
	answer(1, 200, "[]");
}

/* --- nobody there ----------------------------------------------------------------------------- */

static void
nobody_there_is_no_failure(void **state)
{
	struct worker_connection *one = connect_client("one"), *two = connect_client("two");
	unsigned i;

	(void)state;
	push(one, "a");
	end_turn();
	push(two, "b");
	assert_true(service->is_here);
	for (i = 0; i < 10; i++) {
		go_wrong(i, FASTCGI_AWAY);
		assert_false(service->is_here);
		end_turn();
		/* One that finds out, and it is the same. */
		assert_int_equal(asked, i + 1);
		pass(CALLBACK_AWAY_PAUSE_MS);
		assert_int_equal(asked, i + 2);
		assert_string_equal(events_of(i + 1), "data=a ");
		assert_true(has_param(i + 1, "SOCKJS_ATTEMPT=1\n"));
	}
	answer(10, 200, "[]");
	assert_true(service->is_here);
	end_turn();
	assert_int_equal(asked, 12);
	assert_string_equal(events_of(11), "data=b ");
	answer(11, 200, "[]");
}

static void
clients_are_refused_after_a_while(void **state)
{
	struct worker_connection *one = connect_client("one");
	unsigned nth = 0;
	const char *log;

	(void)state;
	capture_begin_later();
	push(one, "a");
	end_turn();
	while (!service->is_away) {
		go_wrong(nth++, FASTCGI_AWAY);
		pass(options()->worker_timeout / 5);
	}
	assert_int_equal(nth, 5);
	answer(nth, 500, "it is there, whatever it says");
	log = capture_end();
	assert_false(service->is_away);
	assert_non_null(strstr(log, "callback: it went wrong"));
	assert_non_null(strstr(log, "worker_timeout"));
	assert_non_null(strstr(log, "its application is there again"));
}

/* Else nobody would be let in who could find out. */
static void
the_next_client_finds_out(void **state)
{
	struct worker_connection *one = connect_client("one");
	struct worker_connection *two;

	(void)state;
	close_client(one);
	end_turn();
	answer(0, 500, "");
	two = connect_client("two");
	push(two, "b");
	end_turn();
	go_wrong(1, FASTCGI_AWAY);
	assert_false(service->is_here);
	/* As if it had been refused. */
	worker_connection_is_deadly(two, "is gone");
	end_turn();
	pass(CALLBACK_AWAY_PAUSE_MS);
	assert_int_equal(asked, 3);
	assert_string_equal(events_of(2), "close ");
	go_wrong(2, FASTCGI_AWAY);
	worker_connection_is_deadly(two, "is gone");
	pass(CALLBACK_AWAY_PAUSE_MS);
	assert_int_equal(asked, 3);
	assert_true(service->is_here);
}

/* --- changes and ends ------------------------------------------------------------------------- */

static void
options_change(void **state)
{
	struct worker_connection *one = connect_client("one");

	(void)state;
	push(one, "a");
	end_turn();
	options()->callback_timeout = 700;
	options()->worker_line_limit = 5000;
	workers_changed(&workers);
	assert_int_equal(made.timeout_ms, 700);
	assert_int_equal(made.limit, 5000);
	assert_int_equal(ended, 0);
	free(options()->callback);
	options()->callback = strdup("fastcgi:127.0.0.1:9000\t /chat.php");
	workers_changed(&workers);
	assert_int_equal(ended, 1);
	assert_string_equal(made.address, "127.0.0.1:9000");
	end_turn();
	assert_int_equal(asked, 2);
	assert_true(has_param(1, "SCRIPT_FILENAME=/chat.php\n"));
	assert_true(has_param(1, "SCRIPT_NAME=/chat.php\n"));
	assert_true(has_param(1, "DOCUMENT_ROOT=\n"));
	assert_true(has_param(1, "SOCKJS_DELIVERY=one:1-1\n"));
	answer(1, 200, "[]");
	assert_int_equal(one->count, 0);
}

static void
the_daemon_ends(void **state)
{
	struct worker_connection *one = connect_client("one");

	(void)state;
	push(one, "a");
	end_turn();
	push(connect_client("two"), "b");
	assert_false(workers_finish(&workers));
	end_turn();
	assert_int_equal(asked, 1);
	answer(0, 200, "[]");
	assert_int_equal(one->count, 0);
	assert_true(workers_finish(&workers));
	push(one, "c");
	end_turn();
	assert_int_equal(asked, 1);
}

/* One is asked, one pauses, one is ready, one is idle. */
static void
the_service_ends(void **state)
{
	struct worker_connection *idle = connect_client("idle");

	(void)state;
	push(idle, "a");
	end_turn();
	answer(0, 200, "[]");
	push(connect_client("pausing"), "a");
	end_turn();
	answer(1, 500, "");
	push(connect_client("asked"), "a");
	end_turn();
	push(connect_client("ready"), "a");
	end_service();
	assert_int_equal(ended, 1);
	pass(60000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	    TEST(a_request_has_what_is_known),
	    TEST(a_connection_has_one_at_a_time),
	    TEST(others_wait_in_their_order),
	    TEST(a_batch_is_limited),
	    TEST(who_asks_to_be_let_in_goes_alone),
	    TEST(a_wrong_call_is_logged),
	    TEST(what_is_no_answer_is_asked_again),
	    TEST(the_third_failure_ends_the_connection),
	    TEST(an_end_that_fails_is_dropped),
	    TEST(others_go_on),
	    TEST(nobody_there_is_no_failure),
	    TEST(clients_are_refused_after_a_while),
	    TEST(the_next_client_finds_out),
	    TEST(options_change),
	    TEST(the_daemon_ends),
	    TEST(the_service_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
