/*
 * sessiond/system/inherited_sockets.h: sockets that this process was given, and that it gives.
 */
#include "tests/unit/system/sockets_fixture.h"

static int
take(void)
{
	int n = inherited_sockets_take(set.sockets, LISTENING_SOCKETS_MAX, &err);

	set.count = n < 0 ? 0 : (size_t)n;
	return n;
}

static void
test_nothing_is_inherited(void **state)
{
	(void)state;
	assert_int_equal(take(), 0);
	setenv("LISTEN_FDS", "2", 1);
	assert_int_equal(take(), 0);
	say("1", "1", "name");
	assert_int_equal(take(), 0);
	assert_string_equal(getenv("LISTEN_PID"), "1");
	say(NULL, "0", NULL);
	assert_int_equal(take(), 0);
}

static void
test_each_kind_of_socket(void **state)
{
	char expected[160];
	int port = put_tcp(0, "127.0.0.1"), i;

	(void)state;
	put_unix(1, path_in_folder("socket"));
	put_unix(2, "@sockjs-test-abstract");
	say(NULL, "3", "web:local:");
	assert_int_equal(take(), 3);
	snprintf(expected, sizeof expected, "127.0.0.1:%d", port);
	assert_string_equal(set.sockets[0].name, expected);
	assert_false(set.sockets[0].is_unix);
	snprintf(expected, sizeof expected, "unix:%s/socket", folder);
	assert_string_equal(set.sockets[1].name, expected);
	assert_true(set.sockets[1].is_unix);
	assert_string_equal(set.sockets[2].name, "unix:@sockjs-test-abstract");
	assert_true(set.sockets[2].is_unix);
	assert_null(set.sockets[2].path);
	for (i = 0; i < 3; i++) {
		assert_int_equal(set.sockets[i].fd, FIRST + i);
		assert_true(fcntl(FIRST + i, F_GETFL) & O_NONBLOCK);
		assert_int_equal(fcntl(FIRST + i, F_GETFD), FD_CLOEXEC);
	}
	assert_null(getenv("LISTEN_PID"));
	assert_null(getenv("LISTEN_FDS"));
	assert_null(getenv("LISTEN_FDNAMES"));
}

static void
test_nonsense_in_the_environment(void **state)
{
	static const struct {
		const char *pid, *count, *names, *error;
	} cases[] = {
	    {"", "1", NULL, "LISTEN_PID is \"\""},
	    {"12x", "1", NULL, "LISTEN_PID is \"12x\""},
	    {"-4", "1", NULL, "LISTEN_PID is \"-4\""},
	    {"99999999999", "1", NULL, "LISTEN_PID"},
	    {NULL, "", NULL, "LISTEN_FDS is \"\", not a number up to 16"},
	    {NULL, "-1", NULL, "LISTEN_FDS is \"-1\""},
	    {NULL, "one", NULL, "LISTEN_FDS is \"one\""},
	    {NULL, "17", NULL, "not a number up to 16"},
	    {NULL, "1", "web:local", "LISTEN_FDNAMES has 2 names for 1 sockets"},
	    {NULL, "2", "web", "LISTEN_FDNAMES has 1 names for 2 sockets"},
	};
	size_t i;

	(void)state;
	put_tcp(0, "127.0.0.1");
	put_tcp(1, "127.0.0.1");
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		error_clear(&err);
		unsetenv("LISTEN_FDNAMES");
		say(cases[i].pid, cases[i].count, cases[i].names);
		assert_int_equal(take(), -1);
		assert_int_equal(err.code, EX_UNAVAILABLE);
		if (strstr(err.text, cases[i].error) == NULL)
			fail_msg("%s: not in: %s", cases[i].error, err.text);
	}
}

static void
refuses(int fd, const char *error)
{
	error_clear(&err);
	put_tcp(0, "127.0.0.1");
	if (fd == -1)
		close(FIRST + 1);
	else
		put(fd, 1);
	say(NULL, "2", NULL);
	assert_int_equal(take(), -1);
	assert_int_equal(err.code, EX_UNAVAILABLE);
	if (strstr(err.text, error) == NULL)
		fail_msg("%s: not in: %s", error, err.text);
	assert_int_equal(fcntl(FIRST, F_GETFD), -1); /* nothing is kept */
}

static void
test_what_is_no_listening_socket(void **state)
{
	int pair[2];

	(void)state;
	refuses(-1, "LISTEN_FDS is 2, but descriptor 4 is not open");
	refuses(fcntl(open("/dev/null", O_RDONLY), F_DUPFD, 20), "descriptor 4 is no socket");
	refuses(fcntl(socket(AF_INET, SOCK_DGRAM, 0), F_DUPFD, 20), "4 is no stream socket");
	refuses(fcntl(socket(AF_UNIX, SOCK_SEQPACKET, 0), F_DUPFD, 20), "4 is no stream socket");
	refuses(fcntl(socket(AF_INET, SOCK_STREAM, 0), F_DUPFD, 20), "socket that does not listen");
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	refuses(fcntl(pair[0], F_DUPFD, 20), "socket that does not listen");
}

/* --- passing on ------------------------------------------------------------------------------- */

/* In the child of test_pass: what a program that starts now finds. 0: what it should. */
static int
look(const struct listening_sockets *passed)
{
	struct listening_sockets found;
	size_t i;

	if (inherited_sockets_pass(passed->sockets, passed->count) == -1)
		return 1;
	for (i = 0; i < passed->count; i++)
		if (fcntl(FIRST + (int)i, F_GETFD) != 0) /* close-on-exec would lose it */
			return 2;
	if (open_sockets(&found, NULL, NULL, &everybody) == -1 || found.count != passed->count)
		return 3;
	for (i = 0; i < found.count; i++)
		if (strcmp(found.sockets[i].name, passed->sockets[i].name) != 0)
			return 4;
	return 0;
}

static void
test_pass(void **state)
{
	struct listening_socket first;
	int status;
	pid_t child;

	(void)state;
	opens("127.0.0.1:0 127.0.0.1:0", path_in_folder("socket"), 3);
	/* Where one has to be, another one is. */
	first = set.sockets[0];
	set.sockets[0] = set.sockets[2];
	set.sockets[2] = set.sockets[1];
	set.sockets[1] = first;
	setenv("LISTEN_FDNAMES", "of:somebody:else:s", 1);
	child = fork();
	if (child == 0)
		_exit(look(&set));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

/* In the child: what the sockets are for is known by their names. */
static int
look_at_names(const struct listening_sockets *opened)
{
	struct listening_sockets found = {.count = 3};

	if (inherited_sockets_pass(opened->sockets, opened->count) == -1 ||
	    inherited_sockets_take(found.sockets, LISTENING_SOCKETS_MAX, &err) != 3)
		return 1;
	if (!found.sockets[0].is_shared || found.sockets[0].is_control)
		return 2;
	if (found.sockets[1].is_shared || !found.sockets[1].is_control)
		return 3;
	return found.sockets[2].is_shared || found.sockets[2].is_control ? 4 : 0;
}

static void
test_pass_names(void **state)
{
	int status;
	pid_t child;

	(void)state;
	opens("127.0.0.1:0 127.0.0.1:0", path_in_folder("socket"), 3);
	set.sockets[0].is_shared = true;
	set.sockets[1].is_control = set.sockets[1].is_shared = true; /* each daemon's */
	child = fork();
	if (child == 0)
		_exit(look_at_names(&set));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_nothing_is_inherited),
	    TEST(test_each_kind_of_socket),
	    TEST(test_nonsense_in_the_environment),
	    TEST(test_what_is_no_listening_socket),
	    TEST(test_pass),
	    TEST(test_pass_names),
	};

	return cmocka_run_group_tests_name("inherited_sockets", tests, NULL, NULL);
}
