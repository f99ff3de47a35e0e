/*
 * For the tests of sessiond/websocket: session_fixture.h's service, and websockets over socket
 * pairs. The client's end speaks in bytes. What the server may send is the test's: `room` bytes,
 * then EAGAIN, or `send_error`. Nothing here waits.
 *
 * The programs are linked with --wrap=send,--wrap=sendmsg.
 */
#ifndef TESTS_WEBSOCKET_FIXTURE_H
#define TESTS_WEBSOCKET_FIXTURE_H

#include "tests/unit/session/session_fixture.h"

#include "sessiond/websocket/websocket.h"
#include "sessiond/websocket/websocket_input.h"
#include "sessiond/session/admission.h"
#include "sessiond/websocket/websocket_open.h"
#include "sessiond/websocket/websocket_output.h"
#include "sockjs/ws_frame.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

/* A string constant and its length, NULs included. */
#define BYTES(literal) (literal), sizeof(literal) - 1

enum { MESSAGE_LIMIT = 70000, MESSAGES_LIMIT = 5 };

static uv_loop_t loop;
static struct websockets websockets;
static int client; /* the peer of the websocket; -1: closed */

/* --- the server's socket ---------------------------------------------------------------------- */

static size_t room;	      /* bytes that send takes */
static int send_error;	      /* errno of the next send; 0: none */
static int sends;	      /* calls that took something */
static void (*on_send)(void); /* called before each; NULL: nothing */

ssize_t __real_send(int fd, const void *data, size_t len, int flags);
ssize_t __wrap_send(int fd, const void *data, size_t len, int flags);
ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags);

ssize_t
__wrap_send(int fd, const void *data, size_t len, int flags)
{
	ssize_t n;

	if (on_send != NULL)
		on_send();
	if (send_error != 0) {
		errno = send_error;
		send_error = 0;
		return -1;
	}
	if (room == 0) {
		errno = EAGAIN;
		return -1;
	}
	n = __real_send(fd, data, len < room ? len : room, flags);
	if (n > 0) {
		room -= (size_t)n;
		sends++;
	}
	return n;
}

/* As __wrap_send, of all parts. */
ssize_t
__wrap_sendmsg(int fd, const struct msghdr *message, int flags)
{
	struct buffer all = BUFFER_INIT;
	ssize_t n;

	for (size_t i = 0; i < message->msg_iovlen; i++)
		buffer_append(&all, message->msg_iov[i].iov_base, message->msg_iov[i].iov_len);
	n = __wrap_send(fd, all.data, all.len, flags);
	buffer_free(&all);
	return n;
}

/* --- the loop --------------------------------------------------------------------------------- */

static inline void
run(void)
{
	int i;

	for (i = 0; i < 20 || !TAILQ_EMPTY(&websockets.waiting); i++) {
		uv_run(&loop, UV_RUN_NOWAIT);
		websockets_go_on(&websockets);
		turn();
	}
}

static inline int
websocket_set_up(void **state)
{
	struct service_options *options;

	fixture_set_up(state);
	options = &service->protocol.options;
	options->message_limit = MESSAGE_LIMIT;
	options->messages_limit = MESSAGES_LIMIT;
	options->queue_limit = 10000000;
	room = SIZE_MAX;
	send_error = sends = 0;
	on_send = NULL;
	client = -1;
	assert_int_equal(uv_loop_init(&loop), 0);
	websockets_init(&websockets, &loop, &sessions, &websocket_calls);
	return 0;
}

static inline int
websocket_tear_down(void **state)
{
	memset(&hooks, 0, sizeof hooks);
	websockets_clear(&websockets);
	assert_int_equal(websockets.count, 0);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
	if (client != -1)
		close(client);
	return fixture_tear_down(state);
}

#define WEBSOCKET_TEST(name)                                                                       \
	cmocka_unit_test_setup_teardown(test_##name, websocket_set_up, websocket_tear_down)

/* --- the client ------------------------------------------------------------------------------- */

static inline void
expect_bytes(const char *bytes, size_t len, const char *file, int line)
{
	static char got[1 << 20];
	size_t n = 0;
	ssize_t more;

	while ((more = recv(client, got + n, sizeof got - n, MSG_DONTWAIT)) > 0)
		n += (size_t)more;
	_assert_int_equal(n, len, file, line);
	if (len > 0)
		_assert_memory_equal(got, bytes, len, file, line);
}

/* Exactly these bytes have come. */
#define assert_got(literal)  expect_bytes(BYTES(literal), __FILE__, __LINE__)
#define assert_got_nothing() expect_bytes("", 0, __FILE__, __LINE__)

/* The server has ended its side. */
static inline bool
is_ended(void)
{
	char c;

	return recv(client, &c, 1, MSG_DONTWAIT) == 0;
}

static inline void
say(const char *bytes, size_t len)
{
	assert_int_equal(write(client, bytes, len), len);
	run();
}

/* A frame with a mask of zeros. first: FIN, RSV and opcode. */
static inline size_t
make_frame(char *out, int first, const char *payload, size_t len)
{
	size_t n = 0;

	out[n++] = (char)first;
	if (len < 126) {
		out[n++] = (char)(0x80 | len);
	} else if (len < 65536) {
		out[n++] = (char)(0x80 | 126);
		out[n++] = (char)(len >> 8);
		out[n++] = (char)len;
	} else {
		out[n++] = (char)(0x80 | 127);
		for (int shift = 56; shift >= 0; shift -= 8)
			out[n++] = (char)((uint64_t)len >> shift);
	}
	memset(out + n, 0, 4);
	n += 4;
	memcpy(out + n, payload, len);
	return n + len;
}

static inline void
say_frame(int first, const char *payload, size_t len)
{
	static char frame[1 << 20];

	say(frame, make_frame(frame, first, payload, len));
}

static inline void
say_text(const char *text)
{
	say_frame(0x81, text, strlen(text));
}

static inline void
hang_up(void)
{
	close(client);
	client = -1;
	run();
}

/* --- a websocket ------------------------------------------------------------------------------ */

/* The handle of a session as the handshake makes it. */
static inline uint64_t
admitted(enum transport_id transport)
{
	struct admission_refusal refusal;
	struct session *session =
	    admission_open_websocket(service, transport_get(transport), &fake_source, &refusal);

	assert_non_null(session);
	return session->handle;
}

static inline struct websocket *
open_with(enum transport_id transport, const struct ws_deflate_params *deflate, const char *extra,
    size_t extra_len)
{
	struct websocket_plan plan = {
	    .all = &websockets,
	    .service = service,
	    .transport = transport_get(transport),
	    .deflate = deflate,
	    .session = admitted(transport),
	};
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	client = pair[0];
	websocket_open(&plan, pair[1], extra, extra_len);
	run();
	return LIST_FIRST(&websockets.list);
}

/* One whose open frame the client has received, and of which the application knows. */
static inline struct websocket *
open_sockjs(void)
{
	struct websocket *websocket = open_with(TRANSPORT_WEBSOCKET, NULL, "", 0);

	assert_got("\x81\x01o");
	assert_seen("+ ");
	return websocket;
}

static inline struct websocket *
open_raw(void)
{
	struct websocket *websocket = open_with(TRANSPORT_WEBSOCKET_RAW, NULL, "", 0);

	assert_got_nothing();
	assert_seen("+ ");
	return websocket;
}

static inline void
write_now(const char *text)
{
	assert_int_equal(write_text(latest, text), SOCKJS_OK);
	run();
}

/* For hooks.data: the application answers with what it hears. */
static inline void
echo(sockjs_connection connection, const sockjs_message *message)
{
	assert_int_equal(sockjs_write(connection, message->data, message->len), SOCKJS_OK);
}

#endif
