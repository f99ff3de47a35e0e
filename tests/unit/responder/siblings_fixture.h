/*
 * For the test of sessiond/responder/siblings.h: this daemon, whose loop turns by hand and whose
 * clock is the test's, and the other one, which is the test.
 */
#ifndef TEST_SIBLINGS_FIXTURE_H
#define TEST_SIBLINGS_FIXTURE_H

#include "sessiond/responder/siblings.h"

#include "common/loop.h"
#include "sessiond/http/http_connection.h"
#include "wire/wire_daemons.h"
#include "wire/wire_messages.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { OTHER = 1, DAEMONS = 2 };

static uv_loop_t loop;
static struct sessions sessions;
static struct http_connections connections;
static struct config *config;
static struct siblings siblings;
static uint64_t now;

/* The other daemon. */
static int listener = -1, accepted = -1;
static struct {
	unsigned hellos, handovers;
	uint64_t id; /* of the last handover */
	int fd;
	char bytes[1024];
} got;

static uint64_t
clock_now(void *context)
{
	(void)context;
	return now;
}

/* --- the other daemon ------------------------------------------------------------------------- */

static void
listen_other(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	snprintf(address.sun_path, sizeof address.sun_path, "%s.%d", config->server.socket, OTHER);
	unlink(address.sun_path);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(listen(listener, 10), 0);
}

static void
turn(void)
{
	for (int i = 0; i < 5; i++)
		uv_run(&loop, UV_RUN_NOWAIT);
}

static void
run_for(uint64_t ms)
{
	uint64_t deadline, until = now + ms;

	while (timers_next(&sessions.timers, &deadline) && deadline <= until) {
		now = deadline;
		timers_run(&sessions.timers, now);
		turn();
	}
	now = until;
}

static void
accept_link(void)
{
	turn();
	accepted = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	assert_int_not_equal(accepted, -1);
}

static void
take(const struct wire_header *header, const char *payload)
{
	struct wire_hello hello;

	if (header->type == WIRE_HELLO) {
		assert_int_equal(wire_decode_hello(header, payload, &hello), 0);
		assert_int_equal(hello.role, WIRE_DAEMON);
		got.hellos++;
		return;
	}
	assert_int_equal(header->type, WIRE_HANDOVER);
	got.handovers++;
	got.id = header->request;
	memcpy(got.bytes, payload, header->length);
	got.bytes[header->length] = '\0';
}

/* Reads all that has come; got.fd is the last descriptor that was with it. */
static void
hear(void)
{
	static char bytes[65536];
	char control[CMSG_SPACE(sizeof(int))];
	struct wire_header header;
	size_t len = 0, pos = 0;
	ssize_t n;

	turn();
	for (;;) {
		struct iovec part = {bytes + len, sizeof bytes - len};
		struct msghdr message = {.msg_iov = &part,
		    .msg_iovlen = 1,
		    .msg_control = control,
		    .msg_controllen = sizeof control};

		n = recvmsg(accepted, &message, MSG_CMSG_CLOEXEC);
		if (n <= 0)
			break;
		len += (size_t)n;
		if (CMSG_FIRSTHDR(&message) == NULL)
			continue;
		if (got.fd != -1)
			close(got.fd);
		memcpy(&got.fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof got.fd);
	}
	while (wire_parse_header(bytes + pos, len - pos, 1 << 20, &header) == 1) {
		take(&header, bytes + pos + WIRE_HEADER_SIZE);
		pos += WIRE_HEADER_SIZE + header.length;
	}
	assert_int_equal(pos, len);
}

static void
say(struct buffer *out)
{
	assert_int_equal(send(accepted, out->data, out->len, MSG_NOSIGNAL), out->len);
	buffer_free(out);
	turn();
}

static void
say_hello(unsigned minor)
{
	const struct wire_hello hello = {
	    .role = WIRE_DAEMON, .major = WIRE_MAJOR, .minor = minor, .link_id = 1};
	struct buffer out = BUFFER_INIT;

	wire_encode_hello(&out, &hello);
	say(&out);
}

static void
say_taken(uint64_t id)
{
	struct buffer out = BUFFER_INIT;

	wire_encode_taken(&out, id);
	say(&out);
}

static void
die(void)
{
	close(accepted);
	accepted = -1;
	turn();
}

/* A link that has greeted both ways. */
static void
greet(void)
{
	accept_link();
	hear();
	say_hello(WIRE_MINOR);
	hear();
}
/* --- before and after ------------------------------------------------------------------------- */

static int
set_up(void **state)
{
	static const struct session_fires fires;
	struct error err = ERROR_INIT;

	(void)state;
	now = 1000;
	memset(&got, 0, sizeof got);
	got.fd = -1;
	connections = (struct http_connections){NULL};
	config = config_create("x.conf", &err);
	config->place = (struct daemon_place){0, DAEMONS};
	if (asprintf(&config->server.socket, "/tmp/sockjs-test-siblings.%d", (int)getpid()) == -1 ||
	    uv_loop_init(&loop) != 0)
		return -1;
	sessions_init(&sessions, clock_now, NULL, &fires);
	siblings_init(&siblings, &loop, &sessions, &connections, config);
	listen_other();
	return 0;
}

static int
tear_down(void **state)
{
	char path[200];

	(void)state;
	siblings_clear(&siblings);
	assert_int_equal(connections.away, 0);
	if (got.fd != -1)
		close(got.fd);
	if (accepted != -1)
		close(accepted);
	accepted = -1;
	if (listener != -1)
		close(listener);
	listener = -1;
	snprintf(path, sizeof path, "%s.%d", config->server.socket, OTHER);
	unlink(path);
	sessions_clear(&sessions);
	config_destroy(&config);
	turn();
	return uv_loop_close(&loop);
}

#define SIBLING_TEST(name) cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)

#endif
