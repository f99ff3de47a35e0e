/*
 * sessiond/system/newcomers.h: the first byte tells what a connection is, and stays in the
 * socket.
 */
#include "sessiond/system/newcomers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

static uv_loop_t loop;
static struct timers timers;
static struct newcomers newcomers;
static int other = -1;

/* The last that was recognised. */
static struct {
	unsigned count;
	int fd;
	char first;
} recognised;

static void
on_recognised(void *context, int fd, char first)
{
	assert_ptr_equal(context, &recognised);
	recognised.count++;
	recognised.fd = fd;
	recognised.first = first;
}

static void
arrive(void)
{
	int fds[2];

	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
	newcomers_add(&newcomers, fds[0], 0);
	other = fds[1];
}

static void
turn(void)
{
	uv_run(&loop, UV_RUN_NOWAIT);
}

static void
assert_recognised(char first)
{
	uint64_t deadline;
	char byte;

	assert_int_equal(recognised.count, 1);
	assert_false(timers_next(&timers, &deadline));
	assert_int_equal(recognised.first, first);
	assert_int_equal(recv(recognised.fd, &byte, 1, 0), 1);
	assert_int_equal(byte, first);
	assert_true(LIST_EMPTY(&newcomers.list));
	close(recognised.fd);
}

static void
assert_closed(void)
{
	char byte;

	assert_int_equal(recv(other, &byte, 1, 0), 0);
	assert_int_equal(recognised.count, 0);
	assert_true(LIST_EMPTY(&newcomers.list));
}

static int
set_up(void **state)
{
	(void)state;
	recognised.count = 0;
	if (uv_loop_init(&loop) != 0)
		return -1;
	timers_init(&timers);
	newcomers_init(&newcomers, &loop, &timers, on_recognised, &recognised);
	arrive();
	turn();
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	newcomers_clear(&newcomers);
	if (other != -1)
		close(other);
	other = -1;
	turn();
	return uv_loop_close(&loop);
}

static void
test_peer(void **state)
{
	(void)state;
	assert_int_equal(recognised.count, 0);
	assert_int_equal(send(other, "\0\0", 2, 0), 2);
	turn();
	assert_recognised('\0');
}

static void
test_http(void **state)
{
	(void)state;
	assert_int_equal(send(other, "GET", 3, 0), 3);
	turn();
	assert_recognised('G');
}

/* It leaves without a word. */
static void
test_nothing(void **state)
{
	(void)state;
	close(other);
	other = -1;
	turn();
	assert_int_equal(recognised.count, 0);
	assert_true(LIST_EMPTY(&newcomers.list));
}

static void
test_silence(void **state)
{
	char byte;

	(void)state;
	timers_run(&timers, NEWCOMER_WAIT - 1);
	assert_int_equal(recv(other, &byte, 1, 0), -1);
	assert_int_equal(errno, EAGAIN);
	timers_run(&timers, NEWCOMER_WAIT);
	assert_closed();
}

/* The byte is there, although the loop has not seen it. */
static void
test_dismissed_with_a_byte(void **state)
{
	(void)state;
	assert_int_equal(send(other, "G", 1, 0), 1);
	newcomers_dismiss(&newcomers);
	assert_recognised('G');
}

/* Room is made by closing the oldest that has said nothing; one that has is recognised. */
static void
test_dismissed_oldest(void **state)
{
	int first = other, second;
	char byte;

	(void)state;
	arrive();
	second = other;
	arrive();
	assert_int_equal(newcomers.count, 3);
	assert_int_equal(send(first, "G", 1, 0), 1);
	assert_true(newcomers_dismiss_oldest(&newcomers));
	assert_int_equal(recognised.count, 1);
	close(recognised.fd);
	assert_int_equal(recv(second, &byte, 1, 0), 0);
	assert_int_equal(recv(other, &byte, 1, 0), -1);
	assert_int_equal(newcomers.count, 1);
	assert_true(newcomers_dismiss_oldest(&newcomers));
	assert_false(newcomers_dismiss_oldest(&newcomers));
	assert_int_equal(newcomers.count, 0);
	close(first);
	close(second);
}

static void
test_dismissed(void **state)
{
	(void)state;
	newcomers_dismiss(&newcomers);
	assert_closed();
}

#define NEWCOMERS_TEST(name) cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    NEWCOMERS_TEST(peer),
	    NEWCOMERS_TEST(http),
	    NEWCOMERS_TEST(nothing),
	    NEWCOMERS_TEST(silence),
	    NEWCOMERS_TEST(dismissed_with_a_byte),
	    NEWCOMERS_TEST(dismissed),
	    NEWCOMERS_TEST(dismissed_oldest),
	};

	return cmocka_run_group_tests_name("newcomers", tests, NULL, NULL);
}
