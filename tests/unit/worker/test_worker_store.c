/*
 * sessiond/worker/worker_store.h: what of connections of workers outlives the daemon, and a file
 * that somebody else wrote into.
 */
#include "tests/unit/worker/worker_fixture.h"

/* The daemon was killed; the connections that processes had are lost with it. */
static void
restart_daemon(void)
{
	size_t i;

	restart();
	for (i = 0; i < PEERS; i++)
		if (peers[i] != -1)
			close(peers[i]);
	for (i = 0; i < PEERS; i++)
		peers[i] = -1;
}

/* A client on a websocket, which no store keeps; its id is $w. */
static struct session *
enter_websocket(void)
{
	struct session *session = arrive(NULL, fake_websocket('w'));

	strcpy(ids['w' - 'a'], session->uuid);
	return session;
}

/* --- restarts --------------------------------------------------------------------------------- */

static void
test_goes_on(void **state)
{
	(void)state;
	serve_client(0, "a");
	say(0, "{\"call\":\"state\",\"id\":\"$a\",\"value\":{\"n\":1}}");
	hear_from("a", "one");
	hear_from("a", "t\xc3\xa9\xed\xa0\x80");
	finish();
	say(0, "{\"call\":\"write\",\"id\":\"$a\",\"data\":\"never\"}");
	finish();
	restart_daemon();
	assert_int_equal(served()->count, 1);
	assert_int_equal(find("a")->queue.count, 0);
	hear_from("a", "three");
	serve(0);
	assert_heard(0,
	    HELLO "{\"event\":\"resume\",\"seq\":1,\"id\":\"$a\",\"state\":{\"n\":1},@}\n"
		  "{\"event\":\"data\",\"seq\":2,\"id\":\"$a\",\"data\":\"one\"}\n"
		  "{\"event\":\"data\",\"seq\":3,\"id\":\"$a\",\"data\":\"t\xc3\xa9\\ufffd\"}\n"
		  "{\"event\":\"data\",\"seq\":4,\"id\":\"$a\",\"data\":\"three\"}\n");
	say(0, "{\"call\":\"write\",\"id\":\"$a\",\"data\":\"1\"}\n{\"call\":\"ack\",\"seq\":2}");
	finish();
	restart_daemon();
	serve(0);
	assert_heard(0,
	    HELLO "{\"event\":\"resume\",\"seq\":1,\"id\":\"$a\",\"state\":{\"n\":1},@}\n"
		  "{\"event\":\"data\",\"seq\":2,\"id\":\"$a\",\"data\":\"t\xc3\xa9\\ufffd\"}\n"
		  "{\"event\":\"data\",\"seq\":3,\"id\":\"$a\",\"data\":\"three\"}\n");
	say(0, "{\"call\":\"ack\",\"seq\":3}");
	finish();
	assert_polled("a", "a[\"1\"]");
	restart_daemon();
	assert_int_equal(carried("a")->count, 0);
	pass_time(DISCONNECT_DELAY);
	serve(0);
	assert_heard(0,
	    HELLO "{\"event\":\"resume\",\"seq\":1,\"id\":\"$a\",\"state\":{\"n\":1},@}\n"
		  "{\"event\":\"close\",\"seq\":2,\"id\":\"$a\"}\n");
	say(0, "{\"call\":\"ack\",\"seq\":2}");
	finish();
	restart_daemon();
	assert_int_equal(served()->count, 0);
	assert_true(worker_journal_is_empty(&workers.journal));
}

/* An application that has not acknowledged the begin hears it again. */
static void
test_begin_goes_on(void **state)
{
	(void)state;
	enter("a");
	finish();
	restart_daemon();
	serve(0);
	assert_heard(0, HELLO "{\"event\":\"connection\",\"seq\":1,\"id\":\"$a\",@}\n");
	say(0, "{\"call\":\"ack\",\"seq\":1}");
	finish();
	restart_daemon();
	serve(0);
	assert_heard(0, HELLO "{\"event\":\"resume\",\"seq\":1,\"id\":\"$a\",\"state\":null,@}\n");
}

/* It ended with the daemon: its application hears of that, once, and is given its state. */
static void
test_ends_with_daemon(void **state)
{
	(void)state;
	serve_client(0, "a");
	enter_websocket();
	finish();
	say(0,
	    "{\"call\":\"ack\",\"seq\":2}\n{\"call\":\"state\",\"id\":\"$w\",\"value\":\"kept\"}");
	receive_text(session_find(service, "a", 1), "still here");
	finish();
	restart_daemon();
	assert_int_equal(served()->count, 2);
	assert_true(carried("w")->is_over);
	assert_string_equal(carried("w")->state, "\"kept\"");
	finish();
	restart_daemon(); /* nobody was there to hear it */
	serve(0);
	listen_to(0);
	buffer_append_char(&heard, '\0');
	assert_non_null(strstr(heard.data, "\"event\":\"close\""));
	assert_int_equal(count_lines(heard.data), 5); /* hello, two resume, data, close */
	buffer_clear(&heard);
	say(0, "{\"call\":\"ack\",\"seq\":4}");
	finish();
	restart_daemon();
	assert_int_equal(served()->count, 1);
	assert_null(carried("w"));
	serve(0);
	assert_heard(0, HELLO "{\"event\":\"resume\",\"seq\":1,\"id\":\"$a\",\"state\":null,@}\n");
}

/* What was sent on a websocket is lost with it; what is given of it counts on. */
static void
test_websocket_events(void **state)
{
	(void)state;
	serve(0);
	receive_text(enter_websocket(), "x");
	finish();
	restart_daemon();
	serve(0);
	assert_int_equal(carried("w")->count, 1);
	say(0, "{\"call\":\"ack\",\"seq\":1}");
	finish();
	assert_int_equal(served()->count, 0);
}

/* --- what is written -------------------------------------------------------------------------- */

static void
test_written(void **state)
{
	(void)state;
	serve_client(0, "a");
	buffer_clear(&written);
	hear_from("a", "one");
	hear_from("a", "two");
	finish();
	assert_written("R7:1.2=dtone R7:1.3=dttwo . ");
	say(0, "{\"call\":\"ack\",\"seq\":2}");
	finish();
	assert_written("Y7:1.2-2 . ");
	hear_from("a", "three");
	say(0, "{\"call\":\"ack\",\"seq\":3}");
	finish();
	assert_written("Y7:1.3-3 R7:1.4=dtthree . ");
	finish();
	assert_written("");
	/* What is handled in its own turn is never written. */
	service->worker_options.ack = false;
	workers_changed(&workers);
	say(0, "{\"call\":\"ack\",\"seq\":4}");
	hear_from("a", "four");
	finish();
	buffer_append_char(&written, '\0');
	assert_null(strstr(written.data, "four"));
	buffer_clear(&written);
	pass_time(DISCONNECT_DELAY);
	buffer_append_char(&written, '\0');
	assert_non_null(strstr(written.data, "Y7:1.0-"));
	assert_non_null(strstr(written.data, "Y6:1.0-0"));
	buffer_clear(&written);
}

static void
test_binary(void **state)
{
	(void)state;
	serve_client(0, "a");
	worker_connection_push(carried("a"), WORKER_EVENT_DATA, "\0\xff", 2, true);
	finish();
	restart_daemon();
	serve(0);
	assert_heard(0,
	    HELLO "{\"event\":\"resume\",\"seq\":1,\"id\":\"$a\",\"state\":null,@}\n"
		  "{\"event\":\"data\",\"seq\":2,\"id\":\"$a\",\"base64\":\"AP8=\"}\n");
}

/* --- a store that fails ----------------------------------------------------------------------- */

/* One that is begun anew has all that there is. */
static void
test_anew(void **state)
{
	(void)state;
	serve_client(0, "a");
	say(0, "{\"call\":\"state\",\"id\":\"$a\",\"value\":7}");
	hear_from("a", "one");
	finish();
	say(0, "{\"call\":\"ack\",\"seq\":2}");
	hear_from("a", "two");
	fail_store(1, STORE_DAMAGED);
	finish();
	restart_daemon();
	serve(0);
	assert_heard(0,
	    HELLO "{\"event\":\"resume\",\"seq\":1,\"id\":\"$a\",\"state\":7,@}\n"
		  "{\"event\":\"data\",\"seq\":2,\"id\":\"$a\",\"data\":\"two\"}\n");
}

/* It is written when there is room again. */
static void
test_full(void **state)
{
	(void)state;
	serve_client(0, "a");
	hear_from("a", "one");
	fail_store(1, STORE_FULL);
	assert_int_equal(finish(), COMMIT_FAILED);
	pass_time(RETRY_DELAY);
	restart_daemon();
	assert_int_equal(carried("a")->count, 1);
}

/* --- a file that somebody else wrote into ----------------------------------------------------- */

static void
put_record(enum store_kind kind, uint64_t number, uint64_t part, const char *data, size_t len)
{
	const struct stored_record record = {kind, number, part, data, len};

	assert_int_equal(store_put_record(spy.real, &record), STORE_OK);
}

#define PUT(kind, number, part, data) put_record(kind, number, part, data, sizeof data - 1)

static void
test_strange_records(void **state)
{
	(void)state;
	serve_client(0, "a");
	hear_from("a", "one");
	finish();
	assert_int_equal(store_begin(spy.real), STORE_OK);
	PUT(STORE_WORKER, 50, 0, "");
	PUT(STORE_WORKER, 51, 0, "/echo\0id\0k\0\"x\":1\0no end");
	PUT(STORE_WORKER, 52, 0, "/echo\0id\0k\0\"x\":1");
	PUT(STORE_WORKER, 53, 0, "/echo\0this id has more than thirty-six bytes\0k\0\"x\":1\0\0");
	PUT(STORE_WORKER, 54, 0, "/gone\0other\0k\0\"x\":1\0\0");
	PUT(STORE_WORKER, 55, 0, "/echo\0twin\0k\0\"x\":1\0\0");
	PUT(STORE_WORKER, 56, 0, "/echo\0twin\0k\0\"x\":1\0\0");
	PUT(STORE_WORKER_EVENT, 54, 1, "dtx");
	PUT(STORE_WORKER_EVENT, 77, 1, "dtx");
	PUT(STORE_WORKER_EVENT, 55, 0, "dtx");
	PUT(STORE_WORKER_EVENT, 55, 1, "");
	PUT(STORE_WORKER_EVENT, 55, 2, "d");
	PUT(STORE_WORKER_EVENT, 55, 3, "?t");
	PUT(STORE_WORKER_EVENT, 55, 4, "\0t");
	PUT(STORE_WORKER_EVENT, 55, 5, "dtfive");
	PUT(STORE_WORKER_EVENT, 55, 7, "dtseven");
	PUT(STORE_WORKER_EVENT, 1, 9, "dtnine");
	PUT((enum store_kind)99, 55, 1, "x");
	assert_int_equal(store_commit(spy.real), STORE_OK);
	capture_begin_later();
	restart_daemon();
	assert_non_null(strstr(capture_end(), "no application is told: their services are gone"));
	assert_int_equal(served()->count, 2);
	assert_int_equal(carried("a")->count, 1);
	serve(0);
	listen_to(0);
	buffer_append_char(&heard, '\0');
	assert_non_null(strstr(heard.data, "\"id\":\"twin\",\"data\":\"five\"}\n"));
	assert_non_null(strstr(heard.data, "\"event\":\"close\""));
	assert_null(strstr(heard.data, "seven"));
	assert_null(strstr(heard.data, "nine"));
	buffer_clear(&heard);
	say(0, "{\"call\":\"ack\",\"seq\":5}");
	finish();
	/* New numbers are above all of them, and nothing strange is left. */
	enter("b");
	finish();
	assert_int_equal(carried("b")->record.number, 57);
	restart_daemon();
	assert_int_equal(served()->count, 2);
	assert_true(worker_journal_is_empty(&workers.journal));
}

/* Its service has gone, and its process with it: it is forgotten. */
static void
test_service_gone(void **state)
{
	(void)state;
	serve_client(0, "a");
	finish();
	assert_int_equal(store_begin(spy.real), STORE_OK);
	PUT(STORE_WORKER, 9, 0, "/gone\0other\0k\0\"x\":1\0\0");
	PUT(STORE_WORKER_EVENT, 9, 1, "dtx");
	assert_int_equal(store_commit(spy.real), STORE_OK);
	capture_begin_later();
	restart_daemon();
	assert_non_null(strstr(
	    capture_end(), "1 connections have ended with the last daemon and no application"));
	finish();
	assert_written("Y7:9.0-4294967295 Y6:9.0-0 . ");
	capture_begin_later();
	restart_daemon();
	assert_string_equal(capture_end(), "");
}

static void
test_uuid_of_record(void **state)
{
	static const char data[] = "/chat\0uuid\0k\0\0";
	struct stored_record record = {STORE_WORKER, 1, 0, data, sizeof data};
	const char *uuid;
	size_t len;

	(void)state;
	uuid = worker_store_uuid(&record, &len);
	assert_ptr_equal(uuid, data + 6);
	assert_int_equal(len, 4);
	record.len -= 1; /* a field is missing */
	assert_null(worker_store_uuid(&record, &len));
	record.len = 0;
	assert_null(worker_store_uuid(&record, &len));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    WORKER_TEST(goes_on),
	    WORKER_TEST(begin_goes_on),
	    WORKER_TEST(ends_with_daemon),
	    WORKER_TEST(websocket_events),
	    WORKER_TEST(written),
	    WORKER_TEST(binary),
	    WORKER_TEST(anew),
	    WORKER_TEST(full),
	    WORKER_TEST(strange_records),
	    WORKER_TEST(service_gone),
	    cmocka_unit_test(test_uuid_of_record),
	};

	log_open("test_worker_store", SEVERITY_ERROR);
	return cmocka_run_group_tests_name("worker_store", tests, folder_setup, folder_teardown);
}
