/*
 * common/log.h. stderr becomes a datagram socket, so a line written in two pieces would be two
 * datagrams; syslog is a function of our own.
 */
#include "common/log.h"

#include <errno.h>
#include <regex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>
#include <cmocka.h>

static int lines[2];	 /* what is written to [1] is read from [0] */
static char line[10000]; /* the last one read */
static const char *text; /* in line: what follows "ident[pid] " */

/* /dev/log is another datagram socket. */
static int syslog_fd = -1;
static char syslog_line[3000];

int __real_connect(int fd, const struct sockaddr *address, socklen_t len);
int __wrap_connect(int fd, const struct sockaddr *address, socklen_t len);

int
__wrap_connect(int fd, const struct sockaddr *address, socklen_t len)
{
	struct sockaddr_un own;
	socklen_t own_len = sizeof own;

	(void)len;
	assert_string_equal(
	    ((const struct sockaddr_un *)(const void *)address)->sun_path, "/dev/log");
	assert_int_equal(getsockname(syslog_fd, (struct sockaddr *)&own, &own_len), 0);
	return __real_connect(fd, (struct sockaddr *)&own, own_len);
}

static void
open_syslog(void)
{
	/* The system chooses a name. */
	const struct sockaddr_un own = {.sun_family = AF_UNIX};

	syslog_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(syslog_fd, (const struct sockaddr *)&own, sizeof own.sun_family), 0);
}

/* Takes a line from syslog; its priority and ident are as they should be. */
static void
assert_syslog(int priority, const char *expected)
{
	ssize_t n = recv(syslog_fd, syslog_line, sizeof syslog_line - 1, 0);
	char form[200];
	regex_t re;
	regmatch_t match[1];

	assert_true(n > 0);
	syslog_line[n] = '\0';
	snprintf(form, sizeof form,
	    "^<%d>[A-Z][a-z]{2} [ 1-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-6][0-9] daemon[[]%ld[]]: ",
	    priority, (long)getpid());
	assert_int_equal(regcomp(&re, form, REG_EXTENDED), 0);
	assert_int_equal(regexec(&re, syslog_line, 1, match, 0), 0);
	regfree(&re);
	text = syslog_line + match[0].rm_eo;
	if (expected != NULL)
		assert_string_equal(text, expected);
}

/* Runs a statement with stderr in the socket. */
#define CAPTURE(statement)                                                                         \
	do {                                                                                       \
		int stderr_before = dup(STDERR_FILENO);                                            \
		dup2(lines[1], STDERR_FILENO);                                                     \
		statement;                                                                         \
		dup2(stderr_before, STDERR_FILENO);                                                \
		close(stderr_before);                                                              \
	} while (0)

static int
set_up(void **state)
{
	(void)state;
	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, lines) == -1)
		return -1;
	log_open("prog", SEVERITY_DEBUG);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	close(lines[0]);
	close(lines[1]);
	return 0;
}

/* Takes the next line, checks what all lines have, and makes text point behind that. */
static void
read_line_of(const char *ident)
{
	char head[100], form[200];
	ssize_t n = recv(lines[0], line, sizeof line - 1, 0);
	regex_t re;
	regmatch_t match[1];

	assert_true(n > 0);
	line[n] = '\0';
	assert_int_equal(strlen(line), n);
	assert_int_equal(line[n - 1], '\n');
	line[n - 1] = '\0';
	snprintf(head, sizeof head, "%s[[]%ld[]] ", ident, (long)getpid());
	snprintf(form, sizeof form,
	    "^[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-6][0-9][.][0-9]{3}Z %s", head);
	assert_int_equal(regcomp(&re, form, REG_EXTENDED), 0);
	assert_int_equal(regexec(&re, line, 1, match, 0), 0);
	regfree(&re);
	text = line + match[0].rm_eo;
}

static void
assert_line(const char *expected)
{
	read_line_of("prog");
	assert_string_equal(text, expected);
}

static void
assert_no_line(void)
{
	assert_int_equal(recv(lines[0], line, sizeof line, 0), -1);
	assert_int_equal(errno, EAGAIN);
}

static void
test_lines(void **state)
{
	(void)state;
	CAPTURE(log_error("no %s: %d", "luck", 7));
	assert_line("error: no luck: 7");
	CAPTURE(log_info("started"));
	assert_line("info: started");
	CAPTURE(log_debug("%s", ""));
	assert_line("debug: ");
	CAPTURE(log_conn(SEVERITY_INFO, UINT64_MAX, "opened by %s", "1.2.3.4"));
	assert_line("info: [#18446744073709551615] opened by 1.2.3.4");
	CAPTURE(log_write(SEVERITY_ERROR, "w"));
	assert_line("error: w");
	CAPTURE(log_conn_write(SEVERITY_DEBUG, 0, "w"));
	assert_line("debug: [#0] w");
	assert_no_line();
}

/* The defaults, before log_open: in a child, where nothing has called it. */
static void
test_before_log_open(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	pid = fork();
	assert_true(pid != -1);
	if (pid == 0) {
		dup2(lines[1], STDERR_FILENO);
		execl("/proc/self/exe", "test_log", "--before-log-open", NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_true(recv(lines[0], line, sizeof line - 1, 0) > 0);
	assert_non_null(strstr(line, "Z -["));
	assert_non_null(strstr(line, "] info: early\n"));
	assert_no_line();
}

/* The time is this one, in UTC. */
static void
test_timestamp(void **state)
{
	time_t before = time(NULL), logged;
	struct tm tm = {0};

	(void)state;
	setenv("TZ", "Asia/Tokyo", 1);
	tzset();
	CAPTURE(log_info("x"));
	read_line_of("prog");
	assert_non_null(strptime(line, "%Y-%m-%dT%H:%M:%S", &tm));
	logged = timegm(&tm);
	assert_true(logged >= before && logged <= time(NULL));
	unsetenv("TZ");
	tzset();
}

static int
count(int *n)
{
	return ++*n;
}

static void
test_minimum(void **state)
{
	int evaluated = 0;

	(void)state;
	log_open("prog", SEVERITY_INFO);
	assert_true(log_is_enabled(SEVERITY_ERROR));
	assert_true(log_is_enabled(SEVERITY_INFO));
	assert_false(log_is_enabled(SEVERITY_DEBUG));
	CAPTURE(log_debug("%d", count(&evaluated)));
	CAPTURE(log_conn(SEVERITY_DEBUG, 1, "%d", count(&evaluated)));
	assert_no_line();
	assert_int_equal(evaluated, 0);
	CAPTURE(log_info("%d", count(&evaluated)));
	assert_line("info: 1");
	log_set_minimum(SEVERITY_ERROR);
	CAPTURE(log_info("x"));
	assert_no_line();
	CAPTURE(log_error("x"));
	assert_line("error: x");
	log_set_minimum(SEVERITY_DEBUG);
	CAPTURE(log_debug("x"));
	assert_line("debug: x");
}

static void
test_severity_names(void **state)
{
	(void)state;
	assert_string_equal(log_severity_names[SEVERITY_ERROR], "error");
	assert_string_equal(log_severity_names[SEVERITY_INFO], "info");
	assert_string_equal(log_severity_names[SEVERITY_DEBUG], "debug");
	assert_null(log_severity_names[SEVERITY_DEBUG + 1]);
}

/* No byte, wherever it comes from, leaves the line. */
static void
test_escapes(void **state)
{
	(void)state;
	CAPTURE(log_info("%s", "a\nb\r\tc\x1b[31m\x7f\x80\xff\x01~ \\"));
	assert_line("info: a\\nb\\r\\tc\\x1b[31m\\x7f\\x80\\xff\\x01~ \\");
	CAPTURE(log_info("fmt\n"));
	assert_line("info: fmt\\n");
	for (int c = 1; c < 256; c++) {
		CAPTURE(log_conn(SEVERITY_INFO, 1, "%c", c));
		read_line_of("prog");
		for (const char *p = line; *p != '\0'; p++)
			assert_true(*p >= 0x20 && *p <= 0x7e);
	}
	assert_no_line();
}

/* Logs n times one character; checks the length of what comes out, and its last characters. */
static void
check_cut(int n, char c, size_t expected_length, const char *end)
{
	char *many = malloc((size_t)n + 1);

	assert_non_null(many);
	memset(many, c, (size_t)n);
	many[n] = '\0';
	CAPTURE(log_info("%s", many));
	free(many);
	read_line_of("prog");
	text += strlen("info: ");
	assert_int_equal(strlen(text), expected_length);
	assert_string_equal(text + expected_length - strlen(end), end);
	assert_no_line();
}

static void
test_long_lines_are_cut(void **state)
{
	(void)state;
	check_cut(1999, 'x', 1999, "xxxx");
	check_cut(2000, 'x', 2000, "xxxx");
	check_cut(2001, 'x', 2000, "x...");
	check_cut(100000, 'x', 2000, "x...");
	/* Escaped bytes are not cut apart: 499 of 4 characters and the dots are 1999. */
	check_cut(500, '\x01', 2000, "\\x01\\x01");
	check_cut(501, '\x01', 1999, "\\x01...");
	check_cut(1000, '\n', 2000, "\\n\\n");
	check_cut(1001, '\n', 1999, "\\n...");
}

static void
test_escape_sizes(void **state)
{
	char to[16];

	(void)state;
	assert_int_equal(log_escape(to, 8, ""), 0);
	assert_string_equal(to, "");
	assert_int_equal(log_escape(to, 8, "1234567"), 7);
	assert_string_equal(to, "1234567");
	assert_int_equal(log_escape(to, 8, "12345678"), 7);
	assert_string_equal(to, "1234...");
	assert_int_equal(log_escape(to, 8, "123\xff"), 7);
	assert_string_equal(to, "123\\xff");
	assert_int_equal(log_escape(to, 8, "1234\xff"), 7);
	assert_string_equal(to, "1234...");
	assert_int_equal(log_escape(to, 8, "\xff\xff"), 7);
	assert_string_equal(to, "\\xff...");
	assert_int_equal(log_escape(to, 8,
			     "123\xff"
			     "5"),
	    6);
	assert_string_equal(to, "123...");
}

static void
test_format_that_fails(void **state)
{
	(void)state;
	CAPTURE(log_conn(SEVERITY_INFO, 3, "a %lc", (wint_t)0x20ac));
	assert_line("info: [#3] (cannot format) a %lc");
}

static void
test_keeps_errno(void **state)
{
	int after = 0;

	(void)state;
	CAPTURE({
		errno = ENOENT;
		log_error("x: %m");
		after = errno;
	});
	assert_int_equal(after, ENOENT);
	assert_line("error: x: No such file or directory");
	/* Also when the write fails. */
	CAPTURE({
		close(STDERR_FILENO);
		errno = ENOENT;
		log_error("x");
		after = errno;
	});
	assert_int_equal(after, ENOENT);
	assert_no_line();
}

static void
test_syslog(void **state)
{
	enum {
		ERROR = LOG_DAEMON | LOG_ERR,
		INFO = LOG_DAEMON | LOG_INFO,
		DEBUG = LOG_DAEMON | LOG_DEBUG
	};

	(void)state;
	open_syslog();
	log_open("daemon", SEVERITY_INFO);
	log_set_target("syslog", 0, (uid_t)-1);
	CAPTURE(log_error("a\n%%s"));
	assert_syslog(ERROR, "a\\n%s");
	CAPTURE(log_conn(SEVERITY_INFO, 12, "b"));
	assert_syslog(INFO, "[#12] b");
	CAPTURE(log_debug("c"));
	log_set_minimum(SEVERITY_DEBUG);
	CAPTURE(log_debug("%3000d", 1));
	assert_syslog(DEBUG, NULL);
	assert_int_equal(strlen(text), LOG_TEXT_MAX);
	assert_string_equal(text + LOG_TEXT_MAX - 3, "...");
	/* It is started again. */
	close(syslog_fd);
	open_syslog();
	CAPTURE(log_info("again"));
	assert_syslog(INFO, "again");
	assert_no_line();
	close(syslog_fd);
}

static void
test_fatal(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	/* Even with the least severity, this is an error. */
	log_set_minimum(SEVERITY_ERROR);
	pid = fork();
	assert_true(pid != -1);
	if (pid == 0) {
		dup2(lines[1], STDERR_FILENO);
		fatal(78, "cannot %s", "go on");
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 78);
	assert_true(recv(lines[0], line, sizeof line - 1, 0) > 0);
	assert_non_null(strstr(line, "] error: cannot go on\n"));
	assert_no_line();
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_lines, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_before_log_open, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_timestamp, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_minimum, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_severity_names, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_escapes, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_long_lines_are_cut, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_escape_sizes, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_format_that_fails, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_keeps_errno, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_syslog, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_fatal, set_up, tear_down),
	};

	if (argc == 2 && strcmp(argv[1], "--before-log-open") == 0) {
		log_debug("not written");
		log_info("early");
		return 0;
	}
	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
