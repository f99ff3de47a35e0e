/*
 * system/socket_file.h: another user, whose folder it is, puts something in the socket's place. The
 * linker's --wrap lets that happen right after bind(2). As root the files are given to another
 * user, so that what must not be changed is root's; without root there is nobody to give them to.
 */
#include "system/listening_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include <cmocka.h>

enum { OTHER_USER = 1 };

static char folder[] = "/tmp/test_socket_file.XXXXXX";
static char path[64], victim[64];
static void (*after_bind)(void);
static struct listening_socket listening;
static struct error err;

int __real_bind(int fd, const struct sockaddr *address, socklen_t len);
int __wrap_bind(int fd, const struct sockaddr *address, socklen_t len);

int
__wrap_bind(int fd, const struct sockaddr *address, socklen_t len)
{
	int result = __real_bind(fd, address, len);

	if (result == 0 && after_bind != NULL)
		after_bind();
	return result;
}

static int
make_folder(void **state)
{
	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(path, sizeof path, "%s/socket", folder);
	snprintf(victim, sizeof victim, "%s/victim", folder);
	return 0;
}

static int
set_up(void **state)
{
	int fd = open(victim, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	(void)state;
	after_bind = NULL;
	err = (struct error)ERROR_INIT;
	return fd == -1 ? -1 : close(fd);
}

static int
tear_down(void **state)
{
	(void)state;
	unlink(path);
	return unlink(victim);
}

static int
remove_folder(void **state)
{
	(void)state;
	return rmdir(folder);
}

static int
open_socket(void)
{
	const struct socket_access access = {
	    0666, geteuid() == 0 ? OTHER_USER : (uid_t)-1, (gid_t)-1};

	return listening_socket_open_unix(&listening, "socket", path, &access, &err);
}

static void
assert_victim_unharmed(void)
{
	struct stat st;

	assert_int_equal(lstat(victim, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(st.st_uid, geteuid());
}

static void
put_symlink(void)
{
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink(victim, path), 0);
}

static void
put_hard_link(void)
{
	assert_int_equal(unlink(path), 0);
	assert_int_equal(link(victim, path), 0);
}

static void
check_refused(void (*attack)(void))
{
	after_bind = attack;
	assert_int_equal(open_socket(), -1);
	assert_int_equal(listening.fd, -1);
	assert_int_equal(err.code, EX_UNAVAILABLE);
	assert_non_null(strstr(err.text, "somebody has put something else in the socket's place"));
	assert_victim_unharmed();
}

static void
test_symlink(void **state)
{
	(void)state;
	check_refused(put_symlink);
}

static void
test_hard_link(void **state)
{
	(void)state;
	check_refused(put_hard_link);
}

static void
put_nothing(void)
{
	assert_int_equal(unlink(path), 0);
}

static void
test_nothing(void **state)
{
	(void)state;
	check_refused(put_nothing);
}

/* A link that is there before is no socket, and stays. */
static void
test_link_before(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(symlink(victim, path), 0);
	assert_int_equal(open_socket(), -1);
	assert_non_null(strstr(err.text, "it exists and is no socket"));
	assert_int_equal(lstat(path, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_victim_unharmed();
}

/* The umask takes nothing away, and what is there for a moment is not wider. */
static mode_t mode_after_bind;

static void
look_at_mode(void)
{
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	mode_after_bind = st.st_mode & 07777;
}

static void
test_access(void **state)
{
	const mode_t masks[] = {0, 022, 077, 0777};
	struct stat st;

	(void)state;
	after_bind = look_at_mode;
	for (size_t i = 0; i < sizeof masks / sizeof masks[0]; i++) {
		const struct socket_access access = {
		    0620, geteuid() == 0 ? OTHER_USER : (uid_t)-1, (gid_t)-1};
		mode_t before = umask(masks[i]);

		assert_int_equal(
		    listening_socket_open_unix(&listening, "socket", path, &access, &err), 0);
		umask(before);
		assert_int_equal(mode_after_bind & ~(mode_t)0620, 0);
		assert_int_equal(lstat(path, &st), 0);
		assert_int_equal(st.st_mode & 07777, 0620);
		assert_int_equal(st.st_uid, geteuid() == 0 ? OTHER_USER : geteuid());
		assert_int_equal(st.st_gid, getegid());
		listening_socket_close(&listening);
		assert_int_equal(lstat(path, &st), -1);
	}
}

/* What somebody has put there in the meantime is not removed at the end. */
static void
test_end(void **state)
{
	(void)state;
	assert_int_equal(open_socket(), 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(link(victim, path), 0);
	listening_socket_close(&listening);
	assert_int_equal(access(path, F_OK), 0);
	assert_victim_unharmed();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_symlink, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_hard_link, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_nothing, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_link_before, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_access, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_end, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("socket_file", tests, make_folder, remove_folder);
}
