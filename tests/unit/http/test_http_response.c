/*
 * sessiond/http/http_response.h with its receivers, receiver_poll.c and receiver_stream.c: answers
 * that are there or are waited for, streams, and the commit of the turn that comes first.
 */
#include "tests/unit/http/http_fixture.h"

#include "sessiond/persistence/persistence.h"

#define SEND(path) "POST " path " HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n[\"c\"]"

/* Over HTTP/1.0, so that the body has no chunks around it. */
static int
open_stream(const char *path)
{
	int client = connect_client();
	char text[256];

	snprintf(
	    text, sizeof text, "POST %s HTTP/1.0\r\nHost: a\r\nContent-Length: 0\r\n\r\n", path);
	say(client, text);
	return client;
}

/* The prelude and the open frame have been heard. */
static int
open_xhr_stream(void)
{
	int client = open_stream(STREAM);

	hear(client);
	assert_int_equal(heard.status, 200);
	assert_int_equal(strlen(heard.body), 2049 + 2);
	assert_string_equal(heard.body + 2048, "\no\n");
	assert_seen("+ ");
	return client;
}

static size_t
latest_backlog(void)
{
	const struct session *session = session_find(service, "s", 1);

	return session->receiver->ops->backlog(session->receiver);
}

/* --- polls ------------------------------------------------------------------------------------ */

static void
test_poll(void **state)
{
	int client = open_session();

	(void)state;
	assert_true(has_header("Content-Type: application/javascript; charset=UTF-8"));
	assert_true(has_header("Cache-Control: no-store, no-cache, no-transform, must-revalidate, "
			       "max-age=0"));
	post(client, XHR, "");
	assert_silence(client);
	write_text(latest, "a");
	write_text(latest, "b");
	run();
	assert_heard(client, 200, "a[\"a\",\"b\"]\n");
	assert_false(heard.ended);
	hang_up(client);
}

static void
test_poll_closes(void **state)
{
	int client = open_session();

	(void)state;
	post(client, XHR, "");
	sockjs_close(latest, 3001, "bye");
	run();
	assert_heard(client, 200, "c[3001,\"bye\"]\n");
	assert_seen("- ");
	hang_up(client);
}

static void
test_second_receiver(void **state)
{
	int client = open_session(), other = connect_client();

	(void)state;
	post(client, XHR, "");
	post(other, XHR, "");
	assert_heard(other, 200, "c[2010,\"Another connection still open\"]\n");
	assert_silence(client);
	hang_up(client);
	hang_up(other);
	assert_seen("- ");
}

static void
test_jsonp(void **state)
{
	int client = connect_client();

	(void)state;
	ask(client, "GET", "/echo/000/s/jsonp?c=call", "");
	assert_heard(client, 200, "/**/call(\"o\");\r\n");
	ask(client, "GET", "/echo/000/s/jsonp?c=call", "");
	write_text(latest, "\"");
	run();
	assert_heard(client, 200, "/**/call(\"a[\\\"\\\\\\\"\\\"]\");\r\n");
	hang_up(client);
}

/* What a poll carried, and what did not arrive, is the next again. */
static void
test_poll_is_lost(void **state)
{
	struct session *session;
	int client = open_session();

	(void)state;
	post(client, XHR, "");
	write_text(latest, "again");
	turn_flush(&sessions); /* the frame is ready; libmicrohttpd has not written it */
	session = session_find(service, "s", 1);
	assert_non_null(session->in_flight);
	close(client);
	run();
	assert_null(session->in_flight);
	assert_int_equal(session->queue.count, 1);
}

static void
test_poll_has_arrived(void **state)
{
	int client = open_session();
	struct session *session = session_find(service, "s", 1);

	(void)state;
	post(client, XHR, "");
	write_text(latest, "once");
	run();
	assert_null(session->in_flight);
	assert_int_equal(session->queue.count, 0);
	assert_heard(client, 200, "a[\"once\"]\n");
	hang_up(client);
}

/* The daemon aborts the session: there is no frame, and no answer. */
static void
test_poll_ends_without_frame(void **state)
{
	int client = open_session();

	(void)state;
	post(client, XHR, "");
	session_abort(session_find(service, "s", 1));
	run();
	assert_end(client);
}

/* --- streams ---------------------------------------------------------------------------------- */

static void
test_stream(void **state)
{
	int client = open_xhr_stream();

	(void)state;
	assert_silence(client);
	write_text(latest, "a");
	run();
	hear(client);
	assert_string_equal(heard.body, "a[\"a\"]\n");
	pass_time(HEARTBEAT_DELAY);
	hear(client);
	assert_string_equal(heard.body, "h\n");
	sockjs_close(latest, 3000, "Go away!");
	run();
	hear(client);
	assert_string_equal(heard.body, "c[3000,\"Go away!\"]\n");
	assert_true(heard.ended);
	assert_seen("- ");
	close(client);
}

/* The prelude and each frame is a chunk of its own, also if several leave together. */
static void
test_stream_is_chunked(void **state)
{
	static char large[5000], expected[6000];
	int client = connect_client();

	(void)state;
	service->protocol.options.queue_limit = SIZE_MAX;
	ask(client, "GET", "/echo/000/s/eventsource", "");
	hear(client);
	assert_int_equal(heard.status, 200);
	assert_string_equal(heard.body, "2\r\n\r\n\r\nb\r\ndata: o\r\n\r\n\r\n");
	write_text(latest, "a");
	turn_flush(&sessions);
	write_text(latest, "0123456");
	run();
	hear(client);
	assert_string_equal(
	    heard.body, "10\r\ndata: a[\"a\"]\r\n\r\n\r\n16\r\ndata: a[\"0123456\"]\r\n\r\n\r\n");
	memset(large, 'x', sizeof large - 1);
	write_text(latest, large);
	run();
	hear(client);
	snprintf(expected, sizeof expected, "%zx\r\ndata: a[\"%s\"]\r\n\r\n\r\n0\r\n\r\n",
	    strlen(large) + strlen("data: a[\"\"]\r\n\r\n"), large);
	assert_string_equal(heard.body, expected);
	assert_false(heard.ended);
	ask(client, "GET", "/echo/000/s/eventsource", "");
	hear(client);
	assert_true(has_header("Content-Type: text/event-stream"));
	assert_true(has_header("Transfer-Encoding: chunked"));
	hang_up(client);
}

/* Frames count for response_limit, the prelude does not; the last one may exceed it. */
static void
test_response_limit(void **state)
{
	char text[RESPONSE_LIMIT + 1];
	int client = open_xhr_stream();

	(void)state;
	/* `o\n` were 2 bytes, `a["..."]\n` are 6 more than the text: 1 is missing. */
	memset(text, 'x', sizeof text);
	text[RESPONSE_LIMIT - 2 - 6 - 1] = '\0';
	write_text(latest, text);
	run();
	hear(client);
	assert_int_equal(strlen(heard.body), RESPONSE_LIMIT - 3);
	assert_false(heard.ended);
	write_text(latest, "");
	run();
	hear(client);
	assert_string_equal(heard.body, "a[\"\"]\n");
	assert_true(heard.ended);
	close(client);
	client = open_stream(STREAM);
	write_text(latest, "next");
	run();
	hear(client);
	assert_string_equal(heard.body + 2049, "a[\"next\"]\n");
	hang_up(client);
}

static void
test_response_limit_is_met(void **state)
{
	char text[RESPONSE_LIMIT + 1];
	int client = open_xhr_stream();

	(void)state;
	memset(text, 'x', sizeof text);
	text[RESPONSE_LIMIT - 2 - 6] = '\0';
	write_text(latest, text);
	run();
	hear(client);
	assert_true(heard.ended);
	close(client);
}

/* A client that reads nothing is let go after a time. */
static void
test_stalled_stream(void **state)
{
	enum { PIECE = 10000 };
	static char piece[PIECE + 1];
	int client;

	(void)state;
	service->protocol.options.response_limit = SIZE_MAX;
	service->protocol.options.queue_limit = SIZE_MAX;
	client = open_xhr_stream();
	memset(piece, 'x', PIECE);
	while (latest_backlog() == 0) {
		write_text(latest, piece);
		run();
	}
	assert_int_equal(sessions.limits.queued.taken, latest_backlog());
	pass_time(KEEPALIVE_TIMEOUT - 1);
	assert_int_equal(server.connections.count, 1);
	pass_time(1);
	assert_int_equal(server.connections.count, 0);
	assert_int_equal(sessions.limits.queued.taken, 0);
	assert_seen("- ");
	close(client);
}

/* A client that reads nothing: its frames wait, then its messages; when it reads, all come. */
static void
test_slow_stream(void **state)
{
	enum { PIECES = 100, PIECE = 10000 };
	static char piece[PIECE + 1];
	struct session *session;
	size_t total = 0, queued;
	int i, client;

	(void)state;
	service->protocol.options.response_limit = SIZE_MAX;
	service->protocol.options.queue_limit = SIZE_MAX;
	client = open_xhr_stream();
	session = session_find(service, "s", 1);
	memset(piece, 'x', PIECE);
	for (i = 0; i < PIECES; i++) {
		assert_int_equal(write_text(latest, piece), SOCKJS_OK);
		run();
	}
	queued = session->queue.bytes;
	assert_true(queued > 0); /* the stream takes no more than 256 KiB and a frame */
	assert_in_range(session->receiver->ops->backlog(session->receiver), 256 * 1024,
	    256 * 1024 + PIECE + 10);
	for (;;) {
		read_all(client);
		if (heard.text[0] == '\0')
			break;
		for (i = 0; heard.text[i] != '\0'; i++)
			total += heard.text[i] == 'x';
	}
	assert_int_equal(total, PIECES * PIECE);
	assert_int_equal(session->queue.count, 0);
	assert_int_equal(sessions.limits.queued.taken, 0);
	hang_up(client);
}

/* Of several connections libmicrohttpd looks at the oldest only, unless it is told to. */
static void
test_stream_is_lost(void **state)
{
	int older = connect_client(), client = open_xhr_stream(), newer = connect_client();

	(void)state;
	hang_up(client);
	assert_int_equal(server.connections.count, 2);
	assert_seen("- ");
	hang_up(older);
	hang_up(newer);
}

/* The client goes while frames wait for libmicrohttpd. */
static void
test_stream_is_lost_with_frames(void **state)
{
	int client = open_xhr_stream();

	(void)state;
	write_text(latest, "lost");
	turn_flush(&sessions);
	hang_up(client);
	assert_int_equal(server.connections.count, 0);
	assert_seen("- ");
}

/* --- the commit ------------------------------------------------------------------------------- */

/* What became of a turn of the loop without its commit: nothing may have left. */
static void
run_without_commit(void)
{
	int i;

	for (i = 0; i < 5; i++) {
		uv_run(&loop, UV_RUN_NOWAIT);
		turn_flush(&sessions);
		http_server_run(&server);
	}
}

static void
say_without_commit(int client, const char *text)
{
	assert_int_equal(send(client, text, strlen(text), MSG_NOSIGNAL), strlen(text));
	run_without_commit();
}

/* Bypasses `run`, which would commit. */
static void
expect_nothing(int client)
{
	char c;

	assert_int_equal(recv(client, &c, 1, 0), -1);
	assert_int_equal(errno, EAGAIN);
}

static void
test_poll_waits_for_commit(void **state)
{
	int client = connect_client();

	(void)state;
	use_store();
	say_without_commit(client, "POST " XHR " HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
	expect_nothing(client);
	run();
	assert_heard(client, 200, "o\n");
	post(client, XHR, "");
	write_text(latest, "m");
	run_without_commit();
	expect_nothing(client);
	run();
	assert_heard(client, 200, "a[\"m\"]\n");
	hang_up(client);
}

static void
test_stream_waits_for_commit(void **state)
{
	int client;

	(void)state;
	use_store();
	client = open_xhr_stream();
	write_text(latest, "m");
	run_without_commit();
	expect_nothing(client);
	write_text(latest, "n"); /* while it waits */
	run_without_commit();
	expect_nothing(client);
	run();
	hear(client);
	assert_string_equal(heard.body, "a[\"m\"]\na[\"n\"]\n");
	hang_up(client);
}

static void
test_client_goes_before_commit(void **state)
{
	int client = connect_client();

	(void)state;
	use_store();
	say_without_commit(client, "POST " XHR " HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
	assert_false(LIST_EMPTY(&server.requests.responses.waiting));
	close(client);
	run_without_commit();
	assert_int_equal(server.connections.count, 0);
	assert_true(LIST_EMPTY(&server.requests.responses.waiting));
	run();
}

static void
echo(sockjs_connection connection, const sockjs_message *message)
{
	assert_int_equal(sockjs_write(connection, message->data, message->len), SOCKJS_OK);
}

/* A client that sends nothing more may still read: it hears of its messages once they are kept. */
static void
test_half_closed_send_waits(void **state)
{
	int before, after;

	(void)state;
	use_store();
	hooks.data = echo;
	before = open_session();
	after = connect_client();
	put(before, SEND("/echo/000/s/xhr_send"));
	shutdown(before, SHUT_WR);
	run_without_commit();
	expect_nothing(before);
	run();
	assert_heard(before, 204, "");
	assert_true(heard.ended);
	say_without_commit(after, SEND("/echo/000/s/xhr_send"));
	shutdown(after, SHUT_WR);
	run_without_commit();
	expect_nothing(after);
	run();
	assert_heard(after, 204, "");
	assert_true(heard.ended);
	assert_seen("=c =c ");
	close(before);
	close(after);
}

/* The same if the messages cannot be kept. */
static void
test_half_closed_send_that_is_not_stored(void **state)
{
	int client;

	(void)state;
	use_store();
	hooks.data = echo;
	client = open_session();
	store_memory_fail(store, 1, STORE_FAILED);
	put(client, SEND("/echo/000/s/xhr_send"));
	shutdown(client, SHUT_WR);
	run();
	assert_heard(client, 503, "The messages cannot be stored.\n");
	assert_seen("=c ");
	close(client);
}

/* A page has nothing to do with what is stored. */
static void
test_others_do_not_wait(void **state)
{
	int client = connect_client(), other = connect_client();

	(void)state;
	use_store();
	say_without_commit(client, "POST " XHR " HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
	say_without_commit(other, "GET /echo HTTP/1.1\r\nHost: a\r\n\r\n");
	expect_nothing(client);
	assert_heard(other, 200, "Welcome to SockJS!\n");
	hang_up(client);
	hang_up(other);
}

static void
test_send_that_is_not_stored(void **state)
{
	int client, other;

	(void)state;
	use_store();
	client = open_session();
	hooks.data = echo;
	store_memory_fail(store, 1, STORE_FAILED);
	post(client, "/echo/000/s/xhr_send", "[\"a\"]");
	assert_heard(client, 503, "The messages cannot be stored.\n");
	assert_seen("=a ");
	/* Nor is another one taken, before the store can be written. */
	post(client, "/echo/000/s/xhr_send", "[\"b\"]");
	assert_heard(client, 503, "The messages cannot be stored.\n");
	assert_seen("");
	pass_time(1000);
	post(client, "/echo/000/s/xhr_send", "[\"b\"]");
	assert_heard(client, 204, "");
	assert_seen("=b ");
	/* An answer that acknowledges nothing stays what it is, in a turn whose commit fails. */
	other = connect_client();
	store_memory_fail(store, 1, STORE_FAILED);
	put(client, SEND("/echo/000/s/xhr_send"));
	put(other, SEND("/echo/000/none/xhr_send"));
	run();
	assert_heard(client, 503, "The messages cannot be stored.\n");
	assert_heard(other, 404, "404 Error: Page not found\n");
	hang_up(client);
	hang_up(other);
}

/* What a poll carries leaves, stored or not: its messages were acknowledged before. */
static void
test_poll_when_store_fails(void **state)
{
	int client;

	(void)state;
	use_store();
	client = open_session();
	post(client, XHR, "");
	store_memory_fail(store, 1, STORE_FAILED);
	write_text(latest, "m");
	run();
	assert_heard(client, 200, "a[\"m\"]\n");
	hang_up(client);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    HTTP_TEST_BOTH(poll),
	    HTTP_TEST_BOTH(poll_closes),
	    HTTP_TEST_BOTH(second_receiver),
	    HTTP_TEST_BOTH(jsonp),
	    HTTP_TEST_BOTH(poll_is_lost),
	    HTTP_TEST_BOTH(poll_has_arrived),
	    HTTP_TEST_BOTH(poll_ends_without_frame),
	    HTTP_TEST_BOTH(stream),
	    HTTP_TEST_BOTH(stream_is_chunked),
	    HTTP_TEST_BOTH(response_limit),
	    HTTP_TEST_BOTH(response_limit_is_met),
	    HTTP_TEST_BOTH(stalled_stream),
	    HTTP_TEST_BOTH(slow_stream),
	    HTTP_TEST_BOTH(stream_is_lost),
	    HTTP_TEST_BOTH(stream_is_lost_with_frames),
	    HTTP_TEST_BOTH(poll_waits_for_commit),
	    HTTP_TEST_BOTH(stream_waits_for_commit),
	    HTTP_TEST_BOTH(client_goes_before_commit),
	    HTTP_TEST_BOTH(half_closed_send_waits),
	    HTTP_TEST_BOTH(half_closed_send_that_is_not_stored),
	    HTTP_TEST_BOTH(others_do_not_wait),
	    HTTP_TEST_BOTH(send_that_is_not_stored),
	    HTTP_TEST_BOTH(poll_when_store_fails),
	};

	return cmocka_run_group_tests_name("http_response", tests, NULL, NULL);
}
