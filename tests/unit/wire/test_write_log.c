/*
 * wire/write_log.h: what a responder notes, and what is seen of it by the process that was given the descriptor.
 */
#include "wire/write_log.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void
test_put(void **state)
{
	struct write_log log;
	uint64_t id;

	(void)state;
	write_log_create(&log);
	assert_int_not_equal(log.fd, -1);
	assert_false(write_log_has(log.fd, 1));
	assert_false(write_log_has(log.fd, 0));
	for (id = 1; id <= 3 * WRITE_LOG_ENTRIES; id++) {
		write_log_put(&log, id);
		assert_true(write_log_has(log.fd, id));
		assert_int_equal(
		    write_log_has(log.fd, id - WRITE_LOG_ENTRIES + 1), id >= WRITE_LOG_ENTRIES);
		assert_false(write_log_has(log.fd, id - WRITE_LOG_ENTRIES));
	}
	write_log_take_back(&log);
	assert_false(write_log_has(log.fd, id - 1));
	assert_true(write_log_has(log.fd, id - 2));
	write_log_put(&log, UINT64_MAX);
	assert_true(write_log_has(log.fd, UINT64_MAX));
	write_log_destroy(&log);
	assert_int_equal(log.fd, -1);
}

/* Without memory there is none, and nothing happens. */
static void
test_none(void **state)
{
	struct write_log log = {-1, NULL};

	(void)state;
	write_log_put(&log, 1);
	write_log_take_back(&log);
	assert_false(write_log_has(log.fd, 1));
	write_log_destroy(&log);
}

/* In the child: the responder, which is killed right after it has noted something. */
static void
be_responder(int socket)
{
	struct write_log log;

	write_log_create(&log);
	if (write_log_send(&log, socket, "hello", 5) != 5)
		_exit(1);
	write_log_put(&log, 77);
	raise(SIGKILL);
}

static void
test_outlives_its_writer(void **state)
{
	int sockets[2], fd = -1, status;
	char text[16];
	pid_t child;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), 0);
	child = fork();
	assert_int_not_equal(child, -1);
	if (child == 0)
		be_responder(sockets[1]);
	close(sockets[1]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(write_log_receive(sockets[0], text, sizeof text, &fd), 5);
	assert_memory_equal(text, "hello", 5);
	assert_int_not_equal(fd, -1);
	assert_true(write_log_has(fd, 77));
	assert_false(write_log_has(fd, 78));
	assert_int_equal(write_log_receive(sockets[0], text, sizeof text, &fd), 0);
	close(fd);
	close(sockets[0]);
}

/* Bytes without a descriptor, and descriptors of something else. */
static void
test_other_descriptors(void **state)
{
	struct write_log none = {-1, NULL}, pipe_end = {-1, NULL}, file = {-1, NULL};
	char text[16], name[] = "/tmp/test_write_log.XXXXXX";
	int sockets[2], ends[2], fd = -1;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), 0);
	assert_int_equal(write_log_send(&none, sockets[0], "x", 1), 1);
	assert_int_equal(write_log_receive(sockets[1], text, sizeof text, &fd), 1);
	assert_int_equal(fd, -1);
	assert_int_equal(pipe(ends), 0);
	pipe_end.fd = ends[0];
	assert_int_equal(write_log_send(&pipe_end, sockets[0], "x", 1), 1);
	assert_int_equal(write_log_receive(sockets[1], text, sizeof text, &fd), 1);
	assert_int_not_equal(fd, -1);
	assert_false(write_log_has(fd, 1));
	/* Too short. */
	file.fd = mkstemp(name);
	assert_int_not_equal(file.fd, -1);
	unlink(name);
	assert_int_equal(write(file.fd, "\1\0\0\0\0\0\0\0", 8), 8);
	assert_int_equal(write_log_send(&file, sockets[0], "x", 1), 1);
	assert_int_equal(write_log_receive(sockets[1], text, sizeof text, &fd), 1);
	assert_false(write_log_has(fd, 1));
	close(fd);
	close(file.fd);
	close(ends[0]);
	close(ends[1]);
	close(sockets[0]);
	close(sockets[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_put),
	    cmocka_unit_test(test_none),
	    cmocka_unit_test(test_outlives_its_writer),
	    cmocka_unit_test(test_other_descriptors),
	};

	return cmocka_run_group_tests_name("write_log", tests, NULL, NULL);
}
