/*
 * sessiond/supervised.h: what a daemon learns of its supervisor from the environment. Each case is
 * a process of its own, as it is said once in a process.
 */
#include "sessiond/supervised.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define VARIABLE "SOCKJS_SUPERVISOR"

/* What `look` returns in a child, whose supervisor this process is. */
static int
in_child(int (*look)(void))
{
	int status;
	pid_t child = fork();

	if (child == 0)
		_exit(look());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int
look_at_what_was_passed(void)
{
	const struct supervision passed = {getppid(), 7, 8, 3, {1, 2}, true, "/a folder/socket"};
	const struct supervision *found = supervised_by();
	struct error err = ERROR_INIT;

	if (supervised_pass(&passed) == -1 || dup2(1, 7) == -1 || dup2(1, 8) == -1)
		return 1;
	if (supervised_begin(&err) == -1 || getenv(VARIABLE) != NULL)
		return 2;
	if (found->supervisor != passed.supervisor || found->events != 7 || found->shares != 8)
		return 3;
	if (found->restarts != 3 || found->place.index != 1 || found->place.count != 2 ||
	    !found->is_first || strcmp(found->socket, "/a folder/socket") != 0)
		return 4;
	/* Programs that the daemon starts get neither. */
	return (fcntl(7, F_GETFD) & FD_CLOEXEC) != 0 && (fcntl(8, F_GETFD) & FD_CLOEXEC) != 0 ? 0
											      : 5;
}

static int
look_at_nonsense(void)
{
	static const char *const values[] = {
	    "", "x", "1 2 3", "1 2 3 4 5 5 0", "1 2 3 4 0 0 0", "1 2 3 4 0 65 0"};
	const struct supervision *found = supervised_by();
	struct error err = ERROR_INIT;

	for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
		setenv(VARIABLE, values[i], 1);
		if (supervised_begin(&err) == -1 || found->supervisor != 0 ||
		    found->place.count != 1 || !found->is_first)
			return (int)i + 1;
	}
	return 0;
}

static int
look_whose_supervisor_has_gone(void)
{
	const struct supervision passed = {1 << 22, 1, -1, 0, {0, 1}, true};
	struct error err = ERROR_INIT;

	if (supervised_pass(&passed) == -1 || supervised_begin(&err) == 0)
		return 1;
	return strstr(err.text, "has ended") != NULL ? 0 : 2;
}

static void
test_environment(void **state)
{
	(void)state;
	assert_int_equal(in_child(look_at_what_was_passed), 0);
	assert_int_equal(in_child(look_at_nonsense), 0);
	assert_int_equal(in_child(look_whose_supervisor_has_gone), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_environment),
	};

	return cmocka_run_group_tests_name("supervised", tests, NULL, NULL);
}
