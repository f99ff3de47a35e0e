/*
 * sessiond/commands.h: files that are commands.
 */
#include "sessiond/commands.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sysexits.h>

#include <cmocka.h>

#include "tests/unit/log_capture.h"

static char folder[] = "/tmp/test_commands.XXXXXX";
static char calls[16]; /* r(eload), R(estart), s(top) */
static uv_loop_t loop;
static struct commands commands;

static int
called(const char *letter, struct error *err)
{
	strcat(calls, letter);
	return letter[0] == 'R' ? error_set(err, EX_UNAVAILABLE, "no supervisor") : 0;
}

static int
reload(void *owner, struct error *err)
{
	assert_ptr_equal(owner, &commands);
	return called("r", err);
}

static int
restart(void *owner, struct error *err)
{
	(void)owner;
	return called("R", err);
}

static int
stop(void *owner, struct error *err)
{
	(void)owner;
	return called("s", err);
}

static int
set_up(void **state)
{
	static const struct command_calls table = {reload, restart, stop};

	(void)state;
	calls[0] = '\0';
	uv_loop_init(&loop);
	commands_start(&commands, &loop, folder, &table, &commands);
	return mkdtemp(folder) == NULL ? -1 : 0;
}

static int
tear_down(void **state)
{
	(void)state;
	uv_close((uv_handle_t *)&commands.timer, NULL);
	uv_run(&loop, UV_RUN_DEFAULT);
	uv_loop_close(&loop);
	strcpy(folder + strlen(folder) - 6, "XXXXXX");
	return 0;
}

static char *
path_of(const char *name)
{
	static char path[80];

	snprintf(path, sizeof path, "%s/%s", folder, name);
	return path;
}

static void
touch(const char *name)
{
	int fd = open(path_of(name), O_WRONLY | O_CREAT, 0600);

	assert_true(fd != -1 && futimens(fd, NULL) == 0 && close(fd) == 0);
}

static const char *
look(void)
{
	capture_begin();
	commands_look(&commands);
	return capture_end();
}

static void
test_obeyed_and_removed(void **state)
{
	(void)state;
	assert_string_equal(look(), "");
	touch("reload");
	look();
	look();
	assert_string_equal(calls, "r");
	assert_int_equal(access(path_of("reload"), F_OK), -1);
	touch("restart");
	assert_non_null(strstr(look(), "error: restart: no supervisor"));
	touch("reload");
	look();
	assert_string_equal(calls, "rRr");
	assert_int_equal(rmdir(folder), 0);
}

static void
test_stop_stays(void **state)
{
	(void)state;
	touch("stop");
	look();
	look();
	assert_string_equal(calls, "s");
	assert_int_equal(unlink(path_of("stop")), 0);
	assert_int_equal(rmdir(folder), 0);
}

/* A folder of that name: it is there, and cannot be removed. */
static void
test_cannot_be_removed(void **state)
{
	(void)state;
	assert_int_equal(mkdir(path_of("reload"), 0700), 0);
	assert_non_null(strstr(look(), "reload cannot be removed"));
	assert_string_equal(look(), "");
	assert_string_equal(calls, "r");
	assert_int_equal(rmdir(path_of("reload")), 0);
	assert_int_equal(rmdir(folder), 0);
}

/* The timer looks by itself. */
static void
test_timer(void **state)
{
	(void)state;
	touch("reload");
	capture_begin();
	while (calls[0] == '\0')
		uv_run(&loop, UV_RUN_ONCE);
	capture_end();
	assert_string_equal(calls, "r");
	assert_int_equal(rmdir(folder), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_obeyed_and_removed, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_stop_stays, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_cannot_be_removed, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_timer, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("commands", tests, NULL, NULL);
}
