/*
 * sessiond/system/socket_takeover.h, with libmicrohttpd as the daemon runs it: no thread, no
 * listener, external epoll.
 */
#include "sessiond/system/socket_takeover.h"

#include "sessiond/http/http_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { WAIT_MS = 10000 }; /* longer than anything here takes */

static const char request[] =
    "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: test\r\n\r\n";

static struct MHD_Daemon *mhd;
static int epoll_fd;
static int taken; /* by the last upgrade; -1: none was */
static char early[64];
static size_t early_len;

/* --- the daemon ------------------------------------------------------------------------------- */

static void
on_upgraded(void *cls, struct MHD_Connection *connection, void *context, const char *extra,
    size_t extra_len, MHD_socket fd, struct MHD_UpgradeResponseHandle *upgrade)
{
	(void)cls;
	(void)connection;
	(void)context;
	assert_true(extra_len < sizeof early);
	if (extra_len > 0)
		memcpy(early, extra, extra_len);
	early_len = extra_len;
	taken = socket_takeover(fd);
	MHD_upgrade_action(upgrade, MHD_UPGRADE_ACTION_CLOSE);
}

static enum MHD_Result
on_request(void *cls, struct MHD_Connection *connection, const char *uri, const char *method,
    const char *version, const char *upload, size_t *upload_size, void **context)
{
	static char seen;
	struct MHD_Response *response;
	enum MHD_Result result;

	(void)cls, (void)uri, (void)method, (void)version, (void)upload, (void)upload_size;
	if (*context == NULL) {
		*context = &seen;
		return MHD_YES;
	}
	response = MHD_create_response_for_upgrade(on_upgraded, NULL);
	assert_non_null(response);
	MHD_add_response_header(response, MHD_HTTP_HEADER_UPGRADE, "test");
	result = MHD_queue_response(connection, MHD_HTTP_SWITCHING_PROTOCOLS, response);
	MHD_destroy_response(response);
	return result;
}

static int
set_up(void **state)
{
	(void)state;
	mhd = MHD_start_daemon(HTTP_SERVER_ONE_THREAD | MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET |
		MHD_ALLOW_SUSPEND_RESUME | MHD_ALLOW_UPGRADE,
	    0, NULL, NULL, on_request, NULL, MHD_OPTION_CONNECTION_LIMIT, 200u, MHD_OPTION_END);
	assert_non_null(mhd);
	epoll_fd = MHD_get_daemon_info(mhd, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	MHD_stop_daemon(mhd);
	socket_takeover_clear();
	return 0;
}

static unsigned
connections(void)
{
	return MHD_get_daemon_info(mhd, MHD_DAEMON_INFO_CURRENT_CONNECTIONS)->num_connections;
}

/* One turn of libmicrohttpd, once it has something to do. */
static void
run_daemon(void)
{
	struct pollfd fd = {.fd = epoll_fd, .events = POLLIN};
	MHD_UNSIGNED_LONG_LONG timeout;

	if (MHD_get_timeout(mhd, &timeout) != MHD_YES || timeout > WAIT_MS)
		timeout = WAIT_MS;
	assert_true(poll(&fd, 1, (int)timeout) >= 0);
	assert_int_equal(MHD_run(mhd), MHD_YES);
}

/* --- connections ------------------------------------------------------------------------------ */

static void
make_unix_pair(int pair[2])
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(fcntl(pair[1], F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(
	    MHD_add_connection(mhd, pair[1], (struct sockaddr *)&address, sizeof(sa_family_t)),
	    MHD_YES);
}

static void
make_tcp_pair(int pair[2])
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	struct sockaddr *any = (struct sockaddr *)&address;
	socklen_t len = sizeof address;
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(listener, any, len), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, any, &len), 0);
	pair[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(pair[0], any, len), 0);
	pair[1] = accept4(listener, any, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);
	assert_true(pair[1] >= 0);
	close(listener);
	assert_int_equal(MHD_add_connection(mhd, pair[1], any, len), MHD_YES);
}

static void
send_all(int fd, const char *data)
{
	assert_int_equal(send(fd, data, strlen(data), MSG_NOSIGNAL), strlen(data));
}

/* Reads what is expected, "" being the end; either side may be non-blocking. */
static void
expect_read(int fd, const char *expected)
{
	struct pollfd ready = {.fd = fd, .events = POLLIN};
	size_t n = 0, len = strlen(expected);
	char data[256];
	ssize_t got;

	do {
		assert_int_equal(poll(&ready, 1, WAIT_MS), 1);
		got = read(fd, data + n, len == 0 ? 1 : len - n);
		assert_int_equal(got > 0, len > 0);
		n += (size_t)got;
	} while (n < len);
	assert_memory_equal(data, expected, len);
}

static void
expect_101(int fd)
{
	struct pollfd ready = {.fd = fd, .events = POLLIN};
	char head[1024];
	size_t n = 0;

	do {
		assert_true(n < sizeof head - 1);
		assert_int_equal(poll(&ready, 1, WAIT_MS), 1);
		assert_int_equal(read(fd, head + n, 1), 1);
		head[++n] = '\0';
	} while (strstr(head, "\r\n\r\n") == NULL);
	assert_memory_equal(head, "HTTP/1.1 101 ", 13);
}

/* Has a connection upgraded and taken over; libmicrohttpd may still have it. */
static int
upgrade(const int pair[2], const char *data)
{
	int turns = 0;

	taken = -1;
	send_all(pair[0], request);
	if (data[0] != '\0')
		send_all(pair[0], data);
	while (taken == -1) {
		assert_true(++turns < 100);
		run_daemon();
	}
	expect_101(pair[0]);
	return taken;
}

/* In the next turn, which nothing announces: the daemon takes care to have one. */
static void
expect_let_go(void)
{
	assert_int_equal(MHD_run(mhd), MHD_YES);
	assert_int_equal(connections(), 0);
}

static void
expect_flow(int client, int server)
{
	send_all(client, "to the server");
	expect_read(server, "to the server");
	send_all(server, "to the client");
	expect_read(client, "to the client");
}

static int
open_descriptors(void)
{
	DIR *folder = opendir("/proc/self/fd");
	int n = 0;

	assert_non_null(folder);
	while (readdir(folder) != NULL)
		n++;
	closedir(folder);
	return n;
}

/* --- the tests -------------------------------------------------------------------------------- */

static void
check_takeover(void (*make_pair)(int pair[2]))
{
	int pair[2], server, before = open_descriptors();

	make_pair(pair);
	assert_int_equal(connections(), 1);
	server = upgrade(pair, "");
	assert_int_equal(early_len, 0);
	assert_int_not_equal(server, pair[1]);
	assert_true(fcntl(server, F_GETFD) & FD_CLOEXEC);
	expect_flow(pair[0], server);
	expect_let_go();
	assert_int_equal(connections(), 0);
	assert_int_equal(fcntl(pair[1], F_GETFD), -1); /* libmicrohttpd has closed its descriptor */
	expect_flow(pair[0], server); /* and neither closed nor shut down the connection */
	assert_int_equal(shutdown(pair[0], SHUT_WR), 0);
	expect_read(server, "");
	send_all(server, "last");
	close(server);
	expect_read(pair[0], "last");
	expect_read(pair[0], "");
	close(pair[0]);
	assert_int_equal(open_descriptors(), before + 1); /* the dummy */
	socket_takeover_clear();
	socket_takeover_clear();
	assert_int_equal(open_descriptors(), before);
}

static void
test_unix_socket(void **state)
{
	(void)state;
	check_takeover(make_unix_pair);
}

static void
test_tcp_socket(void **state)
{
	(void)state;
	check_takeover(make_tcp_pair);
}

/*
 * What follows the request's head is the peer's first data: all of it comes, in order, none twice.
 */
static void
test_early_data(void **state)
{
	static const char data[] = "early data";
	int pair[2], server;

	(void)state;
	make_unix_pair(pair);
	server = upgrade(pair, data);
	assert_in_range(early_len, 1, strlen(data));
	assert_memory_equal(early, data, early_len);
	if (early_len < strlen(data))
		expect_read(server, data + early_len);
	expect_flow(pair[0], server);
	close(server);
	close(pair[0]);
}

/* libmicrohttpd must not be woken, again and again, by data that is not its own. */
static void
test_nobody_else_watches(void **state)
{
	struct pollfd fd = {.fd = epoll_fd, .events = POLLIN};
	int pair[2], server;

	(void)state;
	make_tcp_pair(pair);
	server = upgrade(pair, "");
	expect_let_go();
	send_all(pair[0], "x");
	expect_read(server, "x");
	send_all(pair[0], "y");
	assert_int_equal(poll(&fd, 1, 0), 0);
	close(pair[0]);
	expect_read(server, "y");
	assert_int_equal(poll(&fd, 1, 0), 0);
	close(server);
}

/* Descriptors' numbers are used again at once: none may lead to another's connection. */
static void
test_many_at_once(void **state)
{
	enum { MANY = 50 };
	int pairs[MANY][2], servers[MANY], i;
	char name[2] = "";

	(void)state;
	for (i = 0; i < MANY; i++) {
		make_unix_pair(pairs[i]);
		servers[i] = upgrade(pairs[i], "");
	}
	expect_let_go();
	for (i = 0; i < MANY; i++) {
		name[0] = (char)('0' + i);
		send_all(pairs[i][0], name);
		send_all(servers[i], name);
	}
	for (i = MANY - 1; i >= 0; i--) {
		name[0] = (char)('0' + i);
		expect_read(servers[i], name);
		expect_read(pairs[i][0], name);
		close(servers[i]);
		expect_read(pairs[i][0], "");
		close(pairs[i][0]);
	}
}

static void
test_descriptors_are_stable(void **state)
{
	int pair[2], server, round, before = 0;

	(void)state;
	for (round = 0; round < 1001; round++) {
		if (round == 1)
			before = open_descriptors(); /* with the dummy */
		make_unix_pair(pair);
		server = upgrade(pair, "");
		expect_flow(pair[0], server);
		close(server);
		close(pair[0]);
		expect_let_go();
	}
	assert_int_equal(open_descriptors(), before);
	assert_int_equal(connections(), 0);
}

/* Runs with no descriptor to be had: fd stays as it is. */
static void
expect_refused(int fd, int peer)
{
	struct rlimit limit, none;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = limit;
	none.rlim_cur = 1; /* and 0 is in use */
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	errno = 0;
	assert_int_equal(socket_takeover(fd), -1);
	assert_int_equal(errno, EMFILE);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	expect_flow(peer, fd);
}

static void
test_no_descriptor(void **state)
{
	int pair[2], server, before;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	before = open_descriptors();
	expect_refused(pair[1], pair[0]); /* not even for the dummy */
	assert_int_equal(open_descriptors(), before);
	server = socket_takeover(pair[1]);
	assert_true(server >= 0);
	expect_flow(pair[0], server);
	expect_refused(server, pair[0]);
	assert_int_equal(open_descriptors(), before + 2); /* the dummy, and the duplicate */
	close(pair[1]);
	close(server);
	close(pair[0]);
	errno = 0;
	assert_int_equal(socket_takeover(-1), -1);
	assert_int_equal(errno, EBADF);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(unix_socket),
	    TEST(tcp_socket),
	    TEST(early_data),
	    TEST(nobody_else_watches),
	    TEST(many_at_once),
	    TEST(descriptors_are_stable),
	    TEST(no_descriptor),
	};

	return cmocka_run_group_tests_name("socket_takeover", tests, NULL, NULL);
}
