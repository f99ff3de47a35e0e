/*
 * common/random.h, with a getrandom(2) of our own that is interrupted, gives less than asked, or
 * fails.
 */
#include "common/random.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>
#include <cmocka.h>

static int fail_with;	  /* errno of all calls; 0: work */
static int interruptions; /* calls that first fail with EINTR */
static size_t most_at_once = 256;

/* Stands for libc's. */
ssize_t
getrandom(void *to, size_t n, unsigned flags)
{
	if (fail_with != 0) {
		errno = fail_with;
		return -1;
	}
	if (interruptions > 0) {
		interruptions--;
		errno = EINTR;
		return -1;
	}
	return syscall(SYS_getrandom, to, n < most_at_once ? n : most_at_once, flags);
}

/* Each byte of a buffer is written (in 64 tries at least once not as 0), and none behind it. */
static void
check_fills(size_t n)
{
	unsigned char bytes[600], seen[600] = {0};

	assert_true(n < sizeof bytes);
	for (int i = 0; i < 64; i++) {
		memset(bytes, 0, sizeof bytes);
		random_bytes(bytes, n);
		for (size_t j = 0; j < sizeof bytes; j++)
			seen[j] |= bytes[j];
	}
	for (size_t j = 0; j < sizeof bytes; j++)
		assert_true((seen[j] != 0) == (j < n));
}

static void
test_fills(void **state)
{
	(void)state;
	check_fills(0);
	check_fills(1);
	check_fills(16);
	check_fills(599); /* more than one call */
}

static void
test_short_and_interrupted(void **state)
{
	(void)state;
	most_at_once = 3;
	interruptions = 5;
	check_fills(20);
	assert_int_equal(interruptions, 0);
	most_at_once = 256;
}

static void
test_failure_is_fatal(void **state)
{
	int out[2], status;
	char text[256];
	ssize_t n;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(out), 0);
	pid = fork();
	assert_true(pid != -1);
	if (pid == 0) {
		unsigned char byte;

		dup2(out[1], STDERR_FILENO);
		fail_with = ENOSYS;
		random_bytes(&byte, 1);
		_exit(0);
	}
	close(out[1]);
	n = read(out[0], text, sizeof text - 1);
	assert_true(n > 0);
	text[n] = '\0';
	close(out[0]);
	assert_non_null(strstr(text, "error: getrandom: Function not implemented\n"));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), EX_OSERR);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_fills),
	    cmocka_unit_test(test_short_and_interrupted),
	    cmocka_unit_test(test_failure_is_fatal),
	};

	return cmocka_run_group_tests_name("random", tests, NULL, NULL);
}
