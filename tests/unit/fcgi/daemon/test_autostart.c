/*
 * fcgi/daemon/autostart.h: the lock, in a folder that others can write to, and where there are no
 * locks; starts that fail.
 */
#include "fcgi/daemon/autostart.h"
#include "fcgi/daemon/start_record.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/log_capture.h"

enum { OTHER_USER = 1 };

static char folder[] = "/tmp/test_autostart.XXXXXX";
static char socket_path[64], lock[64], target[64], program[64], said[64], starts[64], stop[64];
static int lock_error; /* 0: locks are there */
static time_t now;     /* later than any file here */

int __real_flock(int fd, int operation);
int __wrap_flock(int fd, int operation);
time_t __real_time(time_t *to);
time_t __wrap_time(time_t *to);

int
__wrap_flock(int fd, int operation)
{
	errno = lock_error;
	return lock_error == 0 ? __real_flock(fd, operation) : -1;
}

time_t
__wrap_time(time_t *to)
{
	(void)to;
	return now;
}

static int
make_folder(void **state)
{
	(void)state;
	now = __real_time(NULL) + 1000000;
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(socket_path, sizeof socket_path, "%s/socket", folder);
	snprintf(lock, sizeof lock, "%s/socket.lock", folder);
	snprintf(target, sizeof target, "%s/target", folder);
	snprintf(program, sizeof program, "%s/program", folder);
	snprintf(said, sizeof said, "%s/socket.stderr", folder);
	snprintf(starts, sizeof starts, "%s/starts", folder);
	snprintf(stop, sizeof stop, "%s/stop", folder);
	return 0;
}

static int
clear(void **state)
{
	(void)state;
	lock_error = 0;
	unlink(target);
	unlink(lock);
	unlink(program);
	unlink(said);
	unlink(starts);
	unlink(stop);
	return 0;
}

static int
remove_folder(void **state)
{
	(void)state;
	return rmdir(folder);
}

static struct responder_config config = {
    .socket = socket_path,
    .conf_path = "/nonexistent",
    .command_folder = folder,
    .options = {.autostart = true, .sessiond = program},
};

/* What was started has ended: nobody has the lock. */
static void
wait_for_end(void)
{
	int fd = open(lock, O_RDWR);

	assert_true(fd != -1 && __real_flock(fd, LOCK_EX) == 0);
	close(fd);
}

static enum autostart_result result;

static const char *
run(void)
{
	capture_begin_later();
	result = autostart(&config);
	return capture_end();
}

/* A program that counts its starts, says something, and fails. */
static void
make_program(void)
{
	FILE *file = fopen(program, "we");

	assert_non_null(file);
	fprintf(file, "#!/bin/sh\necho >>%s\necho first >&2\necho no such library >&2\nexit 1\n",
	    starts);
	fclose(file);
	assert_int_equal(chmod(program, 0755), 0);
}

static int
count_starts(void)
{
	struct stat st;

	return stat(starts, &st) == 0 ? (int)st.st_size : 0;
}

static void
test_own(void **state)
{
	struct stat st;

	(void)state;
	config.options.sessiond = (char *)"/bin/true";
	assert_non_null(strstr(run(), "autostart: started /bin/true"));
	config.options.sessiond = program;
	wait_for_end();
	assert_int_equal(stat(lock, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

/* Neither followed nor made. */
static void
test_link(void **state)
{
	const char *log;

	(void)state;
	assert_int_equal(symlink(target, lock), 0);
	log = run();
	assert_non_null(strstr(log, "socket.lock: Too many levels of symbolic links"));
	assert_null(strstr(log, "started"));
	assert_int_equal(access(target, F_OK), -1);
}

/* Another user could hold it for ever; a fifo would do the same with open. */
static void
test_somebody_elses(void **state)
{
	(void)state;
	assert_int_equal(mkfifo(lock, 0600), 0);
	assert_non_null(strstr(run(), "socket.lock: Operation not permitted"));
	assert_int_equal(unlink(lock), 0);
	if (geteuid() != 0)
		return;
	assert_int_equal(close(open(lock, O_WRONLY | O_CREAT, 0666)), 0);
	assert_int_equal(chown(lock, OTHER_USER, OTHER_USER), 0);
	assert_non_null(strstr(run(), "socket.lock: Operation not permitted"));
}

/* They wait for longer and longer, whoever tries, and the reason is told once a minute. */
static void
test_failures(void **state)
{
	static const int pauses[] = {1, 2, 4, 8, 16, 32, 60, 60};
	char reason[AUTOSTART_REASON_SIZE];
	size_t i, lines = 0;

	(void)state;
	make_program();
	for (i = 0; i < sizeof pauses / sizeof pauses[0]; i++) {
		run();
		assert_int_equal(result, AUTOSTART_UNDERWAY);
		wait_for_end();
		assert_int_equal(count_starts(), i + 1);
		lines += strstr(run(), "autostart: it was started") != NULL;
		assert_int_equal(result, AUTOSTART_FAILED);
		assert_true(autostart_reason(&config, reason));
		assert_string_equal(
		    reason, "it was started, and has not become ready: no such library");
		now += pauses[i] - 1;
		lines += strstr(run(), "autostart: it was started") != NULL;
		assert_int_equal(result, AUTOSTART_FAILED);
		now++;
	}
	assert_int_equal(lines, 4); /* at 0, 62, 122 and 182 s */
}

/* Who mends the configuration does not have to wait, nor who makes or removes a command. */
static void
test_changed(void **state)
{
	char conf[80], commands[80];

	(void)state;
	make_program();
	snprintf(conf, sizeof conf, "%s/sockjs.conf", folder);
	snprintf(commands, sizeof commands, "%s/commands", folder);
	assert_int_equal(mkdir(commands, 0700), 0);
	config.conf_path = conf;
	config.command_folder = commands;
	for (int i = 0; i < 4; i++) {
		struct timespec times[2] = {{now, 0}, {now, 0}};

		close(open(conf, O_WRONLY | O_CREAT, 0600));
		if (i == 3) /* the folder, and before it the file */
			times[0].tv_sec = times[1].tv_sec = 0;
		assert_int_equal(utimensat(AT_FDCWD, conf, times, 0), 0);
		times[0].tv_sec = times[1].tv_sec = i == 3 ? now : 0;
		assert_int_equal(utimensat(AT_FDCWD, commands, times, 0), 0);
		run();
		assert_int_equal(result, AUTOSTART_UNDERWAY);
		wait_for_end();
		now++;
	}
	/* Written in the second of the last start, maybe after it: once more. */
	run();
	assert_int_equal(result, AUTOSTART_UNDERWAY);
	wait_for_end();
	run();
	assert_int_equal(result, AUTOSTART_FAILED);
	unlink(conf);
	rmdir(commands);
	config.conf_path = (char *)"/nonexistent";
	config.command_folder = folder;
}

/* Nor who uploads the program again, or lets it be executed. */
static void
test_new_program(void **state)
{
	struct timespec real;
	time_t former = now;

	(void)state;
	make_program();
	clock_gettime(CLOCK_REALTIME, &real);
	now = real.tv_sec - 100;
	for (int i = 0; i < 3; i++) {
		run();
		assert_int_equal(result, AUTOSTART_UNDERWAY);
		wait_for_end();
	}
	now = real.tv_sec + 100;
	run();
	assert_int_equal(result, AUTOSTART_UNDERWAY);
	wait_for_end();
	run();
	assert_int_equal(result, AUTOSTART_FAILED);
	now = former;
}

/* One that became ready has removed the file: the next start is the first again. */
static void
test_after_success(void **state)
{
	(void)state;
	make_program();
	for (int i = 0; i < 4; i++) {
		run();
		assert_int_equal(result, AUTOSTART_UNDERWAY);
		wait_for_end();
		assert_int_equal(unlink(said), 0);
	}
}

static void
test_no_program(void **state)
{
	char reason[AUTOSTART_REASON_SIZE];

	(void)state;
	run();
	wait_for_end();
	assert_non_null(strstr(run(), "/program: No such file or directory"));
	assert_int_equal(result, AUTOSTART_FAILED);
	assert_true(autostart_reason(&config, reason));
	assert_non_null(strstr(reason, "/program: No such file or directory"));
}

/* NFS without its lock daemon, and file systems that know no locks at all. */
static void
test_no_locks(void **state)
{
	static const int errors[] = {ENOLCK, EOPNOTSUPP, ENOSYS};
	char reason[AUTOSTART_REASON_SIZE];

	(void)state;
	make_program();
	for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
		lock_error = errors[i];
		assert_non_null(strstr(run(), "has no locks: name a `socket` in a folder"));
		assert_int_equal(result, AUTOSTART_FAILED);
		assert_true(autostart_reason(&config, reason));
		assert_non_null(strstr(reason, "socket.lock cannot be locked"));
		assert_int_equal(count_starts(), 0);
	}
}

static void
test_held_lock(void **state)
{
	static const int errors[] = {EWOULDBLOCK, EACCES};
	char reason[AUTOSTART_REASON_SIZE];

	(void)state;
	make_program();
	for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
		lock_error = errors[i];
		assert_string_equal(run(), "");
		assert_int_equal(result, AUTOSTART_UNDERWAY);
		assert_false(autostart_reason(&config, reason));
		assert_int_equal(count_starts(), 0);
	}
}

static void
test_stop(void **state)
{
	char reason[AUTOSTART_REASON_SIZE];

	(void)state;
	make_program();
	close(open(stop, O_WRONLY | O_CREAT, 0600));
	assert_string_equal(run(), "");
	assert_int_equal(result, AUTOSTART_FAILED);
	assert_true(autostart_reason(&config, reason));
	assert_non_null(strstr(reason, "it was stopped by the file /tmp/test_autostart."));
	assert_int_equal(count_starts(), 0);
	unlink(stop);
	run();
	assert_int_equal(result, AUTOSTART_UNDERWAY);
	wait_for_end();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(test_own, clear),
	    cmocka_unit_test_teardown(test_link, clear),
	    cmocka_unit_test_teardown(test_somebody_elses, clear),
	    cmocka_unit_test_teardown(test_failures, clear),
	    cmocka_unit_test_teardown(test_changed, clear),
	    cmocka_unit_test_teardown(test_new_program, clear),
	    cmocka_unit_test_teardown(test_after_success, clear),
	    cmocka_unit_test_teardown(test_no_program, clear),
	    cmocka_unit_test_teardown(test_no_locks, clear),
	    cmocka_unit_test_teardown(test_held_lock, clear),
	    cmocka_unit_test_teardown(test_stop, clear),
	};

	return cmocka_run_group_tests_name("autostart", tests, make_folder, remove_folder);
}
