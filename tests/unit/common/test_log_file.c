/*
 * common/log_file.h, through log.h: a file that is renamed, removed, full, or not to be had.
 */
#include "common/log.h"
#include "common/log_file.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "tests/unit/log_capture.h"

enum { WRITERS = 4, LINES = 500 };

static char folder[] = "/tmp/test_log_file.XXXXXX";
static char path[64], former[64];
static int lock_error; /* 0: locks are there */

int __real_flock(int fd, int operation);
int __wrap_flock(int fd, int operation);

int
__wrap_flock(int fd, int operation)
{
	errno = lock_error;
	return lock_error == 0 ? __real_flock(fd, operation) : -1;
}

static int
make_folder(void **state)
{
	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(path, sizeof path, "%s/log", folder);
	snprintf(former, sizeof former, "%s/log.1", folder);
	return 0;
}

static int
clear(void **state)
{
	(void)state;
	lock_error = 0;
	log_set_target("stderr", 0, (uid_t)-1);
	unlink(path);
	unlink(former);
	return 0;
}

static int
remove_folder(void **state)
{
	(void)state;
	return rmdir(folder);
}

static const char *
text_of(const char *name)
{
	static char text[1 << 20];
	int fd = open(name, O_RDONLY);
	ssize_t n = fd == -1 ? 0 : read(fd, text, sizeof text - 1);

	text[n] = '\0';
	if (fd != -1)
		close(fd);
	return text;
}

static void
test_written(void **state)
{
	struct stat st;

	(void)state;
	log_set_target(path, 0, (uid_t)-1);
	log_info("first");
	log_error("second");
	assert_non_null(strstr(text_of(path), "info: first\n"));
	assert_non_null(strstr(text_of(path), "error: second\n"));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0644);
}

/* What logrotate does, and what a customer does by FTP. */
static void
test_renamed_or_removed(void **state)
{
	(void)state;
	log_set_target(path, 0, (uid_t)-1);
	log_info("first");
	assert_int_equal(rename(path, former), 0);
	log_info("second");
	assert_int_equal(count_lines(text_of(former)), 1);
	assert_non_null(strstr(text_of(path), "second"));
	assert_int_equal(unlink(path), 0);
	log_info("third");
	assert_int_equal(count_lines(text_of(path)), 1);
	assert_non_null(strstr(text_of(path), "third"));
}

static void
fill(void)
{
	log_set_target(path, 200, (uid_t)-1);
	log_info("%0100d", 1);
	log_info("%0100d", 2);
	log_info("%0100d", 3);
}

static void
test_full(void **state)
{
	(void)state;
	fill();
	assert_non_null(strstr(text_of(path), "3\n"));
	assert_int_equal(count_lines(text_of(path)), 1);
	assert_non_null(strstr(text_of(former), "2\n"));
	assert_int_equal(count_lines(text_of(former)), 1);
}

static void
test_no_locks(void **state)
{
	(void)state;
	lock_error = ENOLCK;
	fill();
	assert_non_null(strstr(text_of(path), "3\n"));
	assert_non_null(strstr(text_of(former), "2\n"));
}

/* Somebody else is about to rename it, and will. */
static void
test_held_lock(void **state)
{
	int fd;

	(void)state;
	log_set_target(path, 200, (uid_t)-1);
	log_info("%0100d", 1);
	fd = open(path, O_RDONLY);
	assert_int_equal(__real_flock(fd, LOCK_EX), 0);
	log_info("%0100d", 2);
	assert_int_equal(count_lines(text_of(path)), 2);
	close(fd);
	log_info("%0100d", 3);
	assert_int_equal(count_lines(text_of(former)), 2);
}

static void
write_many(unsigned writer)
{
	unsigned i;

	for (i = 0; i < LINES; i++)
		log_info("writer %u line %u", writer, i);
	_exit(0);
}

/* Each file is renamed once: the lines of the last two are all there, and none is in pieces. */
static void
test_many_writers(void **state)
{
	unsigned i, lines;
	int status;

	(void)state;
	log_set_target(path, WRITERS * LINES * 100 * 2 / 3, (uid_t)-1);
	for (i = 0; i < WRITERS; i++)
		if (fork() == 0)
			write_many(i);
	for (i = 0; i < WRITERS; i++)
		assert_true(wait(&status) != -1 && status == 0);
	lines = count_lines(text_of(former));
	assert_true(lines == 0 || lines > LINES);
	assert_int_equal(lines + count_lines(text_of(path)), WRITERS * LINES);
}

/* Its lines go to stderr meanwhile, which says why, once. */
static void
test_not_to_be_had(void **state)
{
	const char *log;

	(void)state;
	capture_begin();
	assert_int_equal(mkdir(path, 0700), 0);
	log_set_target(path, 0, (uid_t)-1);
	log_info("first");
	log_info("second");
	assert_int_equal(rmdir(path), 0);
	log_info("third");
	log = capture_end();
	assert_int_equal(count_lines(log), 3);
	assert_non_null(strstr(log, "/log: Is a directory; the log goes here\n"));
	assert_non_null(strstr(log, "info: second\n"));
	assert_non_null(strstr(text_of(path), "third"));
}

/* Whoever may write to the folder must not have root append to a file of theirs choice. */
static void
test_no_other_file(void **state)
{
	char target[64];

	(void)state;
	snprintf(target, sizeof target, "%s/target", folder);
	close(open(target, O_WRONLY | O_CREAT, 0600));
	capture_begin();
	log_set_target(path, 0, (uid_t)-1);
	assert_int_equal(symlink(target, path), 0);
	log_info("by a link");
	unlink(path);
	assert_int_equal(link(target, path), 0);
	log_info("by a second name");
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	log_info("to a fifo");
	assert_non_null(strstr(capture_end(), "to a fifo"));
	assert_string_equal(text_of(target), "");
	unlink(target);
}

/*
 * A limit of files' sizes stands for a disk that is full. The line is cut in the file, and whole on
 * stderr.
 */
static void
test_disk_full(void **state)
{
	struct rlimit former_limit, limit;
	const char *lines;

	(void)state;
	log_set_target(path, 0, (uid_t)-1);
	log_info("%01900d", 1);
	log_info("%01900d", 2);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &former_limit), 0);
	limit = former_limit;
	limit.rlim_cur = 4200;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	capture_begin();
	log_info("%01000d", 3);
	log_info("next");
	lines = capture_end();
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &former_limit), 0);
	assert_int_equal(count_lines(lines), 3);
	assert_non_null(strstr(lines, "No space left on device; the log goes here\n"));
	assert_non_null(strstr(lines, "3\n"));
	assert_non_null(strstr(lines, "next\n"));
	log_info("%01000d", 4);
	assert_non_null(strstr(text_of(path), "4\n"));
}

static void
test_check(void **state)
{
	struct error err = ERROR_INIT;
	char path_in_no_folder[80];

	(void)state;
	assert_int_equal(log_check_target("stderr", &err), 0);
	assert_int_equal(log_check_target(path, &err), 0);
	assert_int_equal(access(path, F_OK), -1);
	snprintf(path_in_no_folder, sizeof path_in_no_folder, "%s/no/log", folder);
	assert_int_equal(log_check_target(path_in_no_folder, &err), -1);
	assert_non_null(strstr(err.text, "no/log: No such file or directory"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(test_written, clear),
	    cmocka_unit_test_teardown(test_renamed_or_removed, clear),
	    cmocka_unit_test_teardown(test_full, clear),
	    cmocka_unit_test_teardown(test_no_locks, clear),
	    cmocka_unit_test_teardown(test_held_lock, clear),
	    cmocka_unit_test_teardown(test_many_writers, clear),
	    cmocka_unit_test_teardown(test_not_to_be_had, clear),
	    cmocka_unit_test_teardown(test_no_other_file, clear),
	    cmocka_unit_test_teardown(test_disk_full, clear),
	    cmocka_unit_test_teardown(test_check, clear),
	};

	return cmocka_run_group_tests_name("log_file", tests, make_folder, remove_folder);
}
