/* sessiond/control/control.h: who may ask, and what makes the daemon unready. */
#include "sessiond/control/control.h"

#include "common/loop.h"
#include "sessiond/session/session_set.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static uid_t peer; /* what the kernel says */

int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *len);

int
__wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *len)
{
	assert_int_equal(level, SOL_SOCKET);
	assert_int_equal(name, SO_PEERCRED);
	assert_int_equal(*len, sizeof(struct ucred));
	if (fd == -1)
		return -1;
	*(struct ucred *)value = (struct ucred){.pid = 1, .uid = peer, .gid = 0};
	return 0;
}

static bool
allows(char *users, uid_t user)
{
	const struct config config = {.server = {.control_users = users}};

	peer = user;
	return control_way(&config, 0) == HTTP_WAY_CONTROL;
}

/* Who may publish, and nothing else: by name, or by a group that the system says they are in. */
static enum http_way
way_of(char *publishers, uid_t user)
{
	const struct config config = {.server = {.publish_users = publishers}};

	peer = user;
	return control_way(&config, 0);
}

static void
test_publishers(void **state)
{
	static char users[] = "nosuchuser daemon", group[] = "@nosuchgroup, @bin";
	const uid_t stranger = 12345, daemon_uid = 1, bin = 2;

	(void)state;
	assert_int_equal(way_of(users, 0), HTTP_WAY_CONTROL);
	assert_int_equal(way_of(users, daemon_uid), HTTP_WAY_PUBLISH);
	assert_int_equal(way_of(users, bin), HTTP_WAY_BARRED);
	assert_int_equal(way_of(group, bin), HTTP_WAY_PUBLISH);
	assert_int_equal(way_of(group, daemon_uid), HTTP_WAY_BARRED);
	assert_int_equal(way_of(group, stranger), HTTP_WAY_BARRED);
	assert_int_equal(way_of(NULL, bin), HTTP_WAY_BARRED);
}

static void
test_allows(void **state)
{
	static char users[] = "nosuchuser, daemon bin";
	const struct config config = {.server = {.control_users = NULL}};
	const uid_t stranger = 12345, daemon_uid = 1, bin = 2, sys = 3;

	(void)state;
	assert_true(allows(NULL, 0));
	assert_true(allows(NULL, geteuid()));
	assert_false(allows(NULL, stranger));
	assert_false(allows(NULL, daemon_uid));
	assert_true(allows(users, 0));
	assert_true(allows(users, daemon_uid));
	assert_true(allows(users, bin));
	assert_false(allows(users, sys));
	assert_false(allows(users, stranger));
	assert_int_equal(control_way(&config, -1), HTTP_WAY_BARRED);
}

static void
test_token(void **state)
{
	static const char token[] = "0123456789abcdef";

	(void)state;
	assert_true(control_token_is_right("Bearer 0123456789abcdef", token));
	assert_true(control_token_is_right("bearer   0123456789abcdef", token));
	assert_false(control_token_is_right(NULL, token));
	assert_false(control_token_is_right("", token));
	assert_false(control_token_is_right("Bearer ", token));
	assert_false(control_token_is_right("Bearer 0123456789abcde", token));
	assert_false(control_token_is_right("Bearer 0123456789abcdex", token));
	assert_false(control_token_is_right("Bearer 0123456789abcdef0123456789abcdef", token));
	assert_false(control_token_is_right("Bearer 0123456789abcdef ", token));
	assert_false(control_token_is_right("Basic 0123456789abcdef", token));
	assert_false(control_token_is_right("0123456789abcdef", token));
}

static void
test_unready(void **state)
{
	struct loop loop = {.is_draining = false};
	struct sessions sessions = {.count = 0};
	const struct metrics_sources sources = {.loop = &loop, .sessions = &sessions};

	(void)state;
	assert_null(control_unready(&sources));
	sessions.journal.is_failing = true;
	assert_string_equal(control_unready(&sources), "the session store cannot be written");
	sessions.is_draining = true;
	assert_string_equal(control_unready(&sources), "the session store cannot be written");
	sessions.journal.is_failing = false;
	assert_string_equal(control_unready(&sources), "draining");
	loop.is_draining = true;
	assert_string_equal(control_unready(&sources), "the daemon is stopping");
}

/* Nothing but /up and /metrics is anywhere else than on the control socket. */
static void
test_ways(void **state)
{
	const struct http_handler *handler = control_handlers;

	(void)state;
	for (; handler->path != NULL; handler++) {
		bool is_open =
		    strcmp(handler->path, "/up") == 0 || strcmp(handler->path, "/metrics") == 0;

		assert_int_equal((handler->ways & 1u << HTTP_WAY_CLIENTS) != 0, is_open);
		assert_true(handler->ways & 1u << HTTP_WAY_CONTROL);
		assert_false(handler->ways & 1u << HTTP_WAY_BARRED);
		assert_int_equal((handler->ways & 1u << HTTP_WAY_PUBLISH) != 0,
		    strcmp(handler->path, "/publish") == 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_allows),
	    cmocka_unit_test(test_publishers),
	    cmocka_unit_test(test_token),
	    cmocka_unit_test(test_unready),
	    cmocka_unit_test(test_ways),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
