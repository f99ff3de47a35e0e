/*
 * sessiond/system/acceptors.h and acceptor.h: clients of a loop that runs in this process.
 */
#include "sessiond/system/acceptors.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/test_acceptors.XXXXXX";
static char path[64];
static uv_loop_t loop;
static struct acceptors acceptors;
static struct error err;
static int by_tcp, by_unix, by_control; /* connections accepted */

static void
count(int *counter, int fd)
{
	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	close(fd);
	++*counter;
}

static void
on_accept(void *context, int fd, const struct sockaddr *address, socklen_t len)
{
	assert_ptr_equal(context, &loop);
	assert_int_equal(address->sa_family, AF_INET);
	assert_true(len >= sizeof(struct sockaddr_in));
	count(&by_tcp, fd);
}

static void
on_local_accept(void *context, int fd, const struct sockaddr *address, socklen_t len)
{
	assert_ptr_equal(context, &loop);
	assert_int_equal(address->sa_family, AF_UNIX);
	(void)len;
	count(&by_unix, fd);
}

static void
on_control_accept(void *context, int fd, const struct sockaddr *address, socklen_t len)
{
	assert_ptr_equal(context, &loop);
	assert_int_equal(address->sa_family, AF_UNIX);
	(void)len;
	count(&by_control, fd);
}

static int
set_up(void **state)
{
	static const struct acceptor_calls calls = {on_accept, on_local_accept, on_control_accept};

	by_tcp = by_unix = by_control = 0;
	(void)state;
	uv_loop_init(&loop);
	acceptors_init(&acceptors, &loop, &calls, &loop);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	acceptors_close(&acceptors);
	uv_run(&loop, UV_RUN_DEFAULT);
	return uv_loop_close(&loop);
}

static int
make_folder(void **state)
{
	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(path, sizeof path, "%s/socket", folder);
	return 0;
}

static int
remove_folder(void **state)
{
	(void)state;
	return rmdir(folder);
}

/* Connects to where it listens; -1: nobody does. */
static int
connect_to(const char *name)
{
	struct sockaddr_in tcp = {.sin_family = AF_INET};
	struct sockaddr_un local = {.sun_family = AF_UNIX};
	bool is_unix = strncmp(name, "unix:", 5) == 0;
	char host[32];
	int fd = socket(is_unix ? AF_UNIX : AF_INET, SOCK_STREAM, 0), status;

	if (is_unix) {
		snprintf(local.sun_path, sizeof local.sun_path, "%s", name + 5);
		status = connect(fd, (struct sockaddr *)&local, sizeof local);
	} else {
		snprintf(host, sizeof host, "%.*s", (int)strcspn(name, ":"), name);
		assert_int_equal(inet_pton(AF_INET, host, &tcp.sin_addr), 1);
		tcp.sin_port = htons((uint16_t)atoi(strchr(name, ':') + 1));
		status = connect(fd, (struct sockaddr *)&tcp, sizeof tcp);
	}
	close(fd);
	return status;
}

static void
open_all(char *listen, char *socket)
{
	const struct server_options options = {
	    .listen = listen, .socket = socket, .socket_mode = "0600"};

	error_clear(&err);
	if (acceptors_open(&acceptors, &options, &err) == -1)
		fail_msg("%s", err.text);
}

static void
name_of(size_t index, char name[160])
{
	snprintf(name, 160, "%s", acceptor_socket(acceptors.items[index])->name);
}

static void
test_accepts(void **state)
{
	char tcp[160], local[160], control[160];

	(void)state;
	open_all("127.0.0.1:0", path);
	assert_int_equal(acceptors.count, 3);
	name_of(0, tcp);
	name_of(1, local);
	name_of(2, control);
	assert_true(acceptor_socket(acceptors.items[2])->is_control);
	assert_int_equal(connect_to(tcp), 0);
	assert_int_equal(connect_to(tcp), 0);
	assert_int_equal(connect_to(local), 0);
	assert_int_equal(connect_to(control), 0);
	while (by_tcp < 2 || by_unix < 1 || by_control < 1)
		uv_run(&loop, UV_RUN_ONCE);
	assert_int_equal(by_tcp, 2);
	assert_int_equal(by_unix, 1);
	assert_int_equal(by_control, 1);
	acceptors_close(&acceptors);
	assert_int_equal(acceptors.count, 0);
	assert_int_equal(connect_to(tcp), -1);
	assert_int_equal(access(path, F_OK), -1);
}

/* What stays is the same object; what is given up changes nothing. */
static void
test_change(void **state)
{
	struct acceptors_change change = {.added = {.count = 0}};
	char first[160], second[160], both[400];
	struct server_options options = {.listen = both, .socket_mode = "0600"};
	const struct acceptor *kept;

	(void)state;
	open_all("127.0.0.1:0 127.0.0.1:0", NULL);
	name_of(0, first);
	name_of(1, second);
	kept = acceptors.items[1];
	snprintf(both, sizeof both, "%s 127.0.0.2:0", second);
	assert_int_equal(acceptors_prepare(&acceptors, &options, &change, &err), 0);
	acceptors_abandon(&change);
	acceptors_abandon(&change);
	assert_int_equal(acceptors.count, 2);
	assert_int_equal(connect_to(first), 0);
	assert_int_equal(acceptors_prepare(&acceptors, &options, &change, &err), 0);
	acceptors_commit(&acceptors, &change);
	acceptors_abandon(&change);
	assert_int_equal(acceptors.count, 2);
	assert_ptr_equal(acceptors.items[0], kept);
	assert_int_equal(connect_to(first), -1);
	assert_int_equal(connect_to(second), 0);
	name_of(1, first);
	assert_int_equal(connect_to(first), 0);
	while (by_tcp < 2)
		uv_run(&loop, UV_RUN_ONCE);
	options.socket = "/no/such/folder/socket";
	assert_int_equal(acceptors_prepare(&acceptors, &options, &change, &err), -1);
	assert_int_equal(change.added.count, 0);
}

/* One that nobody asked for may be missing, one that was may not. It comes and goes by a reload. */
static void
test_control(void **state)
{
	struct acceptors_change change = {.added = {.count = 0}};
	char taken[64], own[64], tcp[160];
	struct server_options options = {.listen = tcp, .socket_mode = "0600"};

	(void)state;
	snprintf(taken, sizeof taken, "%s/control.sock", folder);
	snprintf(own, sizeof own, "%s/own", folder);
	assert_int_equal(mkdir(taken, 0700), 0);
	open_all("127.0.0.1:0", path);
	assert_int_equal(acceptors.count, 2);
	name_of(0, tcp);
	options.control = taken;
	assert_int_equal(acceptors_prepare(&acceptors, &options, &change, &err), -1);
	assert_non_null(strstr(err.text, "control.sock"));
	assert_int_equal(change.added.count, 0);
	error_clear(&err);
	options.control = own;
	assert_int_equal(acceptors_prepare(&acceptors, &options, &change, &err), 0);
	acceptors_commit(&acceptors, &change);
	assert_int_equal(acceptors.count, 2); /* the Unix socket is gone */
	assert_true(acceptor_socket(acceptors.items[1])->is_control);
	assert_int_equal(access(own, F_OK), 0);
	/* It serves no client: that is not enough. */
	options.listen = NULL;
	assert_int_equal(acceptors_prepare(&acceptors, &options, &change, &err), -1);
	assert_non_null(strstr(err.text, "nowhere to listen"));
	assert_int_equal(rmdir(taken), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_accepts, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_change, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_control, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("acceptors", tests, make_folder, remove_folder);
}
