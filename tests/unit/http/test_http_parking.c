/*
 * sessiond/http/http_parking.h: polls and streams that wait for long, and what becomes of their
 * connections.
 */
#include "tests/unit/http/http_fixture.h"

#include "sessiond/http/http_parking.h"

#include <stdlib.h>
#include <sys/resource.h>

#define ORIGIN "Origin: http://page.example\r\nContent-Length: 0\r\n"

/* So many are parked after the delay. */
static void
expect_parked(size_t count, int line)
{
	pass_time(HTTP_PARK_DELAY);
	run();
	_assert_int_equal(server.connections.parked_count, count, __FILE__, line);
	_assert_int_equal(server.connections.ghosts, 0, __FILE__, line);
}

#define assert_parked(count) expect_parked(count, __LINE__)

/* A client whose poll is parked. */
static int
park_poll(void)
{
	int client = open_session();

	post(client, XHR, "");
	assert_parked(1);
	assert_silence(client);
	return client;
}

static int
compare_lines(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The lines of the head that was heard, sorted: libmicrohttpd has an order of its own. */
static char *
sorted_head(void)
{
	char *lines[32], *text = calloc(1, strlen(heard.head) + 2), *line;
	size_t n = 0;

	for (line = strtok(heard.head, "\n"); line != NULL; line = strtok(NULL, "\n"))
		lines[n++] = line;
	qsort(lines, n, sizeof *lines, compare_lines);
	for (size_t i = 0; i < n; i++)
		strcat(strcat(text, lines[i]), "\n");
	return text;
}

static void
test_poll(void **state)
{
	int client = park_poll();

	(void)state;
	write_and_run("a");
	assert_heard(client, 200, "a[\"a\"]\n");
	assert_false(heard.ended);
	assert_int_equal(server.connections.parked_count, 0);
	/* The connection goes on. */
	post(client, "/echo/000/s/xhr_send", "[\"c\"]");
	assert_heard(client, 204, "");
	assert_seen("=c ");
	post(client, XHR, "");
	write_and_run("b");
	assert_heard(client, 200, "a[\"b\"]\n");
	post(client, XHR, "");
	assert_parked(1);
	write_and_run("d");
	assert_heard(client, 200, "a[\"d\"]\n");
	assert_int_equal(server.connections.count, 1);
	hang_up(client);
	assert_int_equal(server.connections.count, 0);
}

/* The times of a connection between two requests count for one that was given back. */
static void
test_given_back(void **state)
{
	int client = park_poll();

	(void)state;
	write_and_run("a");
	assert_heard(client, 200, "a[\"a\"]\n");
	pass_time(KEEPALIVE_TIMEOUT - 1);
	assert_silence(client);
	put(client, "GET /echo HTTP/1.1\r\n");
	run();
	pass_time(REQUEST_TIMEOUT);
	run();
	assert_heard(client, 408, "");
	assert_true(heard.ended);
	close(client);
}

static void
test_same_head(void **state)
{
	int client = open_session();
	char *soon, *late;

	(void)state;
	ask(client, "POST", XHR, ORIGIN);
	write_and_run("a");
	assert_heard(client, 200, "a[\"a\"]\n");
	soon = sorted_head();
	ask(client, "POST", XHR, ORIGIN);
	assert_parked(1);
	write_and_run("b");
	read_all(client);
	assert_non_null(strstr(heard.text, "\r\nDate: "));
	ask(client, "POST", XHR, ORIGIN);
	assert_parked(1);
	write_and_run("c");
	assert_heard(client, 200, "a[\"c\"]\n");
	late = sorted_head();
	assert_non_null(strstr(late, "Access-Control-Allow-Origin: http://page.example\n"));
	assert_string_equal(late, soon);
	free(soon);
	free(late);
	hang_up(client);
}

static void
test_jsonp(void **state)
{
	int client = connect_client();

	(void)state;
	ask(client, "GET", "/echo/000/s/jsonp?c=call", "");
	assert_heard(client, 200, "/**/call(\"o\");\r\n");
	ask(client, "GET", "/echo/000/s/jsonp?c=call", "");
	assert_parked(1);
	write_and_run("a");
	assert_heard(client, 200, "/**/call(\"a[\\\"a\\\"]\");\r\n");
	hang_up(client);
}

static void
test_close(void **state)
{
	int client = park_poll();

	(void)state;
	sockjs_close(latest, 3001, "bye");
	run();
	assert_heard(client, 200, "c[3001,\"bye\"]\n");
	assert_seen("- ");
	hang_up(client);
}

static void
test_no_longer_than_the_delay(void **state)
{
	int client = open_session();

	(void)state;
	post(client, XHR, "");
	pass_time(HTTP_PARK_DELAY - 1);
	assert_int_equal(server.connections.parked_count, 0);
	write_and_run("a");
	assert_heard(client, 200, "a[\"a\"]\n");
	/* The next poll has a delay of its own. */
	post(client, XHR, "");
	pass_time(HTTP_PARK_DELAY - 1);
	assert_int_equal(server.connections.parked_count, 0);
	hang_up(client);
}

/* libmicrohttpd has read it with the poll, and keeps both. */
static void
test_pipelined_before(void **state)
{
	int client = open_session();

	(void)state;
	put(client,
	    "POST " XHR " HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"
	    "GET /echo HTTP/1.1\r\nHost: a\r\n\r\n");
	run();
	assert_parked(0);
	write_and_run("a");
	read_all(client);
	assert_non_null(strstr(heard.text, "a[\"a\"]\n"));
	assert_non_null(strstr(heard.text, "Welcome to SockJS!\n"));
	hang_up(client);
}

static void
test_pipelined_after(void **state)
{
	int client = park_poll();

	(void)state;
	put(client, "GET /echo HTTP/1.1\r\nHost: a\r\n\r\n");
	run();
	assert_silence(client);
	write_and_run("a");
	read_all(client);
	assert_non_null(strstr(heard.text, "a[\"a\"]\n"));
	assert_non_null(strstr(heard.text, "Welcome to SockJS!\n"));
	hang_up(client);
}

static void
test_client_leaves(void **state)
{
	int client = park_poll();

	(void)state;
	hang_up(client);
	assert_int_equal(server.connections.count, 0);
	assert_seen("- ");
}

static void
test_client_says_no_more(void **state)
{
	int client = park_poll();

	(void)state;
	shutdown(client, SHUT_WR);
	run();
	assert_end(client);
	assert_seen("- ");
}

/* What did not arrive is the first of the queue again. */
static void
test_frame_is_lost(void **state)
{
	int client = park_poll();
	struct session *session = session_find(service, "s", 1);

	(void)state;
	write_text(latest, "again");
	turn_flush(&sessions);
	assert_non_null(session->in_flight);
	close(client);
	run();
	assert_null(session->in_flight);
	assert_int_equal(session->queue.count, 1);
}

static void
test_ends_with_connection(void **state)
{
	static const char *const requests[] = {
	    "POST " XHR " HTTP/1.0\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
	    "POST " XHR " HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
	    "POST " XHR " HTTP/1.1\r\nHost: a\r\nConnection: x\r\nConnection: close\r\n"
	    "Content-Length: 0\r\n\r\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
		int client = i == 0 ? open_session() : connect_client();

		say(client, requests[i]);
		assert_parked(1);
		write_and_run("a");
		assert_heard(client, 200, "a[\"a\"]\n");
		assert_true(has_header("Connection: close"));
		assert_true(heard.ended);
		close(client);
	}
}

static void
test_stream(void **state)
{
	char many[RESPONSE_LIMIT + 1];
	int client = connect_client();

	(void)state;
	memset(many, 'x', RESPONSE_LIMIT);
	many[RESPONSE_LIMIT] = '\0';
	post(client, STREAM, "");
	hear(client);
	assert_parked(1);
	write_and_run("a");
	read_all(client);
	assert_string_equal(heard.text, "7\r\na[\"a\"]\n\r\n");
	write_and_run(many);
	read_all(client);
	assert_non_null(strstr(heard.text, "\r\n0\r\n\r\n"));
	assert_false(heard.ended);
	assert_int_equal(server.connections.parked_count, 0);
	ask(client, "GET", "/echo", "");
	assert_heard(client, 200, "Welcome to SockJS!\n");
	hang_up(client);
}

static void
test_stream_of_http10(void **state)
{
	int client = connect_client();

	(void)state;
	say(client, "POST " STREAM " HTTP/1.0\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
	hear(client);
	assert_parked(1);
	write_and_run("a");
	read_all(client);
	assert_string_equal(heard.text, "a[\"a\"]\n");
	sockjs_close(latest, 3000, "bye");
	run();
	read_all(client);
	assert_string_equal(heard.text, "c[3000,\"bye\"]\n");
	assert_true(heard.ended);
	close(client);
}

/* libmicrohttpd has the connection back once all of the answer is written. */
static void
test_slow_reader(void **state)
{
	enum { MANY = 300 * 1024 };
	int client = park_poll();
	char *large = malloc(MANY + 1);
	size_t len = 0, before;

	(void)state;
	memset(large, 'x', MANY);
	large[MANY] = '\0';
	service->protocol.options.queue_limit = 2 * MANY;
	write_and_run(large);
	assert_int_equal(server.connections.parked_count, 1);
	do {
		before = len;
		len += (size_t)recv(client, large, MANY, 0);
		run();
	} while (server.connections.parked_count == 1 && len > before);
	len += (size_t)recv(client, large, MANY, 0);
	assert_true(len > MANY);
	ask(client, "GET", "/echo", "");
	assert_heard(client, 200, "Welcome to SockJS!\n");
	free(large);
	hang_up(client);
}

static void
test_reader_who_stops(void **state)
{
	enum { MANY = 300 * 1024 };
	int client = park_poll();
	char *large = malloc(MANY + 1);

	(void)state;
	memset(large, 'x', MANY);
	large[MANY] = '\0';
	service->protocol.options.queue_limit = 2 * MANY;
	write_and_run(large);
	free(large);
	pass_time(KEEPALIVE_TIMEOUT);
	run();
	assert_int_equal(server.connections.count, 0);
	assert_int_equal(server.connections.parked_count, 0);
	close(client);
}

/* It stops to read when it is about to be parked. */
static void
test_stream_whose_reader_stops(void **state)
{
	enum { MANY = 300 * 1024 };
	int client = connect_client();
	char *large = malloc(MANY + 1);

	(void)state;
	memset(large, 'x', MANY);
	large[MANY] = '\0';
	service->protocol.options.queue_limit = 2 * MANY;
	service->protocol.options.response_limit = 10 * MANY;
	post(client, STREAM, "");
	hear(client);
	now += HTTP_PARK_DELAY;
	timers_run(&sessions.timers, now);
	assert_false(TAILQ_EMPTY(&server.connections.due));
	write_and_run(large);
	free(large);
	assert_int_equal(server.connections.parked_count, 0);
	pass_time(KEEPALIVE_TIMEOUT);
	run();
	assert_int_equal(server.connections.count, 0);
	close(client);
}

/* More than may leave at a time. */
static void
test_many(void **state)
{
	enum { MANY = 3 * HTTP_PARK_MOST };
	int clients[MANY];
	char path[64];

	(void)state;
	server.limit = MANY;
	for (int i = 0; i < MANY; i++) {
		snprintf(path, sizeof path, "/echo/000/s%d/xhr", i);
		clients[i] = connect_client();
		post(clients[i], path, "");
		hear(clients[i]);
		post(clients[i], path, "");
	}
	assert_parked(MANY);
	for (int i = 0; i < MANY; i += 2)
		hang_up(clients[i]);
	assert_int_equal(server.connections.count, MANY / 2);
	for (int i = 1; i < MANY; i += 2)
		close(clients[i]);
}

static void
test_no_descriptor(void **state)
{
	struct rlimit limit, none;
	int client = open_session();

	(void)state;
	post(client, XHR, "");
	getrlimit(RLIMIT_NOFILE, &limit);
	none = (struct rlimit){0, limit.rlim_max};
	setrlimit(RLIMIT_NOFILE, &none);
	pass_time(HTTP_PARK_DELAY);
	setrlimit(RLIMIT_NOFILE, &limit);
	assert_int_equal(server.connections.parked_count, 0);
	/* Nor does libmicrohttpd end it. */
	assert_int_equal(only_connection()->is_spared, passes);
	assert_silence(client);
	/* It is tried again. */
	assert_parked(1);
	write_and_run("a");
	assert_heard(client, 200, "a[\"a\"]\n");
	hang_up(client);
}

static void
test_drain(void **state)
{
	int client = park_poll();

	(void)state;
	http_server_drain(&server);
	run();
	assert_silence(client);
	write_and_run("a");
	assert_heard(client, 200, "a[\"a\"]\n");
	assert_true(heard.ended);
	assert_int_equal(server.connections.count, 0);
	close(client);
}

/* It waits for the turn's commit, as any other. */
static void
test_commit(void **state)
{
	int client;

	(void)state;
	use_store();
	client = park_poll();
	write_text(latest, "a");
	turn_flush(&sessions);
	assert_silence(client);
	run();
	assert_heard(client, 200, "a[\"a\"]\n");
	assert_null(session_find(service, "s", 1)->in_flight);
	hang_up(client);
}

static void
test_aborted(void **state)
{
	int client = park_poll();

	(void)state;
	sessions_each(&sessions, abort_one, NULL);
	run();
	assert_end(client);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    HTTP_TEST_BOTH(poll),
	    HTTP_TEST_BOTH(given_back),
	    HTTP_TEST_BOTH(same_head),
	    HTTP_TEST_BOTH(jsonp),
	    HTTP_TEST_BOTH(close),
	    HTTP_TEST_BOTH(no_longer_than_the_delay),
	    HTTP_TEST_BOTH(pipelined_before),
	    HTTP_TEST_BOTH(pipelined_after),
	    HTTP_TEST_BOTH(client_leaves),
	    HTTP_TEST_BOTH(client_says_no_more),
	    HTTP_TEST_BOTH(frame_is_lost),
	    HTTP_TEST_BOTH(ends_with_connection),
	    HTTP_TEST_BOTH(stream),
	    HTTP_TEST_BOTH(stream_of_http10),
	    HTTP_TEST_BOTH(slow_reader),
	    HTTP_TEST_BOTH(reader_who_stops),
	    HTTP_TEST_BOTH(stream_whose_reader_stops),
	    HTTP_TEST_BOTH(many),
	    HTTP_TEST_BOTH(no_descriptor),
	    HTTP_TEST_BOTH(drain),
	    HTTP_TEST_BOTH(commit),
	    HTTP_TEST_BOTH(aborted),
	};

	return cmocka_run_group_tests_name("http_parking", tests, NULL, NULL);
}
