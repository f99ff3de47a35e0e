/*
 * sessiond/http: polls and sends that pass libmicrohttpd by (http_dispatch_pass), and those that
 * may not. What is answered is in the other tests, each way (HTTP_TEST_BOTH).
 */
#include "tests/unit/http/http_fixture.h"

#define SEND "/echo/000/s/xhr_send"

static void
test_poll(void **state)
{
	int client = hold_poll();

	(void)state;
	write_and_run("a");
	assert_heard(client, 200, "a[\"a\"]\n");
	assert_true(has_header("Content-Length: 7"));
	assert_false(heard.ended);
	assert_false(only_connection()->passes);
	/* What is there already is the answer at once. */
	write_and_run("b");
	post(client, XHR, "");
	assert_heard(client, 200, "a[\"b\"]\n");
	hang_up(client);
	assert_int_equal(server.connections.count, 0);
}

static void
test_send(void **state)
{
	int client = open_session();

	(void)state;
	now += 1;
	post(client, SEND, "[\"c\"]");
	assert_heard(client, 204, "");
	assert_seen("=c ");
	/* RFC 9110 8.6. */
	assert_null(strstr(heard.head, "Content-Length"));
	/* libmicrohttpd has not seen it. */
	assert_true(only_connection()->heard < now);
	/* As sockjs-client asks in browsers. */
	post(client, SEND "?t=1", "[\"d\"]");
	assert_heard(client, 204, "");
	assert_seen("=d ");
	assert_true(only_connection()->heard < now);
	post(client, XHR "?t=2", "");
	assert_true(only_connection()->passes);
	hang_up(client);
}

static void
test_errors(void **state)
{
	int client = open_session();

	(void)state;
	post(client, SEND, "x");
	assert_heard(client, 500, "Broken JSON encoding.");
	post(client, "/echo/000/nobody/xhr_send", "[\"c\"]");
	assert_int_equal((hear(client), heard.status), 404);
	assert_true(has_header("Access-Control-Allow-Origin: *"));
	assert_false(heard.ended);
	hang_up(client);
	assert_seen("");
}

/* The second of two polls is told, and the first ends. */
static void
test_second_poll(void **state)
{
	int first = hold_poll(), second = connect_client();

	(void)state;
	post(second, XHR, "");
	assert_heard(second, 200, "c[2010,\"Another connection still open\"]\n");
	hang_up(second);
	hang_up(first);
	assert_int_equal(server.connections.count, 0);
}

/* --- what passes not -------------------------------------------------------------------------- */

/* libmicrohttpd has it, a while after it had another one. */
static void
expect_no_passing(int client, const char *text, const char *file, int line)
{
	struct http_connection *connection = LIST_FIRST(&server.connections.list);
	uint64_t before = connection->heard;

	now += 1;
	put(client, text);
	run();
	_assert_int_equal(connection->passes, false, file, line);
	write_and_run("a");
	read_all(client);
	_assert_int_equal(strstr(heard.text, "a[\"a\"]\n") != NULL, true, file, line);
	_assert_int_equal(heard.ended || connection->heard > before, true, file, line);
}

#define assert_does_not_pass(client, text) expect_no_passing(client, text, __FILE__, __LINE__)

#define TEN_FIELDS "a:\r\nb:\r\nc:\r\nd:\r\ne:\r\nf:\r\ng:\r\nh:\r\ni:\r\nj:\r\n"

static void
test_unusual_requests(void **state)
{
	int client = open_session();

	(void)state;
	assert_does_not_pass(
	    client, "POST " XHR " HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nExpect: x\r\n\r\nx");
	assert_does_not_pass(
	    client, "POST " XHR " HTTP/1.1\r\nHost: a\r\n" TEN_FIELDS TEN_FIELDS TEN_FIELDS "\r\n");
	assert_does_not_pass(client,
	    "POST " XHR " HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
	assert_does_not_pass(
	    client, "POST http://a" XHR " HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
	/* An empty line before it (RFC 9112 2.2). */
	assert_does_not_pass(
	    client, "\r\nPOST " XHR " HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
	/* One behind it. */
	assert_does_not_pass(
	    client, "POST " XHR " HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n\r\n");
	assert_does_not_pass(client,
	    "POST " XHR " HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
	assert_true(heard.ended);
	close(client);
}

static void
test_end_in_a_second_line(void **state)
{
	int client = open_session();

	(void)state;
	assert_does_not_pass(client,
	    "POST " XHR " HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\nConnection: x, close\r\n"
	    "Content-Length: 0\r\n\r\n");
	assert_true(heard.ended);
	close(client);
}

/* Which are no part of the body (RFC 9112 2.2). */
static void
test_empty_lines_behind(void **state)
{
	int client = open_session();

	(void)state;
	say(client, "POST " SEND " HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n[\"c\"]\r\n");
	assert_heard(client, 204, "");
	assert_seen("=c ");
	say(client,
	    "POST " SEND " HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\njunk[\"x\"]\r\n\r\n");
	assert_heard(client, 500, "Broken JSON encoding.");
	post(client, SEND, "[\"d\"]");
	assert_heard(client, 204, "");
	assert_seen("=d ");
	hang_up(client);
}

static void
test_other_version(void **state)
{
	int client = open_session();

	(void)state;
	say(client, "POST " SEND " HTTP/2.0\r\nHost: a\r\nContent-Length: 5\r\n\r\n[\"c\"]");
	assert_int_equal((hear(client), heard.status), 505);
	assert_seen("");
	hang_up(client);
}

static void
test_one_in_two_pieces(void **state)
{
	int client = open_session();

	(void)state;
	say(client, "POST " SEND " HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n[\"");
	say(client, "c\"]");
	assert_heard(client, 204, "");
	assert_seen("=c ");
	post(client, SEND, "[\"d\"]");
	assert_heard(client, 204, "");
	assert_seen("=d ");
	hang_up(client);
}

/* Two at once are libmicrohttpd's, in their order. */
static void
test_two_at_once(void **state)
{
	static const char two[] =
	    "POST " SEND " HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n[\"c\"]"
	    "POST " SEND " HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n[\"d\"]";
	int client = open_session();
	char *second;

	(void)state;
	say(client, two);
	assert_seen("=c =d ");
	read_all(client);
	second = strstr(heard.text + 1, "HTTP/1.1 204");
	assert_non_null(second);
	assert_null(strstr(second + 1, "HTTP/1.1"));
	hang_up(client);
}

static void
test_streams(void **state)
{
	int client = open_session();

	(void)state;
	post(client, "/echo/000/t/xhr_streaming", "");
	assert_int_equal((hear(client), heard.status), 200);
	assert_true(has_header("Transfer-Encoding: chunked"));
	assert_seen("+ ");
	hang_up(client);
}

static void
expect_status_of(const char *target, int status, const char *file, int line)
{
	int client = connect_client();

	post(client, target, "");
	hear(client);
	_assert_int_equal(heard.status, status, file, line);
	hang_up(client);
}

#define assert_status_of(target, status) expect_status_of(target, status, __FILE__, __LINE__)

/* Whatever their queries end with. */
static void
test_targets_that_look_so(void **state)
{
	(void)state;
	assert_status_of("/echo/000/t/xhr_streaming?x=/xhr", 200);
	assert_true(has_header("Transfer-Encoding: chunked"));
	assert_non_null(strstr(heard.body, "o\n"));
	assert_status_of("/echo/chunking_test?/xhr", 200);
	assert_true(has_header("Transfer-Encoding: chunked"));
	assert_status_of("/echo?/xhr_send", 405);
	assert_status_of("/elsewhere?/xhr", 404);
	assert_seen("+ - ");
}

/* A body over body_limit is refused, and read. */
static void
test_large_body(void **state)
{
	char large[BODY_LIMIT + 2];
	int client = open_session();

	(void)state;
	memset(large, 'x', sizeof large - 1);
	large[sizeof large - 1] = '\0';
	post(client, SEND, large);
	assert_heard(client, 413, "Request body too large.\n");
	assert_true(has_header("Access-Control-Allow-Origin: *"));
	post(client, SEND, "[\"c\"]");
	assert_heard(client, 204, "");
	assert_seen("=c ");
	hang_up(client);
}

/* libmicrohttpd would close a connection that it takes for quiet. */
static void
test_each_has_some(void **state)
{
	int client = open_session();

	(void)state;
	for (int i = 0; i < 3; i++) {
		now += server.connections.pass_for - 1;
		post(client, SEND, "[\"c\"]");
		assert_heard(client, 204, "");
		assert_true(only_connection()->heard < now);
		now += 1;
		post(client, SEND, "[\"c\"]");
		assert_heard(client, 204, "");
		assert_true(only_connection()->heard == now);
	}
	assert_seen("=c =c =c =c =c =c ");
	hang_up(client);
}

/* --- while it waits --------------------------------------------------------------------------- */

/* libmicrohttpd was told of more, and found nothing. */
static void
test_more_comes(void **state)
{
	int client = hold_poll();

	(void)state;
	say(client, "GET /echo HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_silence(client);
	assert_true(only_connection()->was_looked_at);
	write_and_run("a");
	/* Before the client takes the answer, which the socket tells libmicrohttpd, too. */
	assert_int_equal(only_connection()->heads, 3);
	read_all(client);
	assert_non_null(strstr(heard.text, "a[\"a\"]\n"));
	assert_non_null(strstr(heard.text, "Welcome to SockJS!\n"));
	hang_up(client);
}

static void
test_client_leaves(void **state)
{
	int client = hold_poll();

	(void)state;
	hang_up(client);
	assert_int_equal(server.connections.count, 0);
	assert_seen("- ");
}

/* libmicrohttpd notices it first. */
static void
test_client_leaves_libmicrohttpd(void **state)
{
	int client = hold_poll();

	(void)state;
	close(client);
	server.connections.has_work = true;
	http_server_run(&server);
	assert_int_equal(server.connections.count, 0);
	run();
	assert_seen("- ");
}

static void
test_client_says_no_more(void **state)
{
	int client = hold_poll();

	(void)state;
	shutdown(client, SHUT_WR);
	run();
	assert_end(client);
	assert_seen("- ");
}

/* Its messages are kept, which it may still read. */
static void
test_send_of_one_who_says_no_more(void **state)
{
	int client = open_session();

	(void)state;
	put(client, "POST " SEND " HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n[\"c\"]");
	shutdown(client, SHUT_WR);
	run();
	assert_heard(client, 204, "");
	assert_true(heard.ended);
	assert_seen("=c ");
	assert_int_equal(server.connections.count, 0);
	close(client);
}

/* It says so while its send waits for a turn, and has asked for messages before. */
static void
test_poll_behind_a_send(void **state)
{
	enum { LARGE = HTTP_LARGE_BODY + 1 };
	static char large[LARGE + 1], head[128];
	int client = open_session();

	(void)state;
	service->protocol.options.body_limit = LARGE;
	memset(large, ' ', LARGE);
	memcpy(large, "[\"c\"]", strlen("[\"c\"]"));
	snprintf(head, sizeof head,
	    "POST " SEND " HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n", LARGE);
	server.requests.handled = HTTP_TURN_BODIES;
	put(client, head);
	say(client, large);
	assert_true(http_server_is_waiting(&server));
	put(client, "POST " XHR " HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
	shutdown(client, SHUT_WR);
	run();
	http_server_turn(&server);
	run();
	assert_heard(client, 204, "");
	assert_true(heard.ended);
	assert_int_equal(server.connections.count, 0);
	assert_seen("=c - ");
	close(client);
}

static void
test_frame_is_lost(void **state)
{
	int client = hold_poll();
	struct session *session = session_find(service, "s", 1);

	(void)state;
	write_text(latest, "again");
	turn_flush(&sessions);
	assert_non_null(session->in_flight);
	hang_up(client);
	assert_null(session->in_flight);
	assert_int_equal(session->queue.count, 1);
}

static void
test_drain(void **state)
{
	int client = hold_poll();

	(void)state;
	http_server_drain(&server);
	run();
	assert_silence(client);
	write_and_run("a");
	assert_heard(client, 200, "a[\"a\"]\n");
	assert_true(heard.ended);
	hang_up(client);
	assert_int_equal(server.connections.count, 0);
}

static void
test_stop(void **state)
{
	int client = hold_poll();

	(void)state;
	http_server_stop(&server);
	uv_run(&loop, UV_RUN_NOWAIT);
	start_server();
	assert_end(client);
}

/* Nothing is acknowledged that is not stored. */
static void
test_commit(void **state)
{
	int client;

	(void)state;
	use_store();
	client = open_session();
	put(client, "POST " SEND " HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n[\"c\"]");
	server.connections.has_work = true;
	http_server_run(&server);
	assert_seen("=c ");
	assert_silence(client);
	run();
	assert_heard(client, 204, "");
	hang_up(client);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    HTTP_TEST(poll),
	    HTTP_TEST(send),
	    HTTP_TEST(errors),
	    HTTP_TEST(second_poll),
	    HTTP_TEST(unusual_requests),
	    HTTP_TEST(end_in_a_second_line),
	    HTTP_TEST(empty_lines_behind),
	    HTTP_TEST(other_version),
	    HTTP_TEST(one_in_two_pieces),
	    HTTP_TEST(two_at_once),
	    HTTP_TEST(streams),
	    HTTP_TEST(targets_that_look_so),
	    HTTP_TEST(large_body),
	    HTTP_TEST(each_has_some),
	    HTTP_TEST(more_comes),
	    HTTP_TEST(client_leaves),
	    HTTP_TEST(client_leaves_libmicrohttpd),
	    HTTP_TEST(client_says_no_more),
	    HTTP_TEST(send_of_one_who_says_no_more),
	    HTTP_TEST(poll_behind_a_send),
	    HTTP_TEST(frame_is_lost),
	    HTTP_TEST(drain),
	    HTTP_TEST(stop),
	    HTTP_TEST(commit),
	};

	return cmocka_run_group_tests_name("http_pass", tests, NULL, NULL);
}
