/* sessiond/daemon_process.h: when a daemon is told something, and when it is not. */
#include "sessiond/daemon_process.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* A child that keeps what it is sent. */
static struct daemon_process
begin(void)
{
	struct daemon_process daemon = {.events = -1};
	sigset_t all, former;

	daemon_process_init(&daemon, (struct daemon_place){1, 3});
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &former);
	daemon.pid = fork();
	if (daemon.pid == 0)
		for (;;)
			pause();
	sigprocmask(SIG_SETMASK, &former, NULL);
	return daemon;
}

static void
end(struct daemon_process *daemon)
{
	kill(daemon->pid, SIGKILL);
	assert_int_equal(waitpid(daemon->pid, NULL, 0), daemon->pid);
}

static bool
was_sent(const struct daemon_process *daemon, int number)
{
	unsigned long long pending = 0;
	char path[40], line[128];
	FILE *file;

	snprintf(path, sizeof path, "/proc/%ld/status", (long)daemon->pid);
	file = fopen(path, "r");
	assert_non_null(file);
	while (fgets(line, sizeof line, file) != NULL)
		if (sscanf(line, "ShdPnd: %llx", &pending) == 1)
			break;
	fclose(file);
	return (pending >> (number - 1) & 1) != 0;
}

static void
test_one_that_ends_is_not_hurried(void **state)
{
	struct daemon_process daemon = begin();

	(void)state;
	daemon.is_ending = true;
	daemon_process_end(&daemon, SIGTERM);
	assert_false(was_sent(&daemon, SIGTERM));
	assert_true(daemon.is_asked && daemon.kill_due != 0);
	daemon_process_end(&daemon, SIGTERM);
	assert_true(was_sent(&daemon, SIGTERM));
	end(&daemon);
}

static void
test_reload(void **state)
{
	struct daemon_process daemon = begin();

	(void)state;
	/* While it starts, it may have read the file already. */
	daemon_process_tell(&daemon);
	daemon_process_pass(&daemon);
	assert_false(was_sent(&daemon, SIGHUP));
	assert_false(daemon_process_became_ready(&daemon));
	assert_true(daemon.is_told);
	daemon_process_pass(&daemon);
	assert_true(was_sent(&daemon, SIGHUP));
	/* Told meanwhile, it is told once more, and no more often. */
	daemon_process_tell(&daemon);
	daemon_process_tell(&daemon);
	assert_false(daemon.pass_hup);
	assert_false(daemon_process_became_ready(&daemon));
	assert_true(daemon.is_told && daemon.pass_hup);
	daemon_process_pass(&daemon);
	assert_false(daemon_process_became_ready(&daemon));
	assert_true(daemon_process_is_settled(&daemon));
	/* Of its own accord: the others do not know. */
	daemon.is_reloading = true;
	assert_true(daemon_process_became_ready(&daemon));
	daemon.is_reloading = daemon.is_alone = true;
	assert_false(daemon_process_became_ready(&daemon));
	end(&daemon);
}

static void
test_death_in_a_reload(void **state)
{
	struct daemon_process daemon = begin();

	(void)state;
	daemon_process_became_ready(&daemon);
	daemon.pass_hup = true;
	daemon_process_pass(&daemon);
	end(&daemon);
	daemon_process_ended(&daemon, SIGSEGV);
	assert_int_equal(daemon.pid, 0);
	daemon_process_tell(&daemon); /* the next one reads the file */
	assert_true(daemon_process_became_ready(&daemon));
	assert_true(daemon_process_is_settled(&daemon));
	/* It is told that a file is good; who dies of it tells nobody. */
	daemon_process_tell(&daemon);
	daemon.is_reloading = true;
	daemon_process_ended(&daemon, SIGSEGV);
	assert_false(daemon_process_became_ready(&daemon));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_one_that_ends_is_not_hurried),
	    cmocka_unit_test(test_reload),
	    cmocka_unit_test(test_death_in_a_reload),
	};

	return cmocka_run_group_tests_name("daemon_process", tests, NULL, NULL);
}
