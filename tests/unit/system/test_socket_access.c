/*
 * system/socket_access.h
 */
#include "system/socket_access.h"

#include <grp.h>
#include <pwd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sysexits.h>
#include <unistd.h>

#include <cmocka.h>

static void
test_defaults(void **state)
{
	struct socket_access access;
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(socket_access_resolve(NULL, NULL, "0640", &access, &err), 0);
	assert_int_equal(access.mode, 0640);
	assert_int_equal(access.owner, (uid_t)-1);
	assert_int_equal(access.group, (gid_t)-1);
}

/* Only root gives a file to somebody else. */
static void
test_names(void **state)
{
	struct socket_access access;
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(socket_access_resolve("daemon", "daemon", "666", &access, &err), 0);
	assert_int_equal(access.group, getgrnam("daemon")->gr_gid);
	assert_int_equal(access.owner, geteuid() == 0 ? getpwnam("daemon")->pw_uid : (uid_t)-1);
}

/* The control socket is the daemon's, whoever the clients' socket is for. */
static void
test_control(void **state)
{
	struct socket_access access;
	struct error err = ERROR_INIT;
	bool is_root = geteuid() == 0;

	(void)state;
	assert_int_equal(
	    socket_access_resolve_control("nobody", "daemon", false, &access, &err), 0);
	assert_int_equal(access.mode, 0660);
	assert_int_equal(access.owner, is_root ? getpwnam("nobody")->pw_uid : (uid_t)-1);
	assert_int_equal(access.group, is_root ? getgrnam("daemon")->gr_gid : (gid_t)-1);
	assert_int_equal(socket_access_resolve_control("nobody", NULL, true, &access, &err), 0);
	assert_int_equal(access.mode, 0666);
	assert_int_equal(access.group, is_root ? getpwnam("nobody")->pw_gid : (gid_t)-1);
}

static void
test_gone(void **state)
{
	struct socket_access access;
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(socket_access_resolve(NULL, "no-such-group", "666", &access, &err), -1);
	assert_int_equal(err.code, EX_CONFIG);
	assert_string_equal(err.text,
	    "socket_group: there is no group \"no-such-group\"; make it, or name another");
	error_clear(&err);
	assert_int_equal(socket_access_resolve("no-such-user", NULL, "666", &access, &err),
	    geteuid() == 0 ? -1 : 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_defaults),
	    cmocka_unit_test(test_names),
	    cmocka_unit_test(test_control),
	    cmocka_unit_test(test_gone),
	};

	return cmocka_run_group_tests_name("socket_access", tests, NULL, NULL);
}
