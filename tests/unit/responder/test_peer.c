/*
 * sessiond/responder/peer.h: a peer as a socket with a state. Who its messages are for is the test.
 */
#include "sessiond/responder/peer.h"

#include "common/log.h"
#include "common/random.h"
#include "sessiond/session/session_set.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/log_capture.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

static uv_loop_t loop;
static struct sessions sessions;
static struct peers peers;
static struct peer *peer;
static uint64_t now;
static int other = -1;

static struct {
	unsigned messages, gones;
	int status; /* what the next message gets */
	bool turns_away;
} told;

static bool are_zeros; /* the random bytes */

void __real_random_bytes(void *to, size_t len);
void __wrap_random_bytes(void *to, size_t len);

void
__wrap_random_bytes(void *to, size_t len)
{
	if (are_zeros)
		memset(to, 0, len);
	else
		__real_random_bytes(to, len);
}

static int
on_message(struct peer *which, const struct wire_header *header, const char *payload)
{
	(void)payload;
	assert_ptr_equal(which, peer);
	assert_int_equal(header->type, WIRE_WRITTEN);
	told.messages++;
	return told.status;
}

static void
on_gone(struct peer *which)
{
	assert_ptr_equal(which, peer);
	told.gones++;
}

static bool
admit(struct peers *all, int fd)
{
	assert_ptr_equal(all, &peers);
	assert_true(fd >= 0);
	return !told.turns_away;
}

static const struct peer_calls calls = {admit, on_message, on_gone};
static size_t backlog_max;

static uint64_t
clock_now(void *context)
{
	return *(uint64_t *)context;
}

static void
arrive(void)
{
	int fds[2];

	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
	peers_add(&peers, fds[0]);
	peer = LIST_FIRST(&peers.list);
	other = fds[1];
}

static void
say(const char *text, size_t len)
{
	assert_int_equal(send(other, text, len, MSG_NOSIGNAL), len);
	uv_run(&loop, UV_RUN_NOWAIT);
}

#define WRITTEN	     "\0\0\0\0\0\x23\0\0\0\0\0\0\0\0\0\1"
#define SAY(literal) say((literal), sizeof(literal) - 1)

/* How many bytes have come; -1: none, and the connection has ended. */
static ssize_t
hear(void)
{
	char text[1000];
	ssize_t n = recv(other, text, sizeof text, 0);

	if (n == -1)
		assert_int_equal(errno, EAGAIN);
	return n == -1 ? 0 : n == 0 ? -1 : n;
}

static int
set_up(void **state)
{
	/* There are no sessions. */
	static const struct session_fires fires = {NULL, NULL, NULL};

	(void)state;
	now = 1000;
	are_zeros = false;
	memset(&told, 0, sizeof told);
	if (uv_loop_init(&loop) != 0)
		return -1;
	sessions_init(&sessions, clock_now, &now, &fires);
	backlog_max = SIZE_MAX;
	peers_init(&peers, &loop, &sessions, &calls, NULL, &backlog_max);
	arrive();
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	peers_clear(&peers);
	if (other != -1)
		close(other);
	other = -1;
	uv_run(&loop, UV_RUN_NOWAIT);
	sessions_clear(&sessions);
	return uv_loop_close(&loop);
}

/* 0 says that there is no link, so no link may have it. */
static void
test_link_id(void **state)
{
	(void)state;
	are_zeros = true;
	arrive();
	assert_int_not_equal(peer->link_id, 0);
	peer_drop(peer);
	peer = LIST_FIRST(&peers.list);
	close(other);
}

static void
test_messages(void **state)
{
	(void)state;
	assert_int_equal(peer->state, PEER_GREETING);
	SAY(WRITTEN WRITTEN);
	assert_int_equal(told.messages, 2);
	assert_int_equal(told.gones, 0);
}

static void
test_bad_message(void **state)
{
	(void)state;
	told.status = -1;
	capture_begin_later();
	SAY(WRITTEN WRITTEN);
	assert_non_null(strstr(capture_end(), "breaks the protocol"));
	assert_int_equal(told.messages, 1);
	assert_int_equal(told.gones, 1);
	assert_true(LIST_EMPTY(&peers.list));
	assert_int_equal(hear(), -1);
}

/* That is no error. */
static void
test_closed(void **state)
{
	(void)state;
	close(other);
	other = -1;
	capture_begin_later();
	uv_run(&loop, UV_RUN_NOWAIT);
	assert_string_equal(capture_end(), "");
	assert_int_equal(told.gones, 1);
	assert_true(LIST_EMPTY(&peers.list));
}

/* What is composed leaves with the flush, once. */
static void
test_flush(void **state)
{
	(void)state;
	assert_false(peers_flush(&peers));
	buffer_append_str(peer_output(peer), "one");
	buffer_append_str(peer_output(peer), "two");
	assert_int_equal(hear(), 0);
	assert_true(peers_flush(&peers));
	assert_int_equal(hear(), 6);
	assert_false(peers_flush(&peers));
	assert_int_equal(hear(), 0);
}

/* Something that did not get memory is missing in it: the peer cannot go on. */
static void
test_failed_output(void **state)
{
	(void)state;
	peer_output(peer)->failed = true;
	assert_false(buffer_failed(peer_output(peer)));
	buffer_append_str(peer_output(peer), "later");
	peers_flush(&peers);
	assert_int_equal(hear(), -1);
	uv_run(&loop, UV_RUN_NOWAIT);
	assert_int_equal(told.gones, 1);
}

/* One that was dropped with something to write is not written to. */
static void
test_dropped_while_marked(void **state)
{
	(void)state;
	buffer_append_str(peer_output(peer), "one");
	peer_drop(peer);
	assert_int_equal(told.gones, 1);
	assert_false(peers_flush(&peers));
	assert_int_equal(hear(), -1);
}

static void
test_greeting_wait(void **state)
{
	(void)state;
	timers_run(&sessions.timers, now + PEER_GREETING_WAIT - 1);
	assert_int_equal(told.gones, 0);
	timers_run(&sessions.timers, now + PEER_GREETING_WAIT);
	assert_int_equal(told.gones, 1);
	assert_int_equal(hear(), -1);
}

static void
test_open(void **state)
{
	(void)state;
	peer_open(peer);
	assert_int_equal(peer->state, PEER_OPEN);
	timers_run(&sessions.timers, now + 10 * PEER_GREETING_WAIT);
	assert_int_equal(told.gones, 0);
}

/* Our end closes when nothing is held; the other end may still speak. */
static void
test_leave(void **state)
{
	(void)state;
	peer_open(peer);
	peer->requests.count = 1;
	buffer_append_str(peer_output(peer), "bye");
	peer_leave(peer);
	peers_flush(&peers);
	assert_int_equal(hear(), 3);
	assert_int_equal(hear(), 0);
	peer->requests.count = 0;
	peer_mark(peer);
	assert_true(peers_flush(&peers));
	assert_int_equal(hear(), -1);
	SAY(WRITTEN);
	assert_int_equal(told.messages, 1);
	assert_int_equal(told.gones, 0);
}

/* One more byte than may come; after it was raised, it may. It does not sink. */
static void
test_payload_max(void **state)
{
	/* SEND, of 8 MiB + 1 */
	static const char head[] = "\0\x80\0\1\0\x21\0\0\0\0\0\0\0\0\0\1";

	(void)state;
	peers_raise_payload_max(&peers, WIRE_OVERHEAD_MAX + 1);
	peers_raise_payload_max(&peers, 1);
	peer_open(peer);
	SAY(head);
	assert_int_equal(told.gones, 0);
	arrive();
	peer_open(peer);
	SAY(head);
	assert_int_equal(told.gones, 0);
	peer_drop(peer);
	peer = LIST_FIRST(&peers.list);
	peers.payload_max = WIRE_OVERHEAD_MAX;
	close(other);
	peer_drop(peer);
	arrive();
	peer_open(peer);
	capture_begin_later();
	SAY(head);
	capture_end();
	assert_true(LIST_EMPTY(&peers.list));
}

/* Before it has greeted it cannot make the daemon keep much. */
static void
test_greeting_max(void **state)
{
	(void)state;
	capture_begin_later();
	SAY("\0\0\4\1\0\1\0\0\0\0\0\0\0\0\0\0"); /* HELLO, of 1025 bytes */
	assert_non_null(strstr(capture_end(), "breaks the protocol"));
	assert_true(LIST_EMPTY(&peers.list));
	assert_int_equal(hear(), -1);
}

/* Nothing is read of it, and nothing is kept. */
static void
test_turned_away(void **state)
{
	struct peer *first = peer;
	int former = other;

	(void)state;
	told.turns_away = true;
	arrive();
	assert_ptr_equal(peer, first);
	assert_int_equal(peers.count, 1);
	assert_int_equal(hear(), -1);
	close(other);
	other = former;
}

/* The one that does not read is dropped, and nobody else. */
static void
test_backlog(void **state)
{
	static char much[1 << 20];
	struct peer *slow = peer;
	int former = other;

	(void)state;
	backlog_max = sizeof much / 2;
	buffer_append(peer_output(slow), much, sizeof much / 2);
	arrive();
	buffer_append_str(peer_output(peer), "one");
	peers_flush(&peers);
	assert_int_equal(hear(), 3);
	assert_int_equal(told.gones, 0);
	peer = slow;
	buffer_append(peer_output(slow), much, sizeof much);
	capture_begin_later();
	peers_flush(&peers);
	assert_non_null(strstr(capture_end(), "local_backlog (524288 bytes) reached: responder 0"));
	assert_int_equal(told.gones, 1);
	assert_int_equal(peers.count, 1);
	peer = LIST_FIRST(&peers.list);
	close(former);
}

/* Room is made among those that have not greeted, the oldest first. */
static void
test_drop_silent(void **state)
{
	struct peer *first = peer, *second;
	int fds[2] = {other, -1};

	(void)state;
	arrive();
	second = peer;
	fds[1] = other;
	assert_int_equal(peers.count, 2);
	peer = first;
	assert_true(peers_drop_silent(&peers));
	other = fds[0];
	assert_int_equal(hear(), -1);
	close(other);
	other = fds[1];
	peer = second;
	peer_open(peer);
	assert_false(peers_drop_silent(&peers));
	assert_int_equal(peers.count, 1);
	assert_int_equal(hear(), 0);
}

/* A descriptor that is no write log ends the connection. */
static void
test_descriptor(void **state)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {.header = {.cmsg_len = CMSG_LEN(sizeof(int)),
			 .cmsg_level = SOL_SOCKET,
			 .cmsg_type = SCM_RIGHTS}};
	struct iovec part = {(char[]){0}, 1};
	struct msghdr message = {.msg_iov = &part,
	    .msg_iovlen = 1,
	    .msg_control = control.bytes,
	    .msg_controllen = sizeof control.bytes};
	int fd = STDIN_FILENO;

	(void)state;
	memcpy(CMSG_DATA(&control.header), &fd, sizeof fd);
	assert_int_equal(sendmsg(other, &message, MSG_NOSIGNAL), 1);
	capture_begin_later();
	uv_run(&loop, UV_RUN_NOWAIT);
	assert_non_null(strstr(capture_end(), "a descriptor that is not expected"));
	assert_int_equal(told.gones, 1);
	assert_int_equal(hear(), -1);
}

#define PEER_TEST(name) cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    PEER_TEST(link_id),
	    PEER_TEST(messages),
	    PEER_TEST(bad_message),
	    PEER_TEST(closed),
	    PEER_TEST(flush),
	    PEER_TEST(failed_output),
	    PEER_TEST(dropped_while_marked),
	    PEER_TEST(greeting_wait),
	    PEER_TEST(open),
	    PEER_TEST(leave),
	    PEER_TEST(payload_max),
	    PEER_TEST(greeting_max),
	    PEER_TEST(turned_away),
	    PEER_TEST(backlog),
	    PEER_TEST(drop_silent),
	    PEER_TEST(descriptor),
	};

	log_open("test_peer", SEVERITY_ERROR);
	return cmocka_run_group_tests_name("peer", tests, NULL, NULL);
}
