/*
 * A child process, and what it has told.
 */
#ifndef TESTS_UNIT_PROGRAM_PROGRAM_FIXTURE_H
#define TESTS_UNIT_PROGRAM_PROGRAM_FIXTURE_H

#include "sessiond/program/program.h"

#include "common/buffer.h"
#include "common/log.h"
#include "sessiond/program/program_exec.h"
#include "sessiond/program/program_stderr.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/log_capture.h"

enum {
	LIMIT = 4096,
	SHORTER = 100, /* a stop */
	HANGS_S = 100, /* then the test has failed */
};

static uv_loop_t loop;
static struct program *program;
static struct error err;
static char folder[] = "/tmp/sockjs-program-XXXXXX";

/* What it has told. */
static struct buffer told; /* its lines, each with a newline */
static unsigned closed;
static char *how; /* NULL: it has not ended */
static bool ends_in_line;

/* --- what is not as usual --------------------------------------------------------------------- */

static uid_t user;

uid_t __wrap_geteuid(void);
int
__wrap_uv_timer_start(uv_timer_t *timer, uv_timer_cb callback, uint64_t timeout, uint64_t repeat);
int
__real_uv_timer_start(uv_timer_t *timer, uv_timer_cb callback, uint64_t timeout, uint64_t repeat);

/* The tests may be run by root, whose programs are not started. */
uid_t
__wrap_geteuid(void)
{
	return user;
}

int
__wrap_uv_timer_start(uv_timer_t *timer, uv_timer_cb callback, uint64_t timeout, uint64_t repeat)
{
	return __real_uv_timer_start(timer, callback, timeout / SHORTER, repeat);
}

/* --- the program ------------------------------------------------------------------------------ */

static void
on_line(void *owner, char *line, size_t len)
{
	assert_ptr_equal(owner, &told);
	assert_null(how);
	buffer_append(&told, line, len);
	buffer_append_char(&told, '\n');
	if (ends_in_line)
		program_end(&program);
}

static void
on_closed(void *owner)
{
	assert_ptr_equal(owner, &told);
	assert_null(how);
	closed++;
}

static void
on_ended(void *owner, const char *text)
{
	assert_ptr_equal(owner, &told);
	assert_null(how);
	how = strdup(text);
}

static const struct program_calls calls = {on_line, on_closed, on_ended};

static struct program_options
options_of(const char *command)
{
	return (struct program_options){
	    .command = command, .folder = folder, .name = "/chat", .line_limit = LIMIT};
}

static void
start_with(const struct program_options *options)
{
	program = program_start(&loop, options, &calls, &told, &err);
	if (program == NULL)
		print_message("%s\n", err.text);
	assert_non_null(program);
}

/* A script of sh without double quotes. */
static void
start(const char *script)
{
	char *command = NULL;
	struct program_options options;

	assert_true(asprintf(&command, "/bin/sh -c \"%s\"", script) > 0);
	options = options_of(command);
	start_with(&options);
	free(command);
}

static void
say(const char *text)
{
	buffer_append_str(program_output(program), text);
	program_flush(program);
}

static bool
has_told(const char *text)
{
	return told.len >= strlen(text) && memmem(told.data, told.len, text, strlen(text)) != NULL;
}

static void
await(const char *text)
{
	while (!has_told(text)) {
		assert_null(how);
		uv_run(&loop, UV_RUN_ONCE);
	}
}

static void
await_end(void)
{
	while (how == NULL)
		uv_run(&loop, UV_RUN_ONCE);
}

/* It has told that, and has ended so. */
static void
expect(const char *lines, const char *end)
{
	await_end();
	buffer_append_char(&told, '\0');
	assert_string_equal(told.data, lines);
	assert_string_equal(how, end);
}

/* A process that this one has inherited is dead, of that signal. */
static void
expect_killed(pid_t process, int number)
{
	int status;

	assert_int_equal(waitpid(process, &status, 0), process);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), number);
}

static int
set_up(void **state)
{
	(void)state;
	user = 1000;
	closed = 0;
	how = NULL;
	ends_in_line = false;
	error_clear(&err);
	assert_int_equal(uv_loop_init(&loop), 0);
	return 0;
}

static int
tear_down(void **state)
{
	int status;

	(void)state;
	program_end(&program);
	assert_null(program);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
	buffer_free(&told);
	free(how);
	/* Nobody is left: those whom it has left behind were killed. */
	while (waitpid(-1, &status, 0) > 0)
		assert_true(WIFSIGNALED(status));
	assert_int_equal(errno, ECHILD);
	return 0;
}

#endif
