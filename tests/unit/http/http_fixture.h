/*
 * For the tests of sessiond/http: session_fixture.h's service behind an http_server as the daemon
 * runs it. Clients are ends of socket pairs; the clock is the test's. Nothing here waits: what was
 * sent is there, and turns go on until nothing is left to do.
 *
 * `hear` reads what a client has received: status, head (with \n for \r\n, without Date) and body.
 */
#ifndef TESTS_HTTP_FIXTURE_H
#define TESTS_HTTP_FIXTURE_H

#include "tests/unit/session/session_fixture.h"

#include "conf/config_options.h"
#include "sessiond/http/http_server.h"
#include "sessiond/system/socket_takeover.h"
#include "sessiond/http/static_files.h"
#include "sessiond/modules/services.h"
#include "sessiond/persistence/persistence.h"
#include "sessiond/websocket/hixie76_handshake.h"
#include "sessiond/websocket/websocket.h"
#include "sessiond/websocket/websocket_input.h"
#include "tests/unit/store/store_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

enum {
	REQUEST_TIMEOUT = 10000,
	KEEPALIVE_TIMEOUT = 20000,
	CONNECTION_LIMIT = 3,
	BODY_LIMIT = 100,
	RESPONSE_LIMIT = 200,
};

static uv_loop_t loop;
static struct websockets websockets;
static struct hixie76_handshakes handshakes;
static struct services services;
static struct service_options defaults;
static struct server_options server_options;
static char trusted_proxies[] = "unix";
static struct http_server server;
static struct persistence persistence;
static struct store *store; /* NULL: none */
static bool passes;	    /* what may pass libmicrohttpd by does so */

/* What the last `hear` read. */
static struct {
	int status; /* 0: no response */
	char *head, *body;
	bool ended; /* the connection is closed, by the server */
	char text[256 * 1024];
} heard;

/* --- the daemon ------------------------------------------------------------------------------- */

static inline bool
run_once(void)
{
	bool busy = turn_flush(&sessions);

	http_server_committed(&server, persistence_commit(&persistence));
	return http_server_run(&server) || busy;
}

/* Turns, until two in a row have nothing to do. */
static inline void
run(void)
{
	int turns, quiet;

	for (turns = quiet = 0; turns < 1000 && quiet < 2; turns++) {
		uv_run(&loop, UV_RUN_NOWAIT);
		quiet = run_once() ? 0 : quiet + 1;
	}
	assert_true(turns < 1000);
}

/* Time goes by for our own timers. */
static inline void
pass_time(uint64_t ms)
{
	uint64_t deadline, end = now + ms;

	while (timers_next(&sessions.timers, &deadline) && deadline <= end) {
		now = deadline;
		timers_run(&sessions.timers, now);
		run();
	}
	now = end;
}

static inline void
start_server(void)
{
	struct http_requests requests = {
	    .loop = &loop,
	    .services = &services,
	    .defaults = &defaults,
	    .sessions = &sessions,
	    .websockets = &websockets,
	    .handshakes = &handshakes,
	};
	struct error err = ERROR_INIT;

	assert_int_equal(
	    http_server_start(&server, &requests, &server_options, CONNECTION_LIMIT, &err), 0);
}

static inline int
http_set_up(void **state)
{
	struct service_options *options;

	fixture_set_up(state);
	options = &service->protocol.options;
	options->transports = ~0u;
	options->websocket = true;
	options->body_limit = BODY_LIMIT;
	options->messages_limit = 10;
	options->message_limit = 1000;
	options->response_limit = RESPONSE_LIMIT;
	sessions.limit = 100;
	store = NULL;
	passes = true;
	persistence_init(&persistence, &sessions);
	services = (struct services){.items = &service, .count = 1};
	defaults = (struct service_options){.body_limit = 10};
	server_options = (struct server_options){
	    .request_timeout = REQUEST_TIMEOUT,
	    .keepalive_timeout = KEEPALIVE_TIMEOUT,
	    .connection_memory = 32768,
	    .trusted_proxies = trusted_proxies,
	};
	assert_int_equal(uv_loop_init(&loop), 0);
	LIST_INIT(&handshakes);
	websockets_init(&websockets, &loop, &sessions, &websocket_calls);
	start_server();
	return 0;
}

/* From now on sessions are stored; the store can be made to fail. */
static inline void
use_store(void)
{
	store = store_memory_create();
	persistence_use(&persistence, store);
}

static inline int
http_tear_down(void **state)
{
	memset(&hooks, 0, sizeof hooks);
	sessions_each(&sessions, abort_one, NULL);
	turn();
	http_server_stop(&server);
	assert_int_equal(server.connections.count, 0);
	hixie76_handshakes_clear(&handshakes);
	websockets_clear(&websockets);
	socket_takeover_clear();
	persistence_clear(&persistence);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
	return fixture_tear_down(state);
}

static inline int
http_set_up_without_passing(void **state)
{
	http_set_up(state);
	passes = false;
	return 0;
}

#define HTTP_TEST(name) cmocka_unit_test_setup_teardown(test_##name, http_set_up, http_tear_down)
/* And once more where libmicrohttpd has all requests. */
#define HTTP_TEST_BOTH(name)                                                                       \
	HTTP_TEST(name),                                                                           \
	    cmocka_unit_test_setup_teardown(                                                       \
		test_##name, http_set_up_without_passing, http_tear_down)

/* --- clients ---------------------------------------------------------------------------------- */

/* Leaves it to the next `run` to be looked at. */
static inline int
connect_only(void)
{
	const struct sockaddr address = {.sa_family = AF_UNIX};
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	http_server_add(&server, pair[1], &address, sizeof address.sa_family);
	return pair[0];
}

static inline int
connect_client(void)
{
	int client = connect_only();

	run();
	return client;
}

/* libmicrohttpd has had no request of theirs for long. */
static inline void
forget_connections(void)
{
	struct http_connection *connection;

	LIST_FOREACH(connection, &server.connections.list, entry)
		connection->heard = now - server.connections.pass_for;
}

/* Leaves it to the next `run` to be read. */
static inline void
put(int client, const char *text)
{
	if (!passes)
		forget_connections();
	assert_int_equal(send(client, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static inline void
say(int client, const char *text)
{
	put(client, text);
	run();
}

static inline void
hang_up(int client)
{
	close(client);
	run();
}

static inline void
read_all(int client)
{
	size_t len = 0;
	ssize_t n;

	while ((n = recv(client, heard.text + len, sizeof heard.text - 1 - len, 0)) > 0) {
		len += (size_t)n;
		run();
	}
	heard.ended = n == 0 || errno != EAGAIN;
	heard.text[len] = '\0';
}

/* Cuts every \r before a \n of the head, and its Date. */
static inline void
clean_head(void)
{
	char *from, *to, *date;

	for (from = to = heard.head; *from != '\0'; from++)
		if (*from != '\r')
			*to++ = *from;
	*to = '\0';
	date = strstr(heard.head, "\nDate: ");
	if (date != NULL)
		memmove(date, strchr(date + 1, '\n'), strlen(strchr(date + 1, '\n')) + 1);
}

/* Reads all that has come; a body without a head is more of the former response. */
static inline void
hear(int client)
{
	char *end;

	read_all(client);
	heard.status = 0;
	heard.head = heard.text + strlen(heard.text);
	heard.body = heard.text;
	if (strncmp(heard.text, "HTTP/1.", strlen("HTTP/1.")) != 0)
		return;
	end = strstr(heard.text, "\r\n\r\n");
	assert_non_null(end);
	heard.status = atoi(heard.text + strlen("HTTP/1.1 "));
	heard.body = end + strlen("\r\n\r\n");
	end[strlen("\r\n")] = '\0';
	heard.head = heard.text;
	clean_head();
}

/* The response has that status and that body. */
static inline void
expect_heard(int client, int status, const char *body, const char *file, int line)
{
	hear(client);
	_assert_int_equal(heard.status, status, file, line);
	_assert_string_equal(heard.body, body, file, line);
}

#define assert_heard(client, status, body) expect_heard(client, status, body, __FILE__, __LINE__)

static inline bool
has_header(const char *header)
{
	char wanted[256];

	snprintf(wanted, sizeof wanted, "\n%s\n", header);
	return strstr(heard.head, wanted) != NULL;
}

/* Nothing came, and the connection is open. */
static inline void
expect_silence(int client, const char *file, int line)
{
	read_all(client);
	_assert_string_equal(heard.text, "", file, line);
	_assert_int_equal(heard.ended, false, file, line);
}

#define assert_silence(client) expect_silence(client, __FILE__, __LINE__)

/* The server has closed the connection, without another word. */
static inline void
expect_end(int client, const char *file, int line)
{
	read_all(client);
	_assert_string_equal(heard.text, "", file, line);
	_assert_int_equal(heard.ended, true, file, line);
	close(client);
}

#define assert_end(client) expect_end(client, __FILE__, __LINE__)

/* --- requests --------------------------------------------------------------------------------- */

static inline void
ask(int client, const char *method, const char *path, const char *headers)
{
	char text[1024];

	snprintf(text, sizeof text, "%s %s HTTP/1.1\r\nHost: a\r\n%s\r\n", method, path, headers);
	say(client, text);
}

static inline void
post(int client, const char *path, const char *body)
{
	char text[1024];

	snprintf(text, sizeof text, "POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n%s",
	    path, strlen(body), body);
	say(client, text);
}

#define XHR    "/echo/000/s/xhr"
#define STREAM "/echo/000/s/xhr_streaming"

/* A client with a session `s`, whose open frame it has received. */
static inline int
open_session(void)
{
	int client = connect_client();

	post(client, XHR, "");
	assert_heard(client, 200, "o\n");
	assert_seen("+ ");
	return client;
}

static inline const struct http_connection *
only_connection(void)
{
	const struct http_connection *connection = LIST_FIRST(&server.connections.list);

	assert_int_equal(server.connections.count, 1);
	return connection;
}

/* A poll passes, and waits. */
static inline int
hold_poll(void)
{
	int client = open_session();

	post(client, XHR, "");
	assert_silence(client);
	assert_true(only_connection()->passes);
	return client;
}

static inline void
write_and_run(const char *text)
{
	write_text(latest, text);
	run();
}

#endif
