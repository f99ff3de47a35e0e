/*
 * wire/write_log.h: what a responder notes, and what is seen of it by the process that was given
 * the descriptor.
 */
#include "wire/write_log.h"

#include <fcntl.h>

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
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
be_responder(struct write_log *log)
{
	write_log_put(log, 77);
	raise(SIGKILL);
}

static void
test_outlives_its_writer(void **state)
{
	struct write_log log;
	int status;
	pid_t child;

	(void)state;
	write_log_create(&log);
	child = fork();
	assert_int_not_equal(child, -1);
	if (child == 0)
		be_responder(&log);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	assert_true(write_log_has(log.fd, 77));
	assert_false(write_log_has(log.fd, 78));
	write_log_destroy(&log);
}

/* What a peer gives may be anything. */
static void
test_other_descriptors(void **state)
{
	char name[] = "/tmp/test_write_log.XXXXXX";
	int ends[2], file;

	(void)state;
	/* A pipe would be waited for. */
	assert_int_equal(pipe(ends), 0);
	assert_false(write_log_is_log(ends[0]));
	assert_false(write_log_has(ends[0], 1));
	close(ends[0]);
	close(ends[1]);
	/* Too short. */
	file = mkstemp(name);
	assert_int_not_equal(file, -1);
	unlink(name);
	assert_int_equal(write(file, "\1\0\0\0\0\0\0\0", 8), 8);
	assert_false(write_log_has(file, 1));
	close(file);
}

enum { LOG_SIZE = 8192 };

/* A file in memory with that size and those seals. */
static int
memory_file(off_t size, int seals)
{
	int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_int_not_equal(fd, -1);
	assert_int_equal(ftruncate(fd, size), 0);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

/* Only memory of that size that cannot shrink is read without a wait, and to its end. */
static void
test_is_log(void **state)
{
	static const struct {
		off_t size;
		int seals;
		bool is_log;
	} files[] = {
	    {LOG_SIZE, F_SEAL_SHRINK, true},
	    {LOG_SIZE, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL, true},
	    {LOG_SIZE, 0, false},
	    {LOG_SIZE, F_SEAL_GROW, false},
	    {LOG_SIZE - 1, F_SEAL_SHRINK, false},
	    {LOG_SIZE + 1, F_SEAL_SHRINK, false},
	    {0, F_SEAL_SHRINK, false},
	};
	char name[] = "/tmp/test_write_log.XXXXXX";
	struct write_log log;
	int fd;

	(void)state;
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		fd = memory_file(files[i].size, files[i].seals);
		assert_int_equal(write_log_is_log(fd), files[i].is_log);
		close(fd);
	}
	/* A file elsewhere may lie behind a slow network. */
	fd = mkstemp(name);
	unlink(name);
	assert_int_equal(ftruncate(fd, LOG_SIZE), 0);
	assert_false(write_log_is_log(fd));
	close(fd);
	write_log_create(&log);
	assert_true(write_log_is_log(log.fd));
	assert_int_equal(ftruncate(log.fd, 0), -1);
	write_log_destroy(&log);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_put),
	    cmocka_unit_test(test_none),
	    cmocka_unit_test(test_outlives_its_writer),
	    cmocka_unit_test(test_other_descriptors),
	    cmocka_unit_test(test_is_log),
	};

	return cmocka_run_group_tests_name("write_log", tests, NULL, NULL);
}
