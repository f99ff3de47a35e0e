/*
 * sessiond/system/inherited_sockets.h and listening_sockets.h: each test puts sockets at the descriptors from 3 on, as systemd does, says so in
 * the environment, and looks at what a daemon makes of it.
 */
#include "sessiond/system/inherited_sockets.h"
#include "sessiond/system/listening_sockets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

enum { FIRST = INHERITED_SOCKETS_FIRST };

static const struct socket_access everybody = {0666, (uid_t)-1, (gid_t)-1};
static char folder[64];
static struct listening_sockets set;
static struct error err;

/* --- the process that starts us ----------------------------------------------------------------------------------- */

static int
put(int fd, int index)
{
	assert_int_not_equal(fd, -1);
	if (fd != FIRST + index) {
		assert_int_equal(dup2(fd, FIRST + index), FIRST + index);
		close(fd);
	}
	return FIRST + index;
}

/* Listens on a port of the system's choice; returns it. */
static int
put_tcp(int index, const char *host)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
	bool is_v6 = strchr(host, ':') != NULL;
	struct sockaddr *address = is_v6 ? (struct sockaddr *)&v6 : (struct sockaddr *)&v4;
	socklen_t len = is_v6 ? sizeof v6 : sizeof v4;
	int fd = put(socket(address->sa_family, SOCK_STREAM, 0), index);

	assert_int_equal(inet_pton(address->sa_family, host,
			     is_v6 ? (void *)&v6.sin6_addr : (void *)&v4.sin_addr),
	    1);
	assert_int_equal(bind(fd, address, len), 0);
	assert_int_equal(listen(fd, 8), 0);
	assert_int_equal(getsockname(fd, address, &len), 0);
	return ntohs(is_v6 ? v6.sin6_port : v4.sin_port);
}

static void
put_unix(int index, const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
	int fd = put(socket(AF_UNIX, SOCK_STREAM, 0), index);

	memcpy(address.sun_path, path, strlen(path));
	if (path[0] == '@')
		address.sun_path[0] = '\0';
	assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
	assert_int_equal(listen(fd, 8), 0);
}

static void
say(const char *pid, const char *count, const char *names)
{
	char own[16];

	snprintf(own, sizeof own, "%ld", (long)getpid());
	setenv("LISTEN_PID", pid == NULL ? own : pid, 1);
	setenv("LISTEN_FDS", count, 1);
	if (names != NULL)
		setenv("LISTEN_FDNAMES", names, 1);
}

static const char *
path_in_folder(const char *name)
{
	static char path[128];

	snprintf(path, sizeof path, "%s/%s", folder, name);
	return path;
}

static int
begin(void **state)
{
	(void)state;
	error_clear(&err);
	strcpy(folder, "/tmp/sockjs-inherited-XXXXXX");
	return mkdtemp(folder) == NULL ? -1 : 0;
}

static int
finish(void **state)
{
	int fd;

	(void)state;
	listening_sockets_close(&set);
	for (fd = FIRST; fd < FIRST + LISTENING_SOCKETS_MAX + 8; fd++)
		close(fd);
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	unlink(path_in_folder("socket"));
	unlink(path_in_folder("link"));
	return rmdir(folder);
}

/* --- what is inherited -------------------------------------------------------------------------------------------- */

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
test_ipv6(void **state)
{
	char expected[32];
	int fd = socket(AF_INET6, SOCK_STREAM, 0);
	const struct sockaddr_in6 loopback = {
	    .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};

	(void)state;
	if (fd == -1 || bind(fd, (const struct sockaddr *)&loopback, sizeof loopback) == -1) {
		/* cmocka's skip() is a failure in TAP. */
		print_message("# there is no IPv6 here: not looked at\n");
		close(fd);
		return;
	}
	close(fd);
	snprintf(expected, sizeof expected, "[::1]:%d", put_tcp(0, "::1"));
	say(NULL, "1", NULL);
	assert_int_equal(listening_sockets_open(&set, expected, NULL, &everybody, &err), 0);
	assert_int_equal(set.count, 1);
	assert_string_equal(set.sockets[0].name, expected);
	assert_true(set.sockets[0].is_inherited);
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

/* --- together with what the options name -------------------------------------------------------------------------- */

static void
opens(const char *addresses, const char *path, size_t count)
{
	if (listening_sockets_open(&set, addresses, path, &everybody, &err) == -1)
		fail_msg("%s", err.text);
	assert_int_equal(set.count, count);
}

static void
test_an_option_uses_the_inherited_one(void **state)
{
	char addresses[64];

	(void)state;
	snprintf(addresses, sizeof addresses, "127.0.0.1:%d,127.0.0.2:%d", put_tcp(0, "127.0.0.1"),
	    put_tcp(1, "127.0.0.2"));
	put_unix(2, path_in_folder("socket"));
	say(NULL, "3", NULL);
	opens(addresses, path_in_folder("socket"), 3);
}

static void
test_others_are_used_and_opened_too(void **state)
{
	int port = put_tcp(0, "127.0.0.1");

	(void)state;
	say(NULL, "1", NULL);
	opens("127.0.0.2:0", path_in_folder("socket"), 3);
	assert_true(set.sockets[0].is_inherited);
	assert_non_null(strchr(set.sockets[0].name, ':'));
	assert_int_equal(atoi(strchr(set.sockets[0].name, ':') + 1), port);
	assert_false(set.sockets[1].is_inherited);
	assert_int_equal(strncmp(set.sockets[1].name, "127.0.0.2:", 10), 0);
	assert_true(set.sockets[2].is_unix);
}

static void
test_any_port_takes_what_no_other_option_names(void **state)
{
	char addresses[64];

	(void)state;
	put_tcp(0, "127.0.0.1");
	snprintf(addresses, sizeof addresses, "127.0.0.1:0 127.0.0.1:%d", put_tcp(1, "127.0.0.1"));
	say(NULL, "2", NULL);
	opens(addresses, NULL, 2);
}

static void
test_every_address(void **state)
{
	char port[8];

	(void)state;
	snprintf(port, sizeof port, "%d", put_tcp(0, "0.0.0.0"));
	say(NULL, "1", NULL);
	opens(port, NULL, 1);
}

static void
test_another_address_of_the_port_is_another_socket(void **state)
{
	char address[32];

	(void)state;
	snprintf(address, sizeof address, "127.0.0.3:%d", put_tcp(0, "127.0.0.1"));
	say(NULL, "1", NULL);
	opens(address, NULL, 2);
	assert_string_equal(set.sockets[1].name, address);
}

static void
test_inherited_alone_is_enough(void **state)
{
	(void)state;
	put_tcp(0, "127.0.0.1");
	say(NULL, "1", NULL);
	opens(NULL, NULL, 1);
	listening_sockets_close(&set);
	assert_int_equal(listening_sockets_open(&set, NULL, NULL, &everybody, &err), -1);
	assert_int_equal(err.code, EX_CONFIG);
	assert_non_null(strstr(err.text, "nowhere to listen"));
}

static void
test_too_many(void **state)
{
	char addresses[LISTENING_SOCKETS_MAX * 16] = "";
	int i;

	(void)state;
	for (i = 0; i < LISTENING_SOCKETS_MAX; i++)
		strcat(addresses, "127.0.0.1:0 ");
	opens(addresses, NULL, LISTENING_SOCKETS_MAX);
	listening_sockets_close(&set);
	assert_int_equal(
	    listening_sockets_open(&set, addresses, path_in_folder("socket"), &everybody, &err),
	    -1);
	assert_non_null(strstr(err.text, "more than 16"));
	error_clear(&err);
	strcat(addresses, "127.0.0.1:0");
	assert_int_equal(listening_sockets_open(&set, addresses, NULL, &everybody, &err), -1);
	assert_non_null(strstr(err.text, "listen: more than 16 addresses"));
}

static void
test_the_file_belongs_to_who_made_it(void **state)
{
	char link[128];

	(void)state;
	put_unix(0, path_in_folder("socket"));
	strcpy(link, path_in_folder("link"));
	assert_int_equal(symlink(path_in_folder("socket"), link), 0);
	say(NULL, "1", NULL);
	opens(NULL, link, 1); /* the same file by another path */
	listening_sockets_close(&set);
	assert_int_equal(access(path_in_folder("socket"), F_OK), 0);
	unlink(link);
	opens(NULL, path_in_folder("socket"), 1); /* it is dead now: replaced by our own */
	listening_sockets_close(&set);
	assert_int_equal(access(path_in_folder("socket"), F_OK), -1);
}

/* --- passing on --------------------------------------------------------------------------------------------------- */

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
	if (listening_sockets_open(&found, NULL, NULL, &everybody, &err) == -1 ||
	    found.count != passed->count)
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

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, finish)
	const struct CMUnitTest tests[] = {
	    TEST(test_nothing_is_inherited),
	    TEST(test_each_kind_of_socket),
	    TEST(test_ipv6),
	    TEST(test_nonsense_in_the_environment),
	    TEST(test_what_is_no_listening_socket),
	    TEST(test_an_option_uses_the_inherited_one),
	    TEST(test_others_are_used_and_opened_too),
	    TEST(test_any_port_takes_what_no_other_option_names),
	    TEST(test_every_address),
	    TEST(test_another_address_of_the_port_is_another_socket),
	    TEST(test_inherited_alone_is_enough),
	    TEST(test_too_many),
	    TEST(test_the_file_belongs_to_who_made_it),
	    TEST(test_pass),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
