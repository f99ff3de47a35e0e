/*
 * common/log_output.h: nobody reads what stderr is, and the writer goes on. An alarm ends a test
 * that waits after all.
 */
#include "common/log_output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum {
	LINE = 100,    /* bytes */
	MANY = 10000,  /* lines: more than a pipe and the queue have room for */
	PATIENCE = 60, /* s */
	THREADS = 4,
};

static int ends[2]; /* what is written to [1], stderr, is read from [0] */
static int former_stderr;
static char *got;
static size_t got_len;

/* --- both ends -------------------------------------------------------------------------------- */

static int
use(int result)
{
	former_stderr = dup(STDERR_FILENO);
	got = calloc(1, MANY * LINE + 2 * PIPE_BUF);
	got_len = 0;
	alarm(PATIENCE);
	if (result == -1 || former_stderr == -1 || got == NULL)
		return -1;
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	return dup2(ends[1], STDERR_FILENO) == -1 ? -1 : 0;
}

static int
set_up_pipe(void **state)
{
	(void)state;
	return use(pipe(ends));
}

static int
set_up_stream(void **state)
{
	(void)state;
	return use(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
}

static int
set_up_datagrams(void **state)
{
	(void)state;
	return use(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends));
}

static int
tear_down(void **state)
{
	(void)state;
	dup2(former_stderr, STDERR_FILENO);
	close(former_stderr);
	close(ends[0]);
	close(ends[1]);
	free(got);
	alarm(0);
	return log_output_flush() ? -1 : 0;
}

/* Line `number` of LINE bytes. */
static void
put(unsigned number)
{
	char line[LINE + 1];

	snprintf(line, sizeof line, "%-*u\n", LINE - 1, number);
	log_output_put(line, LINE);
}

/* Reads what is there. */
static void
take(void)
{
	ssize_t n;

	while ((n = read(ends[0], got + got_len, PIPE_BUF)) > 0)
		got_len += (size_t)n;
}

/* Reads all that comes until nothing waits any more. */
static void
take_all(void)
{
	do
		take();
	while (log_output_flush());
	take();
	got[got_len] = '\0';
}

/* What came are the lines from 0, none missing, none in two pieces. Returns how many. */
static unsigned
count_in_order(void)
{
	unsigned n = 0;

	while ((n + 1) * LINE <= got_len && got[n * LINE + LINE - 1] == '\n' &&
	    got[n * LINE] != ' ' && strtoul(got + n * LINE, NULL, 10) == n)
		n++;
	return n;
}

/* --- tests ------------------------------------------------------------------------------------ */

/* Nothing is lost while there is room, and all of it comes in order. */
static void
test_kept(void **state)
{
	unsigned i;

	(void)state;
	for (i = 0; i < 1500; i++)
		put(i);
	errno = ENOENT;
	assert_true(log_output_flush());
	assert_int_equal(errno, ENOENT);
	take_all();
	assert_int_equal(count_in_order(), 1500);
	assert_int_equal(got_len, 1500 * LINE);
}

/* What is too much is counted, at the place where it is missing; then lines come again. */
static void
test_lost(void **state)
{
	unsigned i, written;
	char expected[100], *rest;

	(void)state;
	for (i = 0; i < MANY; i++)
		put(i);
	take_all();
	written = count_in_order();
	assert_true(written * LINE >= LOG_QUEUE_BYTES / 2 && written < MANY);
	rest = got + written * LINE;
	snprintf(expected, sizeof expected, "%u lines are missing here: nobody read the log\n",
	    MANY - written);
	assert_string_equal(rest, expected);
	got_len = 0;
	put(0);
	take_all();
	assert_int_equal(count_in_order(), 1);
}

/* The end waits for a while, and not for ever. */
static void
test_finish(void **state)
{
	unsigned i;

	(void)state;
	for (i = 0; i < 1500; i++)
		put(i);
	log_output_finish();
	assert_true(log_output_flush());
	take_all();
	assert_int_equal(count_in_order(), 1500);
}

static bool
is_blocking(int fd)
{
	return (fcntl(fd, F_GETFL) & O_NONBLOCK) == 0;
}

/* Others have the same stderr: they find it as it was. */
static void
test_is_left_alone(void **state)
{
	unsigned i;

	(void)state;
	for (i = 0; i < 1500; i++)
		put(i);
	assert_true(is_blocking(ends[1]) && is_blocking(STDERR_FILENO));
	take_all();
}

/* What waits is its parent's to write. */
static void
test_fork(void **state)
{
	int status, i;
	pid_t child;

	(void)state;
	for (i = 0; i < 1500; i++)
		put((unsigned)i);
	child = fork();
	if (child == 0) {
		take();
		log_output_put("", 0);
		_exit(log_output_flush() ? 1 : 0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	take_all();
}

static void *
put_some(void *first)
{
	unsigned i, n = *(unsigned *)first;

	for (i = 0; i < 500; i++)
		put(n + i);
	return NULL;
}

/* Lines of several threads come whole, each once. */
static void
test_threads(void **state)
{
	static bool seen[THREADS * 500];
	pthread_t threads[THREADS];
	unsigned i, n, first[THREADS];

	(void)state;
	memset(seen, 0, sizeof seen);
	for (i = 0; i < THREADS; i++) {
		first[i] = i * 500;
		assert_int_equal(pthread_create(&threads[i], NULL, put_some, &first[i]), 0);
	}
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	take_all();
	assert_int_equal(got_len, THREADS * 500 * LINE);
	for (i = 0; i < THREADS * 500; i++) {
		n = (unsigned)strtoul(got + i * LINE, NULL, 10);
		assert_int_equal(got[i * LINE + LINE - 1], '\n');
		assert_true(n < THREADS * 500 && !seen[n]);
		seen[n] = true;
	}
}

/* Nobody will ever read it: that is no reason to keep anything. */
static void
test_reader_has_gone(void **state)
{
	void (*former)(int) = signal(SIGPIPE, SIG_IGN);

	(void)state;
	close(ends[0]);
	put(0);
	assert_false(log_output_flush());
	signal(SIGPIPE, former);
	ends[0] = open("/dev/null", O_RDONLY);
}

#define TEST(name, kind) cmocka_unit_test_setup_teardown(test_##name, set_up_##kind, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(kept, pipe),
	    TEST(kept, stream),
	    TEST(kept, datagrams),
	    TEST(lost, pipe),
	    TEST(lost, stream),
	    TEST(lost, datagrams),
	    TEST(finish, pipe),
	    TEST(is_left_alone, pipe),
	    TEST(is_left_alone, stream),
	    TEST(fork, pipe),
	    TEST(threads, pipe),
	    TEST(reader_has_gone, pipe),
	    TEST(reader_has_gone, stream),
	};

	return cmocka_run_group_tests_name("log_output", tests, NULL, NULL);
}
