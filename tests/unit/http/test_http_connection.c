/*
 * sessiond/http/http_connection.h: deadlines, room for newcomers, hang-ups, early ends.
 */
#include "tests/unit/http/http_fixture.h"

#define HEAD "POST /echo/000/s/xhr_send HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n"

static void
test_head_in_time(void **state)
{
	int client = connect_client();

	(void)state;
	say(client, "GET /echo");
	pass_time(REQUEST_TIMEOUT - 1);
	assert_silence(client);
	pass_time(1);
	assert_heard(client, 408, "");
	assert_true(has_header("Connection: close") && has_header("Content-Length: 0"));
	assert_false(has_header("Retry-After: 1"));
	assert_true(strncmp(heard.head, "HTTP/1.1 408 Request Timeout\n", 29) == 0);
	assert_true(heard.ended);
	assert_int_equal(server.connections.count, 0);
	close(client);
}

/* The body has a time of its own, from the end of the head on; each piece does not. */
static void
test_body_in_time(void **state)
{
	int client = connect_client();

	(void)state;
	pass_time(REQUEST_TIMEOUT - 1);
	say(client, HEAD "\r\n");
	pass_time(REQUEST_TIMEOUT - 1);
	say(client, "[");
	assert_silence(client);
	pass_time(1);
	hear(client);
	assert_int_equal(heard.status, 408);
	assert_true(heard.ended);
	close(client);
}

/* Nothing hurries the answer. */
static void
test_answer_has_time(void **state)
{
	int client = open_session();

	(void)state;
	post(client, "/echo/000/s/xhr", "");
	pass_time(HEARTBEAT_DELAY - 1);
	assert_silence(client);
	pass_time(1);
	assert_heard(client, 200, "h\n");
	hang_up(client);
}

static void
test_kept_for_a_time(void **state)
{
	int client = connect_client();

	(void)state;
	ask(client, "GET", "/echo", "");
	assert_heard(client, 200, "Welcome to SockJS!\n");
	pass_time(KEEPALIVE_TIMEOUT - 1);
	ask(client, "GET", "/echo", "");
	assert_heard(client, 200, "Welcome to SockJS!\n");
	pass_time(KEEPALIVE_TIMEOUT - 1);
	assert_silence(client);
	pass_time(1);
	assert_end(client);
	assert_int_equal(server.connections.count, 0);
}

/* A head that has begun has request_timeout on a kept connection too, however its bytes come. */
static void
test_second_head_in_time(void **state)
{
	int client = connect_client();

	(void)state;
	ask(client, "GET", "/echo", "");
	hear(client);
	pass_time(KEEPALIVE_TIMEOUT - 1);
	say(client, "GET /echo");
	pass_time(REQUEST_TIMEOUT - 1);
	say(client, " HTTP/1.1\r\n");
	assert_silence(client);
	pass_time(1);
	assert_heard(client, 408, "");
	assert_true(heard.ended);
	close(client);
}

/* The same if it began behind the request before it. */
static void
test_pipelined_head_in_time(void **state)
{
	int client = connect_client();

	(void)state;
	say(client, "GET /echo HTTP/1.1\r\nHost: a\r\n\r\nGET");
	hear(client);
	pass_time(REQUEST_TIMEOUT - 1);
	say(client, " ");
	assert_silence(client);
	pass_time(1);
	assert_heard(client, 408, "");
	close(client);
}

static void
test_other_timeouts(void **state)
{
	struct server_options options = {.request_timeout = 5, .keepalive_timeout = 7};
	int client, kept;

	(void)state;
	http_server_reconfigure(&server, &options, CONNECTION_LIMIT, NULL);
	client = connect_client();
	kept = connect_client();
	ask(kept, "GET", "/echo", "");
	hear(kept);
	pass_time(4);
	assert_silence(client);
	pass_time(1);
	hear(client);
	assert_int_equal(heard.status, 408);
	pass_time(1);
	assert_silence(kept);
	pass_time(1);
	assert_end(kept);
	close(client);
}

/* All places are taken: who never asked goes first, then who is kept; who is busy stays. */
static void
test_room(void **state)
{
	int silent = connect_client(), kept = connect_client(), busy = open_session(), other;

	(void)state;
	ask(kept, "GET", "/echo", "");
	hear(kept);
	post(busy, "/echo/000/s/xhr", "");
	other = connect_client();
	assert_end(silent);
	ask(other, "GET", "/echo", "");
	assert_heard(other, 200, "Welcome to SockJS!\n");
	post(other, "/echo/000/b/xhr", "");
	hear(other);
	post(other, "/echo/000/b/xhr", "");
	silent = connect_client();
	assert_end(kept);
	post(silent, "/echo/000/c/xhr", "");
	hear(silent);
	post(silent, "/echo/000/c/xhr", "");
	assert_int_equal(server.connections.count, CONNECTION_LIMIT);
	kept = connect_client();
	assert_heard(kept, 503, "");
	assert_true(has_header("Retry-After: 1") && has_header("Connection: close"));
	assert_end(kept);
	assert_silence(busy);
	assert_silence(other);
	assert_silence(silent);
	hang_up(busy);
	hang_up(other);
	hang_up(silent);
	assert_int_equal(server.connections.count, 0);
}

/* Heads and bodies that do not end make room, sessions do not. */
static void
test_room_of_slow(void **state)
{
	int busy = open_session(), body = connect_client(), head = connect_client(), other;

	(void)state;
	post(busy, "/echo/000/s/xhr", "");
	say(body, HEAD "\r\n[");
	say(head, "GET /");
	other = connect_client();
	assert_end(head);
	ask(other, "GET", "/echo", "");
	hear(other);
	say(other, HEAD "\r\n[");
	head = connect_client();
	assert_end(body);
	post(head, "/echo/000/t/xhr", "");
	hear(head);
	post(head, "/echo/000/t/xhr", "");
	body = connect_client();
	assert_end(other);
	assert_silence(busy);
	assert_silence(head);
	hang_up(busy);
	hang_up(body);
	hang_up(head);
}

/*
 * Two come before libmicrohttpd has closed what the first displaced: each has a place of its own.
 */
static void
test_room_for_two(void **state)
{
	int silent[CONNECTION_LIMIT], one, two, i;

	(void)state;
	for (i = 0; i < CONNECTION_LIMIT; i++)
		silent[i] = connect_client();
	one = connect_only();
	two = connect_only();
	run();
	assert_int_equal(server.connections.count, CONNECTION_LIMIT);
	assert_end(silent[0]);
	assert_end(silent[1]);
	assert_silence(silent[2]);
	hang_up(silent[2]);
	hang_up(one);
	hang_up(two);
}

static void
test_websockets_count(void **state)
{
	(void)state;
	websockets.count = CONNECTION_LIMIT;
	assert_heard(connect_client(), 503, "");
	websockets.count = 0;
}

/* libmicrohttpd does not look at a suspended connection: its poll ends all the same. */
static void
test_hang_up_while_suspended(void **state)
{
	int client = open_session();

	(void)state;
	post(client, "/echo/000/s/xhr", "");
	assert_int_equal(server.connections.count, 1);
	hang_up(client);
	assert_int_equal(server.connections.count, 0);
	assert_seen("- ");
}

/* The hang-up is seen before libmicrohttpd reads the request: there is nothing to suspend. */
static void
test_hang_up_before_request(void **state)
{
	int client = open_session();

	(void)state;
	put(client, "POST /echo/000/s/xhr HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
	hang_up(client);
	assert_int_equal(server.connections.count, 0);
	client = connect_client();
	put(client,
	    "POST /echo/000/t/xhr_streaming HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
	hang_up(client);
	assert_int_equal(server.connections.count, 0);
}

static void
test_half_close_while_suspended(void **state)
{
	int client = open_session();

	(void)state;
	post(client, "/echo/000/s/xhr", "");
	shutdown(client, SHUT_WR);
	run();
	assert_end(client);
	assert_int_equal(server.connections.count, 0);
}

/* The end comes with the last bytes: the request is answered, and the connection does not stay. */
static void
test_end_with_request(void **state)
{
	int client = connect_client();
	const char *text = "GET /echo HTTP/1.1\r\nHost: a\r\n\r\n";

	(void)state;
	assert_int_equal(send(client, text, strlen(text), 0), strlen(text));
	shutdown(client, SHUT_WR);
	run();
	assert_heard(client, 200, "Welcome to SockJS!\n");
	assert_true(heard.ended);
	assert_int_equal(server.connections.count, 0);
	close(client);
}

/*
 * The set of hang-ups may be told in turns in which libmicrohttpd's is not: whoever changes the
 * state of a socket then has libmicrohttpd look.
 */
static void
test_end_with_half_a_head(void **state)
{
	int client = connect_client();

	(void)state;
	uv_poll_stop(&server.poll);
	assert_int_equal(send(client, HEAD, strlen(HEAD), 0), strlen(HEAD));
	shutdown(client, SHUT_WR);
	run();
	uv_poll_start(&server.poll, UV_READABLE, server.poll.poll_cb);
	run();
	assert_int_equal(server.connections.count, 0);
	close(client);
}

static void
test_end_of_idle(void **state)
{
	int asked = connect_client(), silent = connect_client(), halfway = connect_client();

	(void)state;
	ask(asked, "GET", "/echo", "");
	hear(asked);
	say(halfway, HEAD);
	assert_int_equal(server.connections.count, 3);
	hang_up(asked);
	assert_int_equal(server.connections.count, 2);
	hang_up(silent);
	assert_int_equal(server.connections.count, 1);
	hang_up(halfway);
	assert_int_equal(server.connections.count, 0);
}

/* The daemon stops: kept connections end at once, the others with their response. */
static void
test_drain(void **state)
{
	int kept = connect_client(), busy = open_session();

	(void)state;
	ask(kept, "GET", "/echo", "");
	hear(kept);
	post(busy, "/echo/000/s/xhr", "");
	http_server_drain(&server);
	run();
	assert_end(kept);
	assert_silence(busy);
	write_text(latest, "last");
	run();
	assert_heard(busy, 200, "a[\"last\"]\n");
	assert_true(heard.ended);
	close(busy);
}

/* A request that has come, and was not read yet, has its answer. */
static void
test_drain_unread(void **state)
{
	int client = connect_client();

	(void)state;
	put(client, "GET /echo HTTP/1.1\r\nHost: x\r\n\r\n");
	http_server_drain(&server);
	run();
	hear(client);
	assert_int_equal(heard.status, 200);
	assert_true(heard.ended);
	close(client);
}

/* The first request of a connection may be under way: nobody would send that again. */
static void
test_drain_first(void **state)
{
	int client = connect_client(), silent = connect_client();

	(void)state;
	http_server_drain(&server);
	run();
	ask(client, "GET", "/echo", "");
	hear(client);
	assert_int_equal(heard.status, 200);
	assert_true(heard.ended);
	assert_silence(silent);
	pass_time(HTTP_DRAIN_GRACE);
	assert_end(silent);
	hang_up(client);
	assert_int_equal(server.connections.count, 0);
}

static void
test_stop(void **state)
{
	int idle = connect_client(), busy = open_session(), halfway = connect_client();

	(void)state;
	post(busy, "/echo/000/s/xhr", "");
	say(halfway, HEAD);
	sessions_each(&sessions, abort_one, NULL);
	turn();
	http_server_stop(&server);
	assert_int_equal(server.connections.count, 0);
	assert_end(idle);
	assert_end(busy);
	assert_end(halfway);
	http_server_stop(&server);
	assert_seen("- ");
	uv_run(&loop, UV_RUN_NOWAIT); /* its handles are closed */
	start_server();
}

static void
test_ends(void **state)
{
	int client = connect_client();
	struct http_connection *connection = LIST_FIRST(&server.connections.list);

	(void)state;
	assert_non_null(http_connection_local(connection));
	assert_int_equal(http_connection_local(connection)->sa_family, AF_UNIX);
	assert_int_equal(http_connection_peer(connection)->sa_family, AF_UNIX);
	hang_up(client);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    HTTP_TEST(head_in_time),
	    HTTP_TEST(body_in_time),
	    HTTP_TEST(answer_has_time),
	    HTTP_TEST(kept_for_a_time),
	    HTTP_TEST(second_head_in_time),
	    HTTP_TEST(pipelined_head_in_time),
	    HTTP_TEST(other_timeouts),
	    HTTP_TEST(room),
	    HTTP_TEST(room_of_slow),
	    HTTP_TEST(room_for_two),
	    HTTP_TEST(websockets_count),
	    HTTP_TEST(hang_up_while_suspended),
	    HTTP_TEST(hang_up_before_request),
	    HTTP_TEST(half_close_while_suspended),
	    HTTP_TEST(end_with_request),
	    HTTP_TEST(end_with_half_a_head),
	    HTTP_TEST(end_of_idle),
	    HTTP_TEST(drain),
	    HTTP_TEST(drain_unread),
	    HTTP_TEST(drain_first),
	    HTTP_TEST(stop),
	    HTTP_TEST(ends),
	};

	return cmocka_run_group_tests_name("http_connection", tests, NULL, NULL);
}
