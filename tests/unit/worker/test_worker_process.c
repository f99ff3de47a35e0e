/*
 * sessiond/worker/worker_process.h: what is given and acknowledged, which calls wait for what, and
 * a process that dies.
 */
#include "tests/unit/worker/worker_fixture.h"

#define ACK(seq)	    "{\"call\":\"ack\",\"seq\":" seq "}"
#define WRITE(id, text)	    "{\"call\":\"write\",\"id\":\"$" id "\",\"data\":\"" text "\"}"
#define CONNECTION(seq, id) "{\"event\":\"connection\",\"seq\":" seq ",\"id\":\"$" id "\",@}\n"
#define DATA(seq, id, text)                                                                        \
	"{\"event\":\"data\",\"seq\":" seq ",\"id\":\"$" id "\",\"data\":\"" text "\"}\n"
#define CLOSE(seq, id) "{\"event\":\"close\",\"seq\":" seq ",\"id\":\"$" id "\"}\n"
#define RESUME(seq, id)                                                                            \
	"{\"event\":\"resume\",\"seq\":" seq ",\"id\":\"$" id "\",\"state\":null,@}\n"
#define FAULT(ref, code, text)                                                                     \
	"{\"event\":\"error\",\"ref\":" ref ",\"code\":\"" code "\",\"message\":\"" text "\"}\n"

/* --- order ------------------------------------------------------------------------------------ */

static void
test_begin(void **state)
{
	(void)state;
	enter("a");
	serve(0);
	assert_heard(0, HELLO CONNECTION("1", "a"));
	hear_from("a", "one");
	hear_from("a", "two");
	finish();
	assert_heard(0, DATA("2", "a", "one") DATA("3", "a", "two"));
	assert_int_equal(carried("a")->count, 3);
	say(0, ACK("2"));
	assert_int_equal(carried("a")->count, 1);
	assert_true(carried("a")->is_known);
	say(0, ACK("3"));
	assert_int_equal(carried("a")->count, 0);
	pass_time(DISCONNECT_DELAY);
	assert_heard(0, CLOSE("4", "a"));
	assert_int_equal(served()->count, 1);
	say(0, ACK("4"));
	assert_int_equal(served()->count, 0);
	assert_int_equal(served()->queued, 0);
	assert_int_equal(served()->given, 4);
	assert_int_equal(served()->handled, 4);
	assert_int_equal(served()->repeated, 0);
}

/* The numbers are of the process, over all of its connections. */
static void
test_acks(void **state)
{
	(void)state;
	enter("a");
	enter("b");
	serve(0);
	hear_from("a", "1");
	finish();
	forget_heard(0);
	assert_int_equal(carried("a")->count + carried("b")->count, 3);
	say(0, ACK("2"));
	assert_int_equal(carried("a")->count + carried("b")->count, 1);
	/* Again, and what was before. */
	say(0, ACK("2"));
	say(0, ACK("1"));
	say(0, ACK("0"));
	finish();
	assert_heard(0, "");
	capture_begin_later();
	say(0, ACK("4"));
	say(0, "{\"call\":\"ack\",\"seq\":-1,\"ref\":[1]}");
	say(0, "{\"call\":\"ack\",\"seq\":\"3\"}");
	say(0, "{\"call\":\"ack\"}");
	finish();
	assert_non_null(strstr(capture_end(), "invalid: \"seq\" is to be that of an event"));
#define WRONG "\\\"seq\\\" is to be that of an event; the last has 3"
	assert_heard(0,
	    FAULT("null", "invalid", WRONG) FAULT("[1]", "invalid", WRONG)
		FAULT("null", "invalid", WRONG) FAULT("null", "invalid", WRONG));
	assert_int_equal(carried("a")->count, 1);
	say(0, ACK("3"));
	assert_int_equal(carried("a")->count, 0);
}

static void
test_lines(void **state)
{
	(void)state;
	serve_client(0, "a");
	capture_begin_later();
	say(0, "");
	say(0, "\r");
	say(0, "{\"call\":");
	say(0, "7");
	say(0, "{\"call\":1,\"ref\":\"r\"}");
	say(0, "{\"call\":\"jump\",\"ref\":{\"x\":1}}");
	say_bytes(0, "\"\xff\"\n", 4);
	say_bytes(0, "\0\n", 2);
	finish();
	capture_end();
#define NO_CALL                                                                                    \
	"a call is to be a JSON object with its name, such as {\\\"call\\\":\\\"write\\\",...}"
	listen_to(0);
	buffer_append_char(&heard, '\0');
	assert_non_null(strstr(heard.data, "\"message\":\"a line is no JSON: "));
	assert_non_null(strstr(heard.data, FAULT("null", "invalid", NO_CALL)));
	assert_non_null(strstr(heard.data, FAULT("\"r\"", "invalid", NO_CALL)));
	assert_non_null(
	    strstr(heard.data, FAULT("{\"x\":1}", "unknown", "there is no call of the name jump")));
	assert_int_equal(count_lines(heard.data), 6);
	buffer_clear(&heard);
	say(0, WRITE("a", "still here"));
	finish();
	assert_polled("a", "a[\"still here\"]");
}

/* --- what waits for an ack -------------------------------------------------------------------- */

static void
test_calls_at_once(void **state)
{
	(void)state;
	serve_client(0, "a");
	say(0, WRITE("a", "1") "\n" WRITE("a", "2"));
	finish();
	assert_polled("a", "a[\"1\",\"2\"]");
	assert_heard(0, "");
}

static void
test_calls_held(void **state)
{
	(void)state;
	serve_client(0, "a");
	hear_from("a", "x");
	hear_from("a", "y");
	finish();
	assert_heard(0, DATA("2", "a", "x") DATA("3", "a", "y"));
	say(0, WRITE("a", "1"));
	say(0, "{\"call\":\"state\",\"id\":\"$a\",\"value\":[1]}");
	say(0, WRITE("a", "2"));
	finish();
	assert_int_equal(find("a")->queue.count, 0);
	assert_null(carried("a")->state);
	/* Whatever was called before the ack is done with it; what comes after waits again. */
	say(0, ACK("2") "\n" WRITE("a", "3"));
	assert_int_equal(find("a")->queue.count, 2);
	finish();
	assert_polled("a", "a[\"1\",\"2\"]");
	assert_string_equal(carried("a")->state, "[1]");
	say(0, ACK("3"));
	finish();
	assert_polled("a", "a[\"3\"]");
}

/* A call that turns out to be wrong when it is carried out. */
static void
test_held_fails(void **state)
{
	(void)state;
	serve_client(0, "a");
	hear_from("a", "x");
	finish();
	forget_heard(0);
	say(0, "{\"call\":\"unsubscribe\",\"id\":\"nobody\",\"ref\":1}");
	finish();
	assert_heard(0, "");
	say(0, WRITE("a", "1") "\n" ACK("2"));
	finish();
	assert_heard(0, FAULT("1", "gone", "there is no connection of that id (any more)"));
	assert_polled("a", "a[\"1\"]");
	assert_int_equal(carried("a")->count, 0);
}

static void
test_held_limit(void **state)
{
	static char call[2048];

	(void)state;
	options.worker_held_limit = 1024;
	service->worker_options.worker_held_limit = 1024;
	serve_client(0, "a");
	hear_from("a", "x");
	finish();
	forget_heard(0);
	snprintf(call, sizeof call,
	    "{\"call\":\"write\",\"id\":\"$a\",\"ref\":5,\"data\":\"%0900d\"}", 7);
	say(0, WRITE("a", "1"));
	capture_begin_later();
	say(0, call);
	finish();
	assert_non_null(strstr(capture_end(), "worker_held_limit (1024 bytes)"));
	assert_heard(0,
	    FAULT("5", "full",
		"calls that wait for an ack have more than worker_held_limit (1024 bytes)"));
	say(0, ACK("2"));
	/* What was held is free again. */
	hear_from("a", "y");
	finish();
	say(0, WRITE("a", "2"));
	say(0, ACK("3"));
	finish();
	assert_polled("a", "a[\"1\",\"2\"]");
}

/* --- how much is given ------------------------------------------------------------------------ */

static void
test_in_flight(void **state)
{
	(void)state;
	serve_client(0, "a");
	service->worker_options.worker_in_flight = 2;
	hear_from("a", "1");
	hear_from("a", "2");
	hear_from("a", "3");
	hear_from("a", "4");
	finish();
	assert_heard(0, DATA("2", "a", "1") DATA("3", "a", "2"));
	say(0, ACK("2"));
	finish();
	assert_heard(0, DATA("4", "a", "3"));
	say(0, ACK("4"));
	finish();
	assert_heard(0, DATA("5", "a", "4"));
}

/* Connections take turns, so that one that sends much does not hold up the others. */
static void
test_turns(void **state)
{
	(void)state;
	service->worker_options.worker_in_flight = 3;
	serve_client(0, "a");
	enter("b");
	hear_from("a", "1");
	hear_from("a", "2");
	hear_from("a", "3");
	finish();
	assert_heard(0, CONNECTION("2", "b") DATA("3", "a", "1") DATA("4", "a", "2"));
	hear_from("b", "x");
	say(0, ACK("4"));
	finish();
	assert_heard(0, DATA("5", "a", "3") DATA("6", "b", "x"));
}

/* A process that does not read: what is written for it is bounded. */
static void
test_does_not_read(void **state)
{
	static char text[10001];
	struct buffer calls = BUFFER_INIT;
	size_t i;

	(void)state;
	serve_client(0, "a");
	memset(text, 'x', sizeof text - 1);
	for (i = 0; i < 200; i++) {
		hear_from("a", text);
		finish();
	}
	assert_in_range(worker_process_waiting(LIST_FIRST(&worker_pool_of(served())->processes)),
	    WORKER_OUTPUT_MARK, WORKER_OUTPUT_MARK + 20000);
	assert_true(carried("a")->given < 200);
	/* Nor are errors. */
	capture_begin_later();
	for (i = 0; i < 6000; i++)
		buffer_append_str(&calls, "{\"call\":\"ack\",\"seq\":99999}\n");
	say_bytes(0, calls.data, calls.len);
	buffer_free(&calls);
	for (i = 0; i < 20; i++)
		run_loop();
	capture_end();
	assert_true(worker_process_waiting(LIST_FIRST(&worker_pool_of(served())->processes)) <
	    2 * WORKER_OUTPUT_MARK + 1000);
	/* It reads after all, and gets everything. */
	for (i = 0; carried("a")->given < 200 && i < 1000; i++) {
		forget_heard(0);
		run_loop();
		finish();
	}
	assert_int_equal(carried("a")->given, 200);
}

/* --- without acks ----------------------------------------------------------------------------- */

static void
expect_handled_when_given(void)
{
	enter("a");
	hear_from("a", "1");
	serve(0);
	assert_heard(0, HELLO CONNECTION("1", "a") DATA("2", "a", "1"));
	assert_int_equal(carried("a")->count, 0);
	say(0, WRITE("a", "1"));
	finish();
	assert_polled("a", "a[\"1\"]");
	/* They need not acknowledge, but may. */
	say(0, ACK("2"));
	lose(0);
	serve(0);
	assert_heard(0, HELLO RESUME("1", "a"));
	pass_time(DISCONNECT_DELAY);
	assert_heard(0, CLOSE("2", "a"));
	assert_int_equal(served()->count, 0);
}

static void
test_ack_off(void **state)
{
	(void)state;
	service->worker_options.ack = false;
	workers_changed(&workers);
	expect_handled_when_given();
}

static void
test_no_store(void **state)
{
	(void)state;
	keeps = false;
	options.ack = true;
	restart();
	assert_false(served()->acks);
	expect_handled_when_given();
}

/* --- a process that dies ---------------------------------------------------------------------- */

static void
test_dies(void **state)
{
	(void)state;
	serve_client(0, "a");
	hear_from("a", "1");
	finish();
	say(0, WRITE("a", "never"));
	capture_begin_later();
	lose(0);
	assert_non_null(strstr(capture_end(),
	    "has closed its connection, with 1 events that it had not acknowledged"));
	finish();
	assert_int_equal(find("a")->queue.count, 0);
	hear_from("a", "2");
	finish();
	serve(0);
	/* The first may be what it has died of: the second waits. */
	assert_heard(0, HELLO RESUME("1", "a") DATA("2", "a", "1"));
	say(0, WRITE("a", "once") "\n" ACK("2"));
	finish();
	assert_heard(0, DATA("3", "a", "2"));
	assert_polled("a", "a[\"once\"]");
	assert_int_equal(served()->repeated, 1);
}

/* A connection event that was not acknowledged is not resumed: it is told again. */
static void
test_dies_early(void **state)
{
	(void)state;
	enter("a");
	hear_from("a", "1");
	serve(0);
	lose(0);
	serve(0);
	forget_heard(0);
	say(0, ACK("1"));
	finish();
	assert_heard(0, DATA("2", "a", "1"));
}

/* All that was in flight is suspect, of all connections, and given alone. */
static void
test_suspects(void **state)
{
	(void)state;
	serve_client(0, "a");
	enter("b");
	finish();
	say(0, ACK("2"));
	hear_from("a", "1");
	hear_from("b", "2");
	finish();
	lose(0);
	hear_from("a", "3");
	serve(0);
	assert_int_equal(carried("a")->given + carried("b")->given, 1);
	say(0, ACK("4"));
	say(0, ACK("3"));
	say(0, ACK("2"));
	finish();
	assert_int_equal(carried("a")->given + carried("b")->given, 1);
	say(0, ACK("4"));
	finish();
	forget_heard(0);
	/* None is left: as many as may be are given. */
	hear_from("a", "4");
	hear_from("b", "5");
	finish();
	assert_true(carried("a")->given + carried("b")->given >= 2);
}

static void
die_of(size_t times)
{
	for (; times > 0; times--) {
		if (peers[0] == -1)
			serve(0);
		assert_int_equal(carried("a")->given, 1);
		lose(0);
		finish();
	}
}

static void
test_deadly(void **state)
{
	const char *log;

	(void)state;
	serve_client(0, "a");
	hear_from("a", "bad");
	finish();
	hear_from("a", "later");
	die_of(2);
	assert_int_equal(carried("a")->count, 2);
	capture_begin_later();
	die_of(1);
	log = capture_end();
	assert_non_null(strstr(log, "event data of connection "));
	assert_non_null(strstr(log,
	    "has ended its process 3 times: the connection is closed with 4500, "
	    "with 2 events that are not handled"));
	buffer_clear(&seen);
	arrive("a", fake_poll('1'));
	finish();
	assert_seen("1<c[4500,\"The application ends at a message\"] 1. ");
	serve(0);
	assert_heard(0, HELLO RESUME("1", "a") CLOSE("2", "a"));
	say(0, ACK("2"));
	assert_int_equal(served()->count, 0);
	assert_int_equal(served()->queued, 0);
}

/* An end that nobody survives is dropped. */
static void
test_deadly_end(void **state)
{
	(void)state;
	serve_client(0, "a");
	pass_time(DISCONNECT_DELAY);
	die_of(2);
	capture_begin_later();
	die_of(1);
	assert_non_null(strstr(capture_end(), "3 times: it is dropped"));
	assert_int_equal(served()->count, 0);
	serve(0);
	assert_heard(0, HELLO);
}

static void
test_ack_timeout(void **state)
{
	(void)state;
	serve_client(0, "a");
	hear_from("a", "1");
	hear_from("a", "2");
	finish();
	pass_time(2000);
	arrive("a", fake_stream('s'));
	say(0, ACK("2"));
	/* Each ack gives it that time again. */
	pass_time(options.ack_timeout - 1);
	assert_int_equal(worker_pool_of(served())->processes.lh_first->given_count, 1);
	capture_begin_later();
	pass_time(1);
	assert_non_null(
	    strstr(capture_end(), "is ended: it has not acknowledged an event for ack_timeout"));
	assert_true(LIST_EMPTY(&worker_pool_of(served())->processes));
	run_loop();
	listen_to(0);
	assert_int_equal(read(peers[0], &(char){0}, 1), 0);
}

static void
test_drain(void **state)
{
	(void)state;
	serve_client(0, "a");
	service->application->drain(connection_of("a"));
	finish();
	assert_heard(0, "{\"event\":\"drain\",\"id\":\"$a\"}\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    WORKER_TEST(begin),
	    WORKER_TEST_ONCE(acks),
	    WORKER_TEST_ONCE(lines),
	    WORKER_TEST_ONCE(calls_at_once),
	    WORKER_TEST(calls_held),
	    WORKER_TEST_ONCE(held_fails),
	    WORKER_TEST_ONCE(held_limit),
	    WORKER_TEST_ONCE(in_flight),
	    WORKER_TEST_ONCE(turns),
	    WORKER_TEST_ONCE(does_not_read),
	    WORKER_TEST_ONCE(ack_off),
	    WORKER_TEST_ONCE(no_store),
	    WORKER_TEST(dies),
	    WORKER_TEST_ONCE(dies_early),
	    WORKER_TEST_ONCE(suspects),
	    WORKER_TEST(deadly),
	    WORKER_TEST_ONCE(deadly_end),
	    WORKER_TEST_ONCE(ack_timeout),
	    WORKER_TEST_ONCE(drain),
	};

	log_open("test_worker_process", SEVERITY_ERROR);
	return cmocka_run_group_tests_name("worker_process", tests, folder_setup, folder_teardown);
}
