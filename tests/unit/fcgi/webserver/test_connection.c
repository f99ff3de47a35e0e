/*
 * fcgi/webserver/connection.h: a connection's phases, over a pair of sockets, with a clock of the
 * test. The other end of the pair plays the web server.
 */
#include "tests/unit/fcgi/webserver/connection_fixture.h"

/* --- a request comes -------------------------------------------------------------------------- */

static void
test_whole(void **state)
{
	(void)state;
	give_request(KEEP, "/echo", "[\"hello\"]");
	assert_int_equal(arrived, 1);
	assert_string_equal(uri, "/echo");
	assert_string_equal(body, "[\"hello\"]");
	assert_false(was_cut);
	assert_string_equal(news, "");
}

/* Nothing arrives before the last byte has. */
static void
test_byte_by_byte(void **state)
{
	struct buffer b = BUFFER_INIT;

	(void)state;
	put_request(&b, KEEP, "/echo", "[\"hello\"]");
	for (size_t i = 0; i < b.len; i++) {
		assert_int_equal(arrived, 0);
		give(&b, i, i + 1);
	}
	assert_int_equal(arrived, 1);
	assert_string_equal(body, "[\"hello\"]");
	buffer_free(&b);
}

/* The limit may change while the connection is there. */
static void
test_body_limit(void **state)
{
	(void)state;
	answer_at_once = "x";
	give_request(KEEP, "/a", "12345678901234567890");
	assert_false(was_cut);
	assert_string_equal(body, "12345678901234567890");
	give_request(KEEP, "/b", "123456789012345678901");
	assert_true(was_cut);
	assert_string_equal(body, "");
	body_limit = 21;
	give_request(KEEP, "/c", "123456789012345678901");
	assert_false(was_cut);
	assert_int_equal(arrived, 3);
}

static void
test_request_timeout(void **state)
{
	struct buffer b = BUFFER_INIT;

	(void)state;
	put_request(&b, KEEP, "/echo", "");
	give(&b, 0, 10);
	now += REQUEST_TIMEOUT - 1;
	/* What comes meanwhile gives it no more time. */
	give(&b, 10, 20);
	assert_false(is_closed());
	now++;
	turn();
	assert_true(is_closed());
	assert_int_equal(open_connections(), 0);
	assert_string_equal(news, "");
	buffer_free(&b);
}

/* Once it is there, a request may take its time; so may a kept connection without one. */
static void
test_no_timeout(void **state)
{
	(void)state;
	give_request(KEEP, "/echo", "");
	now += 100 * REQUEST_TIMEOUT;
	turn();
	connection_push(current, "x", 1, true);
	now += 100 * REQUEST_TIMEOUT;
	turn();
	assert_string_equal(news, "nW");
	assert_int_equal(open_connections(), 1);
}

static void
test_no_fastcgi(void **state)
{
	const struct buffer b = {.data = (char *)(uintptr_t) "GET / HTTP/1.1\r\n\r\n", .len = 18};

	(void)state;
	give(&b, 0, b.len);
	assert_true(is_closed());
	assert_int_equal(arrived, 0);
}

/* --- its response ----------------------------------------------------------------------------- */

static void
test_response(void **state)
{
	(void)state;
	give_request(KEEP, "/echo", "");
	buffer_append_str(connection_output(current), "head ");
	connection_push(current, "body", 4, true);
	assert_response("head body", true);
	assert_string_equal(news, "nW");
	assert_int_equal(open_connections(), 1);
	assert_false(is_closed());
}

static void
test_not_kept(void **state)
{
	(void)state;
	give_request(0, "/echo", "");
	connection_push(current, "x", 1, true);
	assert_response("x", true);
	assert_string_equal(news, "nW");
	assert_true(is_closed());
	assert_int_equal(open_connections(), 0);
}

/* Pieces leave as they are pushed; only the last write is noted. */
static void
test_stream(void **state)
{
	(void)state;
	give_request(KEEP, "/echo", "");
	connection_push(current, "one", 3, false);
	assert_response("one", false);
	connection_push(current, "two", 3, false);
	assert_response("two", false);
	assert_string_equal(news, "");
	connection_push(current, NULL, 0, true);
	assert_response("", true);
	assert_string_equal(news, "nW");
}

/* Many requests in one write, each answered at once, are taken one after the other. */
static void
test_pipelined(void **state)
{
	enum { COUNT = 20 };
	struct buffer b = BUFFER_INIT, got = BUFFER_INIT;

	(void)state;
	answer_at_once = "x";
	for (int i = 0; i < COUNT; i++)
		put_request(&b, KEEP, "/echo", "[]");
	give(&b, 0, b.len);
	assert_int_equal(arrived, COUNT);
	assert_int_equal(strlen(news), 2 * COUNT);
	assert_memory_equal(news + strlen(news) - 4, "nWnW", 4);
	read_some(&got);
	assert_int_equal(got.len % COUNT, 0);
	buffer_free(&got);
	buffer_free(&b);
}

/* A web server that always has more to say is heard in turns, and nothing of it is lost. */
static void
test_always_more(void **state)
{
	enum { AT_FIRST = 10, MORE = 1000, LEN = 4000 };
	struct buffer b = BUFFER_INIT, one = BUFFER_INIT;
	char content[LEN + 1];
	unsigned before;

	(void)state;
	answer_at_once = "x";
	memset(content, 'c', LEN);
	content[LEN] = '\0';
	put_request(&one, KEEP, "/echo", content);
	for (int i = 0; i < AT_FIRST; i++)
		buffer_append(&b, one.data, one.len);
	follow_up = &one;
	follow_ups = MORE;
	give(&b, 0, b.len);
	assert_int_not_equal(follow_ups, 0);
	do {
		before = arrived;
		turn();
	} while (arrived > before);
	assert_int_equal(arrived, AT_FIRST + MORE);
	buffer_free(&one);
	buffer_free(&b);
}

/* What one turn leaves is taken in the next, even if nothing more comes but the end. */
static void
test_much_at_once(void **state)
{
	enum { COUNT = 8, LEN = 40000 };
	const int room = LARGE; /* the system may give less: then it comes in pieces */
	struct buffer b = BUFFER_INIT;
	char *content = calloc(1, LEN + 1);
	size_t at = 0;

	(void)state;
	assert_non_null(content);
	answer_at_once = "x";
	memset(content, 'c', LEN);
	for (int i = 0; i < COUNT; i++)
		put_request(&b, KEEP, "/echo", content);
	setsockopt(web_server, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
	while (at < b.len) {
		ssize_t n = send(web_server, b.data + at, b.len - at, MSG_DONTWAIT);

		at += n == -1 ? 0 : (size_t)n;
		if (at == b.len)
			shutdown(web_server, SHUT_WR);
		turn();
	}
	turn();
	assert_int_equal(arrived, COUNT);
	assert_int_equal(open_connections(), 0);
	free(content);
	buffer_free(&b);
}

/* --- a large response ------------------------------------------------------------------------- */

static char *
large_text(void)
{
	char *text = malloc(LARGE);

	assert_non_null(text);
	for (size_t i = 0; i < LARGE; i++)
		text[i] = (char)('a' + i % 23);
	return text;
}

/* Does not wait for the web server, which gets all of it; what is pushed meanwhile follows. */
static void
test_large(void **state)
{
	struct buffer b = BUFFER_INIT, out = BUFFER_INIT;
	char *text = large_text();
	size_t before;

	(void)state;
	give_request(KEEP, "/echo", "");
	connection_push(current, text, LARGE, false);
	connection_push(current, "end", 3, true);
	do {
		before = b.len;
		news[0] = '\0';
		read_some(&b);
		/* It is not stalled as long as something is read. */
		now += STALL_LIMIT - 1;
		turn();
	} while (b.len > before && strchr(news, 'W') == NULL);
	read_some(&b);
	assert_true(unpack(&b, &out));
	assert_int_equal(out.len, LARGE + 3);
	assert_memory_equal(out.data, text, LARGE);
	assert_memory_equal(out.data + LARGE, "end", 3);
	assert_string_equal(news + strlen(news) - 2, "nW");
	buffer_free(&out);
	buffer_free(&b);
	free(text);
}

/* Each write that may be the last is noted, and taken back if it was not. */
static void
test_large_end(void **state)
{
	struct buffer b = BUFFER_INIT;
	char *text = large_text();
	size_t before, i;

	(void)state;
	give_request(KEEP, "/echo", "");
	connection_push(current, text, LARGE, true);
	assert_memory_equal(news, "nc", 2);
	do {
		before = b.len;
		news[0] = '\0';
		read_some(&b);
		turn();
		for (i = 0; i + 2 < strlen(news); i += 2)
			assert_memory_equal(news + i, "nc", 2);
	} while (b.len > before && strchr(news, 'W') == NULL);
	assert_string_equal(news + strlen(news) - 2, "nW");
	buffer_free(&b);
	free(text);
}

static void
test_stall(void **state)
{
	char *text = large_text();

	(void)state;
	give_request(KEEP, "/echo", "");
	connection_push(current, text, LARGE, true);
	now += STALL_LIMIT - 1;
	turn();
	assert_int_equal(open_connections(), 1);
	now++;
	turn();
	assert_int_equal(open_connections(), 0);
	assert_int_equal(news[strlen(news) - 1], 'U');
	assert_null(strchr(news, 'W'));
	free(text);
}

static void
test_leaves_while_large(void **state)
{
	char *text = large_text();

	(void)state;
	give_request(KEEP, "/echo", "");
	connection_push(current, text, LARGE, false);
	close(web_server);
	web_server = -1;
	turn();
	assert_string_equal(news, "U");
	assert_int_equal(open_connections(), 0);
	free(text);
}

/* --- the end ---------------------------------------------------------------------------------- */

static void
test_peer_closes(void **state)
{
	(void)state;
	give_request(KEEP, "/echo", "");
	assert_true(connection_is_there(current));
	shutdown(web_server, SHUT_WR);
	turn();
	assert_string_equal(news, "L");
	assert_response("", true); /* the web server may want to know that it was no crash */
	/* It stays in memory until the turn ends, and dropping it again does nothing. */
	connection_drop(current);
	assert_string_equal(news, "L");
	assert_int_equal(open_connections(), 0);
}

/* Who has an answer looks, once a turn for all. */
static void
test_left(void **state)
{
	(void)state;
	give_request(KEEP, "/echo", "");
	shutdown(web_server, SHUT_WR);
	assert_true(connection_is_there(current));
	connections_end_turn(&connections);
	assert_false(connection_is_there(current));
	assert_string_equal(news, "L");
	assert_response("", true);
}

/* However many others have something to say before. */
static void
test_left_behind_many(void **state)
{
	enum { MANY = 300 }; /* more than one look sees */
	int pairs[MANY][2];

	(void)state;
	give_request(KEEP, "/echo", "");
	for (int i = 0; i < MANY; i++) {
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pairs[i]), 0);
		connection_create(&connections, pairs[i][0]);
		watch_new();
		assert_int_equal(send(pairs[i][1], "\1", 1, 0), 1);
	}
	shutdown(web_server, SHUT_WR);
	assert_false(connection_is_there(current));
	assert_string_equal(news, "L");
	for (int i = 0; i < MANY; i++)
		close(pairs[i][1]);
}

/* A request that comes a moment after its connection is read before anything is watched. */
static void
test_new(void **state)
{
	struct buffer b = BUFFER_INIT;
	int pair[2];

	(void)state;
	put_request(&b, 0, "/echo", "");
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	connection_create(&connections, pair[0]);
	assert_int_equal(send(pair[1], b.data, b.len, 0), b.len);
	turn();
	assert_true(connections_end_turn(&connections));
	assert_int_equal(arrived, 0);
	assert_false(connections_end_turn(&connections));
	assert_int_equal(arrived, 1);
	connection_push(current, "x", 1, true);
	assert_string_equal(news, "nW");
	assert_int_equal(open_connections(), 1);
	close(pair[1]);
	buffer_free(&b);
}

/* Nobody says anything, and leaves while the connection is new. */
static void
test_new_left(void **state)
{
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	connection_create(&connections, pair[0]);
	close(pair[1]);
	assert_true(connections_end_turn(&connections));
	assert_int_equal(open_connections(), 2);
	assert_false(connections_end_turn(&connections));
	assert_int_equal(open_connections(), 1);
}

/*
 * A socket with a request that is there at once is watched only if its answer does not come soon.
 */
static void
test_watched_late(void **state)
{
	struct buffer b = BUFFER_INIT;
	int pair[2];

	(void)state;
	put_request(&b, 0, "/echo", "");
	for (int i = 0; i < 3; i++) {
		news[0] = '\0';
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
		assert_int_equal(send(pair[1], b.data, b.len, 0), b.len);
		connection_create(&connections, pair[0]);
		assert_int_equal(arrived, i + 1);
		shutdown(pair[1], SHUT_WR);
		turn();
		assert_string_equal(news, "");
		now += WATCH_DELAY;
		if (i == 0) {
			turn();
			turn();
			assert_string_equal(news, "L");
		} else if (i == 1) {
			assert_false(connection_is_there(current));
			assert_string_equal(news, "L");
		} else {
			connection_push(current, "x", 1, true);
			assert_string_equal(news, "nW");
		}
		close(pair[1]);
	}
	turn();
	assert_int_equal(open_connections(), 1);
	buffer_free(&b);
}

static void
test_abort(void **state)
{
	struct buffer b = BUFFER_INIT;

	(void)state;
	give_request(KEEP, "/echo", "");
	put(&b, ABORT, "", 0);
	give(&b, 0, b.len);
	assert_string_equal(news, "L");
	assert_response("", true);
	buffer_free(&b);
}

/* The next request behind one that is held is no end. */
static void
test_next_behind(void **state)
{
	(void)state;
	give_request(KEEP, "/one", "");
	give_request(KEEP, "/two", "");
	assert_int_equal(arrived, 1);
	assert_true(connection_is_there(current));
	connection_push(current, "x", 1, true);
	assert_int_equal(arrived, 2);
	assert_string_equal(uri, "/two");
	assert_string_equal(news, "nW");
}

static void
test_drop(void **state)
{
	(void)state;
	give_request(KEEP, "/echo", "");
	connection_drop(current);
	assert_string_equal(news, "L");
	assert_true(is_closed());
}

/* While the responder stops, no connection waits for another request. */
static void
test_draining(void **state)
{
	int pair[2];

	(void)state;
	give_request(KEEP, "/echo", "");
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	connection_create(&connections, pair[0]);
	loop.is_draining = true;
	connections_drop_idle(&connections);
	assert_int_equal(open_connections(), 1);
	connection_push(current, "x", 1, true);
	assert_response("x", true);
	assert_true(is_closed());
	assert_int_equal(open_connections(), 0);
	close(pair[1]);
}

static void
test_limit(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	socklen_t len = sizeof(sa_family_t); /* a name of the system's choice */
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0), clients[LIMIT];

	(void)state;
	assert_int_equal(bind(listener, (struct sockaddr *)&address, len), 0);
	assert_int_equal(listen(listener, LIMIT), 0);
	len = sizeof address;
	assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &len), 0);
	for (int i = 0; i < LIMIT; i++) {
		clients[i] = socket(AF_UNIX, SOCK_STREAM, 0);
		assert_int_equal(connect(clients[i], (struct sockaddr *)&address, len), 0);
	}
	/* One is there already. */
	connections_accept(&connections, listener);
	assert_true(connections_are_full(&connections));
	assert_int_equal(open_connections(), LIMIT);
	close(web_server);
	web_server = -1;
	turn();
	/*
	 * It is no reason to stop accepting, though its descriptor is free when the turn has ended.
	 */
	assert_false(connections_are_full(&connections));
	connections_accept(&connections, listener);
	assert_int_equal(connections.count, LIMIT);
	connections_reap(&connections);
	assert_false(connections_are_full(&connections));
	connections_accept(&connections, listener);
	assert_int_equal(open_connections(), LIMIT);
	for (int i = 0; i < LIMIT; i++)
		close(clients[i]);
	close(listener);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_whole),
	    TEST(test_byte_by_byte),
	    TEST(test_body_limit),
	    TEST(test_request_timeout),
	    TEST(test_no_timeout),
	    TEST(test_no_fastcgi),
	    TEST(test_response),
	    TEST(test_not_kept),
	    TEST(test_stream),
	    TEST(test_pipelined),
	    TEST(test_always_more),
	    TEST(test_much_at_once),
	    TEST(test_large),
	    TEST(test_large_end),
	    TEST(test_stall),
	    TEST(test_leaves_while_large),
	    TEST(test_peer_closes),
	    TEST(test_left),
	    TEST(test_left_behind_many),
	    TEST(test_new),
	    TEST(test_new_left),
	    TEST(test_watched_late),
	    TEST(test_abort),
	    TEST(test_next_behind),
	    TEST(test_drop),
	    TEST(test_draining),
	    TEST(test_limit),
	};

	return cmocka_run_group_tests_name("connection", tests, NULL, NULL);
}
