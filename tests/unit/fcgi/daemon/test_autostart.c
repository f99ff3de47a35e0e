/*
 * fcgi/daemon/autostart.h: the lock, in a folder that others can write to.
 */
#include "fcgi/daemon/autostart.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/log_capture.h"

enum { OTHER_USER = 1 };

static char folder[] = "/tmp/test_autostart.XXXXXX";
static char socket_path[64], lock[64], target[64];

static int
make_folder(void **state)
{
	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(socket_path, sizeof socket_path, "%s/socket", folder);
	snprintf(lock, sizeof lock, "%s/socket.lock", folder);
	snprintf(target, sizeof target, "%s/target", folder);
	return 0;
}

static int
clear(void **state)
{
	(void)state;
	unlink(target);
	unlink(lock);
	return 0;
}

static int
remove_folder(void **state)
{
	(void)state;
	return rmdir(folder);
}

static const char *
run(void)
{
	const struct responder_config config = {
	    .socket = socket_path,
	    .conf_path = "/nonexistent",
	    .options = {.autostart = true, .sessiond = "/bin/true"},
	};

	capture_begin_later();
	autostart(&config);
	return capture_end();
}

static void
test_own(void **state)
{
	struct stat st;

	(void)state;
	assert_non_null(strstr(run(), "autostart: started /bin/true"));
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(test_own, clear),
	    cmocka_unit_test_teardown(test_link, clear),
	    cmocka_unit_test_teardown(test_somebody_elses, clear),
	};

	return cmocka_run_group_tests_name("autostart", tests, make_folder, remove_folder);
}
