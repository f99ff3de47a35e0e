/* sessiond/control/open_descriptors.h: both ways to count, whatever this kernel tells. */
#include "sessiond/control/open_descriptors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

enum { HIGH = 700 }; /* a descriptor */

/* As the folder lists them, but for its own. */
static long
listed(void)
{
	DIR *folder = opendir("/proc/self/fd");
	const struct dirent *entry;
	long count = 0;

	assert_non_null(folder);
	while ((entry = readdir(folder)) != NULL)
		count += entry->d_name[0] != '.' && atoi(entry->d_name) != dirfd(folder);
	closedir(folder);
	return count;
}

static void
expect_counted(long count)
{
	assert_int_equal(listed(), count);
	assert_int_equal(open_descriptors(), count);
	assert_int_equal(open_descriptors_by_poll(), count);
}

static void
test_holes(void **state)
{
	long before = listed();
	int fds[200];

	(void)state;
	expect_counted(before);
	for (size_t i = 0; i < 200; i++)
		assert_int_not_equal(
		    fds[i] = open("/dev/null", (i % 3 == 0 ? O_PATH : O_RDONLY) | O_CLOEXEC), -1);
	expect_counted(before + 200);
	for (size_t i = 0; i < 200; i += 2)
		close(fds[i]);
	expect_counted(before + 100);
	for (size_t i = 1; i < 200; i += 2)
		close(fds[i]);
	expect_counted(before);
}

/* What may be opened says nothing: neither of those that are open already, nor of their number. */
static void
test_limit(void **state)
{
	struct rlimit before, limit;
	long count = listed();

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	assert_true(before.rlim_cur > HIGH);
	assert_int_equal(dup2(0, HIGH), HIGH);
	limit = before;
	limit.rlim_cur = 100;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	expect_counted(count + 1);
	limit.rlim_cur = before.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	expect_counted(count + 1);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	close(HIGH);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_holes),
	    cmocka_unit_test(test_limit),
	};

	return cmocka_run_group_tests_name("open_descriptors", tests, NULL, NULL);
}
