/*
 * wire/link.h: one end is a link, the other a bare socket in the hands of the test.
 */
#include "wire/link.h"

#include "wire/wire_messages.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* What the link has told its owner, and what the owner answers. */
static struct told {
	unsigned messages, batches, gones, descriptors;
	uint64_t last_request;
	uint32_t last_length;
	char last_byte;
	bool is_broken;
	char why[100];
	/* The owner's: */
	int status;    /* of the message callback */
	bool destroys; /* the link, in the callback */
	bool refuses;  /* the descriptor */
} told;

static uv_loop_t loop;
static struct link *end;
static int other = -1;

/* --- the owner -------------------------------------------------------------------------------- */

static int
on_message(void *context, const struct wire_header *header, const char *payload)
{
	assert_ptr_equal(context, &told);
	told.messages++;
	if (told.destroys)
		link_destroy(&end);
	told.last_request = header->request;
	told.last_length = header->length;
	told.last_byte = header->length == 0 ? '\0' : payload[header->length - 1];
	return told.status;
}

static void
on_taken(void *context)
{
	assert_ptr_equal(context, &told);
	told.batches++;
}

static void
on_gone(void *context, bool is_broken, const char *why)
{
	assert_ptr_equal(context, &told);
	told.gones++;
	told.is_broken = is_broken;
	snprintf(told.why, sizeof told.why, "%s", why);
	if (told.destroys)
		link_destroy(&end);
}

static bool
on_descriptor(void *context, int fd)
{
	assert_ptr_equal(context, &told);
	assert_true(fd >= 0);
	told.descriptors++;
	return !told.refuses;
}

static const struct link_calls calls = {on_message, on_taken, on_descriptor, on_gone};
static const struct link_calls calls_without = {on_message, on_taken, NULL, on_gone};

/* --- the other end ---------------------------------------------------------------------------- */

static void
turn(void)
{
	uv_run(&loop, UV_RUN_NOWAIT);
}

static void
say(const char *bytes, size_t len)
{
	assert_int_equal(send(other, bytes, len, MSG_NOSIGNAL), len);
}

/* All that has been written to it so far. */
static size_t
hear(char *to, size_t room)
{
	ssize_t n = recv(other, to, room, MSG_DONTWAIT);

	if (n == -1)
		assert_int_equal(errno, EAGAIN);
	return n == -1 ? 0 : (size_t)n;
}

/* As many descriptors as given, with one byte. */
static void
say_descriptors(const char *byte, const int *fds, size_t count)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(4 * sizeof(int))];
	} control = {.header = {.cmsg_len = CMSG_LEN(count * sizeof(int)),
			 .cmsg_level = SOL_SOCKET,
			 .cmsg_type = SCM_RIGHTS}};
	struct iovec part = {(void *)(uintptr_t)byte, 1};
	struct msghdr message = {.msg_iov = &part,
	    .msg_iovlen = 1,
	    .msg_control = control.bytes,
	    .msg_controllen = CMSG_SPACE(count * sizeof(int))};

	memcpy(CMSG_DATA(&control.header), fds, count * sizeof(int));
	assert_int_equal(sendmsg(other, &message, MSG_NOSIGNAL), 1);
}

static unsigned
open_descriptors(void)
{
	DIR *folder = opendir("/proc/self/fd");
	unsigned count = 0;

	assert_non_null(folder);
	while (readdir(folder) != NULL)
		count++;
	closedir(folder);
	return count;
}

static int
set_up(void **state)
{
	int fds[2];

	(void)state;
	told = (struct told){0};
	if (uv_loop_init(&loop) != 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) != 0)
		return -1;
	other = fds[1];
	end = link_create(&loop, fds[0], WIRE_RESPONDER, 1000, &calls, &told);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	link_destroy(&end);
	assert_null(end);
	link_destroy(&end);
	if (other != -1)
		close(other);
	turn();
	return uv_loop_close(&loop);
}

/* --- reading ---------------------------------------------------------------------------------- */

static void
test_messages_of_one_read(void **state)
{
	struct buffer bytes = BUFFER_INIT;

	(void)state;
	wire_encode_abort(&bytes, 1, 0);
	wire_encode_goodbye(&bytes, "bye");
	wire_encode_written(&bytes, 7);
	say(bytes.data, bytes.len);
	turn();
	assert_int_equal(told.messages, 3);
	assert_int_equal(told.batches, 1);
	assert_int_equal(told.last_request, 7);
	assert_int_equal(told.gones, 0);
	buffer_free(&bytes);
}

static void
test_byte_by_byte(void **state)
{
	struct buffer bytes = BUFFER_INIT;

	(void)state;
	wire_encode_goodbye(&bytes, "bye");
	wire_encode_written(&bytes, 2);
	for (size_t i = 0; i < bytes.len; i++) {
		assert_int_equal(told.messages, i >= bytes.len - WIRE_HEADER_SIZE);
		say(bytes.data + i, 1);
		turn();
	}
	assert_int_equal(told.messages, 2);
	assert_int_equal(told.last_request, 2);
	buffer_free(&bytes);
}

/* More than one read takes. */
static void
test_large_message(void **state)
{
	struct buffer bytes = BUFFER_INIT;
	size_t mark, sent = 0;
	ssize_t n;

	(void)state;
	link_set_payload_max(end, 1 << 20);
	wire_begin(&bytes, WIRE_SEND, 0, 5, &mark);
	for (size_t i = 0; i < 1 << 20; i++)
		buffer_append_char(&bytes, i + 1 == 1 << 20 ? '!' : '.');
	assert_int_equal(wire_end(&bytes, mark), 0);
	while (sent < bytes.len) {
		n = send(other, bytes.data + sent, bytes.len - sent, MSG_NOSIGNAL);
		if (n > 0)
			sent += (size_t)n;
		assert_int_equal(told.messages, 0);
		turn();
	}
	for (int i = 0; i < 100 && told.messages == 0; i++)
		turn();
	assert_int_equal(told.messages, 1);
	assert_int_equal(told.last_length, 1 << 20);
	assert_int_equal(told.last_byte, '!');
	buffer_free(&bytes);
}

/* --- the end ---------------------------------------------------------------------------------- */

static void
check_broken(const char *bytes, size_t len, const char *why)
{
	say(bytes, len);
	turn();
	assert_int_equal(told.gones, 1);
	assert_true(told.is_broken);
	assert_string_equal(told.why, why);
	/* It is over: nothing of what comes is looked at, and nothing is written. */
	wire_encode_sent(link_output(end), 1, WIRE_SENT_OK);
	link_flush(end);
	assert_int_equal(send(other, bytes, len, MSG_NOSIGNAL), len);
	turn();
	assert_int_equal(told.gones, 1);
	assert_int_equal(hear((char[100]){0}, 100), 0);
}

#define BYTES(literal) (literal), sizeof(literal) - 1

static void
test_unknown_type(void **state)
{
	(void)state;
	check_broken(BYTES("\0\0\0\0\0\x99\0\0\0\0\0\0\0\0\0\1"),
	    "bad message unknown: unknown type of message");
	assert_int_equal(told.messages, 0);
}

/* One byte more than is allowed; it is found before the payload is there. */
static void
test_oversized(void **state)
{
	(void)state;
	check_broken(
	    BYTES("\0\0\x03\xe9\0\x21\0\0\0\0\0\0\0\0\0\1"), "bad message SEND: message too long");
	assert_int_equal(told.messages, 0);
}

static void
test_wrong_role(void **state)
{
	(void)state;
	check_broken(BYTES("\0\0\0\1\0\x31\0\0\0\0\0\0\0\0\0\1\0"),
	    "bad message SENT: message that this peer may not send");
	assert_int_equal(told.messages, 0);
}

/* The owner does not take it; those behind it are not given to it. */
static void
test_refused_by_owner(void **state)
{
	(void)state;
	told.status = -1;
	check_broken(BYTES("\0\0\0\0\0\x23\0\0\0\0\0\0\0\0\0\1"
			   "\0\0\0\0\0\x23\0\0\0\0\0\0\0\0\0\2"),
	    "bad message WRITTEN");
	assert_int_equal(told.messages, 1);
	assert_int_equal(told.batches, 0);
}

/* What came before the end is taken first. */
static void
test_closed(void **state)
{
	(void)state;
	say(BYTES("\0\0\0\0\0\x23\0\0\0\0\0\0\0\0\0\1\0\0"));
	close(other);
	other = -1;
	turn();
	turn();
	assert_int_equal(told.messages, 1);
	assert_int_equal(told.gones, 1);
	assert_false(told.is_broken);
	assert_string_equal(told.why, "it closed the connection");
}

/* A write fails: the owner hears of it from the loop, not from the write. */
static void
test_write_fails(void **state)
{
	(void)state;
	close(other);
	other = -1;
	wire_encode_sent(link_output(end), 1, WIRE_SENT_OK);
	link_flush(end);
	assert_int_equal(link_output(end)->len, 0);
	assert_int_equal(told.gones, 0);
	turn();
	assert_int_equal(told.gones, 1);
	assert_false(told.is_broken);
}

/* The payload is looked at after that; the second message is not given to anybody. */
static void
test_destroyed_in_message(void **state)
{
	(void)state;
	told.destroys = true;
	say(BYTES("\0\0\0\5\0\x02\0\0\0\0\0\0\0\0\0\0\0\2by\0"
		  "\0\0\0\0\0\x23\0\0\0\0\0\0\0\0\0\2"));
	turn();
	assert_null(end);
	assert_int_equal(told.messages, 1);
	assert_int_equal(told.last_length, 5);
	assert_int_equal(told.batches, 0);
	assert_int_equal(told.gones, 0);
}

static void
test_destroyed_in_gone(void **state)
{
	unsigned before = open_descriptors();

	(void)state;
	told.destroys = true;
	say(BYTES("\0\0\0\0\0\x99\0\0\0\0\0\0\0\0\0\1"));
	turn();
	assert_null(end);
	assert_int_equal(told.gones, 1);
	assert_int_equal(open_descriptors(), before - 1);
}

/* --- writing ---------------------------------------------------------------------------------- */

/* Nothing leaves before the owner says so. */
static void
test_flush(void **state)
{
	char got[100];

	(void)state;
	wire_encode_sent(link_output(end), 1, WIRE_SENT_OK);
	wire_encode_sent(link_output(end), 2, WIRE_SENT_OK);
	turn();
	assert_int_equal(hear(got, sizeof got), 0);
	link_flush(end);
	assert_int_equal(hear(got, sizeof got), 2 * (WIRE_HEADER_SIZE + 1));
	assert_int_equal(link_output(end)->len, 0);
}

/* More than the socket takes: the rest leaves as soon as there is room, without another flush. */
static void
test_partial_writes(void **state)
{
	enum { SIZE = 1 << 20 };
	char *sent = malloc(SIZE), *got = malloc(SIZE);
	size_t len = 0;

	(void)state;
	assert_non_null(sent);
	assert_non_null(got);
	for (size_t i = 0; i < SIZE; i++)
		sent[i] = (char)(i * 7 + i / 256);
	buffer_append(link_output(end), sent, SIZE);
	link_flush(end);
	assert_true(link_output(end)->len > 0);
	while (link_output(end)->len > 0) {
		len += hear(got + len, SIZE - len);
		turn();
	}
	len += hear(got + len, SIZE - len);
	while (len < SIZE)
		len += hear(got + len, SIZE - len);
	assert_memory_equal(got, sent, SIZE);
	free(sent);
	free(got);
}

static void
count_turn(uv_check_t *check)
{
	++*(unsigned *)check->data;
}

static void
stop_loop(uv_timer_t *timer)
{
	uv_stop(timer->loop);
}

/* A socket with room is not watched for room: the loop would turn without an end. */
static void
test_watches_for_room_only_when_blocked(void **state)
{
	unsigned turns = 0;
	uv_check_t check = {.data = &turns};
	uv_timer_t timer;

	(void)state;
	wire_encode_sent(link_output(end), 1, WIRE_SENT_OK);
	link_flush(end);
	uv_check_init(&loop, &check);
	uv_check_start(&check, count_turn);
	uv_timer_init(&loop, &timer);
	uv_timer_start(&timer, stop_loop, 20, 0);
	uv_run(&loop, UV_RUN_DEFAULT);
	/* The timer's, and one or two that the loop needs for itself. */
	assert_true(turns <= 3);
	uv_close((uv_handle_t *)&check, NULL);
	uv_close((uv_handle_t *)&timer, NULL);
	turn();
}

/* The other end hears of it when everything is written, not before. */
static void
test_finish(void **state)
{
	enum { SIZE = 1 << 20 };
	char *got = malloc(SIZE);
	size_t len = 0;
	ssize_t n;

	(void)state;
	assert_non_null(got);
	assert_non_null(buffer_reserve(link_output(end), SIZE));
	memset(link_output(end)->data, 'x', SIZE);
	buffer_added(link_output(end), SIZE);
	link_finish(end);
	assert_true(link_output(end)->len > 0);
	while ((n = recv(other, got, SIZE, MSG_DONTWAIT)) != 0) {
		if (n > 0)
			len += (size_t)n;
		turn();
	}
	assert_int_equal(len, SIZE);
	/* The other direction is open. */
	say(BYTES("\0\0\0\0\0\x23\0\0\0\0\0\0\0\0\0\1"));
	turn();
	assert_int_equal(told.messages, 1);
	free(got);
}

/* --- descriptors ------------------------------------------------------------------------------ */

/* The same file has the same number. */
static ino_t
inode_of(int fd)
{
	struct stat status;

	assert_int_equal(fstat(fd, &status), 0);
	return status.st_ino;
}

static void
test_receives_a_descriptor(void **state)
{
	int fds[2], first, before;

	(void)state;
	assert_int_equal(link_received_descriptor(end), -1);
	assert_int_equal(pipe(fds), 0);
	before = (int)open_descriptors();
	say_descriptors("\0", fds, 1);
	turn();
	first = link_received_descriptor(end);
	assert_int_not_equal(first, -1);
	assert_int_equal(inode_of(first), inode_of(fds[0]));
	assert_int_equal(fcntl(first, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	assert_int_equal(told.descriptors, 1);
	/* Bytes alone change nothing. */
	say("\0", 1);
	turn();
	assert_int_not_equal(link_received_descriptor(end), -1);
	/* Another one, later, is not expected. */
	say_descriptors("\0", fds + 1, 1);
	turn();
	assert_int_equal(open_descriptors(), before + 1);
	assert_int_equal(told.descriptors, 1);
	assert_int_equal(told.gones, 1);
	assert_true(told.is_broken);
	assert_string_equal(told.why, "a descriptor that is not expected");
	link_destroy(&end);
	assert_int_equal(open_descriptors(), before - 1);
	close(fds[0]);
	close(fds[1]);
}

/* The link is over, and no descriptor is left of it. before: how many there were, with it. */
static void
assert_descriptors_refused(unsigned before)
{
	turn();
	assert_int_equal(told.gones, 1);
	assert_true(told.is_broken);
	assert_string_equal(told.why, "a descriptor that is not expected");
	assert_int_equal(told.messages, 0);
	link_destroy(&end);
	assert_int_equal(open_descriptors(), before - 1);
}

static void
test_refuses_many_descriptors(void **state)
{
	int fds[4] = {0, 0, 0, 0};
	unsigned before = open_descriptors();

	(void)state;
	say_descriptors("\0", fds, 2);
	say_descriptors("\0", fds, 4);
	assert_descriptors_refused(before);
}

static void
test_owner_refuses_descriptor(void **state)
{
	int fd = 0;
	unsigned before = open_descriptors();

	(void)state;
	told.refuses = true;
	say_descriptors("\0", &fd, 1);
	assert_descriptors_refused(before);
}

/* After the first bytes, and from an end that has none to give. */
static void
test_unexpected_descriptor(void **state)
{
	int fd = 0;
	unsigned before = open_descriptors();

	(void)state;
	say("\0", 1);
	turn();
	say_descriptors("\0", &fd, 1);
	assert_descriptors_refused(before);
}

static void
test_descriptor_of_nobody(void **state)
{
	int fd = 0, fds[2];
	unsigned before = open_descriptors();

	(void)state;
	link_destroy(&end);
	close(other);
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
	other = fds[1];
	end = link_create(&loop, fds[0], WIRE_DAEMON, 1000, &calls_without, &told);
	say_descriptors("\0", &fd, 1);
	assert_descriptors_refused(before);
}

static void
test_sends_a_descriptor(void **state)
{
	struct told mine = told;
	struct link *taker;
	int fds[2];

	(void)state;
	taker = link_create(&loop, other, WIRE_RESPONDER, 1000, &calls, &told);
	other = -1;
	assert_int_equal(pipe(fds), 0);
	link_send_descriptor(end, fds[0]);
	wire_encode_written(link_output(end), 1);
	link_flush(end);
	/* It has left, and does not leave again. */
	close(fds[0]);
	wire_encode_written(link_output(end), 2);
	link_flush(end);
	/* A read ends where a descriptor does. */
	turn();
	turn();
	assert_int_equal(told.messages, mine.messages + 2);
	assert_int_equal(inode_of(link_received_descriptor(taker)), inode_of(fds[1]));
	close(fds[1]);
	link_destroy(&taker);
}

static void
test_peer_user(void **state)
{
	uid_t user = getuid() + 1;

	(void)state;
	assert_int_equal(link_peer_user(other, &user), 0);
	assert_int_equal(user, getuid());
}

#define LINK_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    LINK_TEST(test_messages_of_one_read),
	    LINK_TEST(test_byte_by_byte),
	    LINK_TEST(test_large_message),
	    LINK_TEST(test_unknown_type),
	    LINK_TEST(test_oversized),
	    LINK_TEST(test_wrong_role),
	    LINK_TEST(test_refused_by_owner),
	    LINK_TEST(test_closed),
	    LINK_TEST(test_write_fails),
	    LINK_TEST(test_destroyed_in_message),
	    LINK_TEST(test_destroyed_in_gone),
	    LINK_TEST(test_flush),
	    LINK_TEST(test_partial_writes),
	    LINK_TEST(test_watches_for_room_only_when_blocked),
	    LINK_TEST(test_finish),
	    LINK_TEST(test_receives_a_descriptor),
	    LINK_TEST(test_refuses_many_descriptors),
	    LINK_TEST(test_owner_refuses_descriptor),
	    LINK_TEST(test_unexpected_descriptor),
	    LINK_TEST(test_descriptor_of_nobody),
	    LINK_TEST(test_sends_a_descriptor),
	    LINK_TEST(test_peer_user),
	};

	return cmocka_run_group_tests_name("link", tests, NULL, NULL);
}
