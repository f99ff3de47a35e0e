/*
 * A connection of fcgi/webserver/connection.h over a socket pair: the test is the web server at the
 * other end, has the clock, and hears what the connection tells its request.
 */
#ifndef TESTS_CONNECTION_FIXTURE_H
#define TESTS_CONNECTION_FIXTURE_H

#include "fcgi/webserver/connection.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "fcgi/webserver/params.h"

enum {
	BEGIN = 1,
	ABORT = 2,
	END = 3,
	PARAMS = 4,
	STDIN = 5,
	STDOUT = 6,
	KEEP = 1,
	LIMIT = 3,
	REQUEST_TIMEOUT = 5000,
	STALL_LIMIT = 10000,
	WATCH_DELAY = 50,
	SEND_BUFFER = 16384,
	LARGE = 1 << 20,
};

/* --- what surrounds a connection -------------------------------------------------------------- */

/* The clock, in place of the loop's. */
static uint64_t now;

uint64_t
loop_now(const struct loop *loop)
{
	(void)loop;
	return now;
}

static struct loop loop;
static struct timers timers;
static struct connections connections;
static size_t body_limit;
static int web_server; /* the other end */

/* The last request that arrived, and the news of it, a letter each. */
static struct connection *current;
static char body[100], uri[100], news[100];
static bool was_cut;
static unsigned arrived;
static const char *answer_at_once;
static const struct buffer *follow_up; /* sent whenever one has arrived, so many times */
static unsigned follow_ups;

/* The web server reads what was answered, and says more. */
static inline void
send_follow_up(void)
{
	char answers[1000];

	recv(web_server, answers, sizeof answers, MSG_DONTWAIT);
	follow_ups--;
	assert_int_equal(send(web_server, follow_up->data, follow_up->len, 0), follow_up->len);
}

static inline void
on_arrived(void *owner, struct connection *connection, const struct params *params,
    struct buffer *b, bool is_cut)
{
	const char *value = params_find(params, "REQUEST_URI");

	assert_ptr_equal(owner, &connections);
	assert_non_null(value);
	snprintf(uri, sizeof uri, "%s", value);
	snprintf(body, sizeof body, "%.*s", (int)b->len, b->len == 0 ? "" : b->data);
	was_cut = is_cut;
	arrived++;
	current = connection;
	connection_attach(connection, news);
	if (follow_ups > 0)
		send_follow_up();
	if (answer_at_once != NULL)
		connection_push(connection, answer_at_once, strlen(answer_at_once), true);
}

static inline void
on_news(void *request, enum connection_news what)
{
	static const char letters[] = {[CONNECTION_LAST_WRITE] = 'n',
	    [CONNECTION_CUT_SHORT] = 'c',
	    [CONNECTION_WRITTEN] = 'W',
	    [CONNECTION_UNWRITTEN] = 'U',
	    [CONNECTION_LOST] = 'L'};
	const char letter[2] = {letters[what], '\0'};

	assert_ptr_equal(request, news);
	strncat(news, letter, sizeof news - strlen(news) - 1);
}

static const struct connection_calls calls = {on_arrived, on_news};

/* No connection is new any more. */
static inline void
watch_new(void)
{
	while (connections_end_turn(&connections))
		;
}

static inline int
setup(void **state)
{
	struct error err = ERROR_INIT;
	const int size = SEND_BUFFER;
	int pair[2];

	(void)state;
	now = 1000;
	body_limit = 20;
	arrived = 0;
	news[0] = '\0';
	current = NULL;
	answer_at_once = NULL;
	follow_ups = 0;
	loop.is_draining = false;
	timers_init(&timers);
	assert_int_equal(connections_init(&connections, &loop, &timers, LIMIT, &body_limit,
			     REQUEST_TIMEOUT, &calls, &connections, &err),
	    0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
	web_server = pair[1];
	connection_create(&connections, pair[0]);
	watch_new();
	assert_int_equal(connections.count, 1);
	return 0;
}

static inline int
teardown(void **state)
{
	(void)state;
	connections_clear(&connections);
	assert_int_equal(connections.count, 0);
	connections_close(&connections);
	if (web_server != -1)
		close(web_server);
	return 0;
}

/* --- the web server's side -------------------------------------------------------------------- */

static inline void
put(struct buffer *to, unsigned type, const char *content, size_t len)
{
	const unsigned char head[8] = {
	    1, (unsigned char)type, 0, 1, (unsigned char)(len >> 8), (unsigned char)len, 0, 0};

	buffer_append(to, head, sizeof head);
	buffer_append(to, content, len);
}

static inline void
put_request(struct buffer *to, unsigned flags, const char *path, const char *content)
{
	const char begin[8] = {0, 1, (char)flags, 0, 0, 0, 0, 0};
	char param[100];
	int n = snprintf(param, sizeof param, "%c%cREQUEST_URI%s", 11, (char)strlen(path), path);

	put(to, BEGIN, begin, sizeof begin);
	put(to, PARAMS, param, (size_t)n);
	put(to, PARAMS, "", 0);
	if (content[0] != '\0')
		put(to, STDIN, content, strlen(content));
	put(to, STDIN, "", 0);
}

static inline void
turn(void)
{
	connections_dispatch(&connections);
	timers_run(&timers, now);
}

/* Sends from b what is from `from` to `to`, and lets the connection see it. */
static inline void
give(const struct buffer *b, size_t from, size_t to)
{
	assert_int_equal(send(web_server, b->data + from, to - from, 0), to - from);
	turn();
}

static inline void
give_request(unsigned flags, const char *path, const char *content)
{
	struct buffer b = BUFFER_INIT;

	put_request(&b, flags, path, content);
	give(&b, 0, b.len);
	buffer_free(&b);
}

/* Reads what is there. Returns false at the end. */
static inline bool
read_some(struct buffer *to)
{
	char *space = buffer_reserve(to, 65536);
	ssize_t n = recv(web_server, space, 65536, MSG_DONTWAIT);

	if (n > 0)
		buffer_added(to, (size_t)n);
	return n != 0;
}

/*
 * Appends what the records in b have for standard output. Returns true if the last one ends the
 * request.
 */
static inline bool
unpack(const struct buffer *b, struct buffer *out)
{
	const unsigned char *data = (const unsigned char *)b->data;
	bool ended = false;
	size_t at = 0;

	while (b->len - at >= 8) {
		size_t len = (size_t)data[at + 4] << 8 | data[at + 5];

		assert_false(ended);
		assert_true(b->len - at >= 8 + len + data[at + 6]);
		if (data[at + 1] == STDOUT)
			buffer_append(out, data + at + 8, len);
		ended = data[at + 1] == END;
		at += 8 + len + data[at + 6];
	}
	assert_int_equal(at, b->len);
	return ended;
}

/* The response that is there; it has to be exactly that, with its end or without. */
static inline void
assert_response(const char *text, bool ends)
{
	struct buffer b = BUFFER_INIT, out = BUFFER_INIT;

	read_some(&b);
	assert_int_equal(unpack(&b, &out), ends);
	assert_int_equal(out.len, strlen(text));
	assert_memory_equal(out.data, text, out.len);
	buffer_free(&out);
	buffer_free(&b);
}

/* How many there are when the turn has ended. */
static inline size_t
open_connections(void)
{
	connections_reap(&connections);
	return connections.count;
}

/* When the turn has ended. */
static inline bool
is_closed(void)
{
	char byte;

	connections_reap(&connections);
	return recv(web_server, &byte, 1, MSG_DONTWAIT) == 0;
}

#endif
