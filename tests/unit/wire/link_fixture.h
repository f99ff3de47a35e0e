/*
 * For the tests of wire/link.h: one end is a link, the other a bare socket in the hands of the
 * test.
 */
#ifndef TESTS_LINK_FIXTURE_H
#define TESTS_LINK_FIXTURE_H

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
	int descriptor; /* the last */
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

static inline int
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

static inline void
on_taken(void *context)
{
	assert_ptr_equal(context, &told);
	told.batches++;
}

static inline void
on_gone(void *context, bool is_broken, const char *why)
{
	assert_ptr_equal(context, &told);
	told.gones++;
	told.is_broken = is_broken;
	snprintf(told.why, sizeof told.why, "%s", why);
	if (told.destroys)
		link_destroy(&end);
}

static inline bool
on_descriptor(void *context, int fd)
{
	assert_ptr_equal(context, &told);
	assert_true(fd >= 0);
	told.descriptors++;
	told.descriptor = fd;
	return !told.refuses;
}

static const struct link_calls calls = {on_message, on_taken, on_descriptor, on_gone};
static const struct link_calls calls_without = {on_message, on_taken, NULL, on_gone};

/* --- the other end ---------------------------------------------------------------------------- */

static inline void
turn(void)
{
	uv_run(&loop, UV_RUN_NOWAIT);
}

static inline void
say(const char *bytes, size_t len)
{
	assert_int_equal(send(other, bytes, len, MSG_NOSIGNAL), len);
}

/* All that has been written to it so far. */
static inline size_t
hear(char *to, size_t room)
{
	ssize_t n = recv(other, to, room, MSG_DONTWAIT);

	if (n == -1)
		assert_int_equal(errno, EAGAIN);
	return n == -1 ? 0 : (size_t)n;
}

/* As many descriptors as given, with one byte. */
static inline void
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

static inline unsigned
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

static inline int
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

static inline int
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

#define LINK_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
