/*
 * fcgi/webserver/listen.h, with sockets in a temporary folder.
 */
#include "fcgi/webserver/listen.h"

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

static char folder[] = "/tmp/test_listen.XXXXXX";
static char path[64];

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
	unlink(path);
	return rmdir(folder);
}

static void
opens(struct listening_socket *socket, const char *address, const char *mode)
{
	struct error err = ERROR_INIT;

	if (listen_open(socket, address, mode, &err) == -1)
		fail_msg("%s", err.text);
	assert_true(fcntl(socket->fd, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(socket->fd, F_GETFD) & FD_CLOEXEC);
}

static void
refuses(const char *address, int code, const char *expected)
{
	struct listening_socket socket;
	struct error err = ERROR_INIT;

	assert_int_equal(listen_open(&socket, address, "0660", &err), -1);
	assert_int_equal(err.code, code);
	if (strstr(err.text, expected) == NULL)
		fail_msg("no \"%s\" in: %s", expected, err.text);
}

static void
test_unix(void **state)
{
	struct listening_socket socket;
	char in_use[160];
	struct stat st;

	(void)state;
	opens(&socket, path, "0610");
	assert_true(socket.is_unix);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0610);
	snprintf(in_use, sizeof in_use,
	    "cannot listen on %s: another process does (choose another with --listen PATH)", path);
	refuses(path, EX_UNAVAILABLE, in_use);
	listening_socket_close(&socket);
	assert_int_equal(access(path, F_OK), -1);
}

static void
test_tcp(void **state)
{
	struct listening_socket socket;

	(void)state;
	opens(&socket, "127.0.0.1:0", "0660");
	assert_false(socket.is_unix);
	assert_memory_equal(socket.name, "127.0.0.1:", strlen("127.0.0.1:"));
	listening_socket_close(&socket);
}

static void
test_refused(void **state)
{
	(void)state;
	refuses("nine", EX_CONFIG, "listen: \"nine\" is neither a path nor ADDR:PORT");
	refuses("9000", EX_CONFIG,
	    "listen: 9000 is a port without an address: 127.0.0.1:9000 is for this machine alone, *:9000 for everybody");
	refuses(":9000", EX_CONFIG, "listen: :9000 is a port without an address: 127.0.0.1:9000");
	refuses("127.0.0.1:x", EX_CONFIG, "listen: 127.0.0.1:x: \"x\" is no port");
	refuses(
	    "/no/such/folder/socket", EX_UNAVAILABLE, "cannot listen on /no/such/folder/socket");
}

/* The file belongs to the web server that passes the socket. */
static void
test_passed(void **state)
{
	int before = dup(STDIN_FILENO), null = open("/dev/null", O_RDONLY);
	struct listening_socket made, socket;

	(void)state;
	assert_true(before != -1 && null != -1);
	assert_int_equal(dup2(null, STDIN_FILENO), STDIN_FILENO);
	refuses(NULL, EX_USAGE, "descriptor 0 is no listening socket");
	opens(&made, path, "0660");
	assert_int_equal(dup2(made.fd, STDIN_FILENO), STDIN_FILENO);
	opens(&socket, NULL, "0660");
	assert_true(socket.is_inherited && socket.fd != STDIN_FILENO);
	listening_socket_close(&socket);
	assert_int_equal(access(path, F_OK), 0);
	assert_true(fcntl(STDIN_FILENO, F_GETFD) != -1);
	listening_socket_close(&made);
	dup2(before, STDIN_FILENO);
	close(before);
	close(null);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_unix),
	    cmocka_unit_test(test_tcp),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_passed),
	};

	return cmocka_run_group_tests_name("listen", tests, make_folder, remove_folder);
}
