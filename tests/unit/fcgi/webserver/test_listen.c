/*
 * fcgi/webserver/listen.h, with sockets in a temporary folder.
 */
#include "fcgi/webserver/listen.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
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

static struct listen_set set;

static struct socket_access
access_of(const char *mode)
{
	return (struct socket_access){
	    (mode_t)strtoul(mode, NULL, 8), .owner = (uid_t)-1, .group = (gid_t)-1};
}

static void
opens(struct listen_set *opened, const char *addresses, const char *mode)
{
	const struct socket_access access = access_of(mode);
	struct error err = ERROR_INIT;

	if (listen_open(opened, addresses, &access, &err) == -1)
		fail_msg("%s", err.text);
	for (size_t i = 0; i < opened->count; i++) {
		assert_true(fcntl(opened->sockets[i].fd, F_GETFL) & O_NONBLOCK);
		assert_true(fcntl(opened->sockets[i].fd, F_GETFD) & FD_CLOEXEC);
	}
}

static void
refuses(const char *addresses, int code, const char *expected)
{
	const struct socket_access access = access_of("0660");
	struct listen_set refused;
	struct error err = ERROR_INIT;

	assert_int_equal(listen_open(&refused, addresses, &access, &err), -1);
	assert_int_equal(refused.count, 0);
	assert_int_equal(err.code, code);
	if (strstr(err.text, expected) == NULL)
		fail_msg("no \"%s\" in: %s", expected, err.text);
}

static void
test_unix(void **state)
{
	char in_use[160];
	struct stat st;

	(void)state;
	opens(&set, path, "0610");
	assert_int_equal(set.count, 1);
	assert_true(set.sockets[0].is_unix);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0610);
	snprintf(in_use, sizeof in_use,
	    "cannot listen on %s: another process does (choose another with --listen PATH)", path);
	refuses(path, EX_UNAVAILABLE, in_use);
	listen_close(&set);
	assert_int_equal(access(path, F_OK), -1);
}

static void
test_tcp(void **state)
{
	(void)state;
	opens(&set, "127.0.0.1:0", "0660");
	assert_int_equal(set.count, 1);
	assert_false(set.sockets[0].is_unix);
	assert_memory_equal(set.sockets[0].name, "127.0.0.1:", strlen("127.0.0.1:"));
	listen_close(&set);
}

/* What is accepted waits for nothing before it sends. */
static void
test_no_delay(void **state)
{
	struct sockaddr_in address;
	socklen_t len = sizeof address, size = sizeof(int);
	int client = socket(AF_INET, SOCK_STREAM, 0), accepted, on = 0;

	(void)state;
	opens(&set, "127.0.0.1:0", "0660");
	assert_int_equal(getsockname(set.sockets[0].fd, (struct sockaddr *)&address, &len), 0);
	assert_int_equal(connect(client, (struct sockaddr *)&address, len), 0);
	accepted = accept(set.sockets[0].fd, NULL, NULL);
	assert_int_equal(getsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &on, &size), 0);
	assert_true(on);
	close(accepted);
	close(client);
	listen_close(&set);
}

static void
test_several(void **state)
{
	char text[256];

	(void)state;
	opens(&set, "127.0.0.1:0, 127.0.0.2:0 127.0.0.3:0", "0660");
	assert_int_equal(set.count, 3);
	assert_memory_equal(set.sockets[2].name, "127.0.0.3:", strlen("127.0.0.3:"));
	snprintf(text, sizeof text, "127.0.0.4:0 %s", set.sockets[1].name);
	refuses(text, EX_UNAVAILABLE, set.sockets[1].name);
	listen_close(&set);
	refuses("*:0 *:0 *:0 *:0 *:0 *:0 *:0 *:0 *:0", EX_CONFIG, "listen: more than 8 addresses");
	refuses(" ,", EX_CONFIG, "listen: there is no address");
}

static void
test_refused(void **state)
{
	(void)state;
	refuses("nine", EX_CONFIG,
	    "listen: \"nine\" is neither a path nor ADDR:PORT; a path has "
	    "a slash, as ./fcgi.sock");
	refuses("127.0.0.1:0 # here", EX_CONFIG, "listen: # begins no comment behind a value");
	refuses("9000", EX_CONFIG,
	    "listen: 9000 is a port without an address: 127.0.0.1:9000 is for this machine alone, *:9000 for everybody");
	refuses(":9000", EX_CONFIG, "listen: :9000 is a port without an address: 127.0.0.1:9000");
	refuses("127.0.0.1:x", EX_CONFIG, "listen: 127.0.0.1:x: \"x\" is no port");
	refuses(
	    "/no/such/folder/socket", EX_UNAVAILABLE, "cannot listen on /no/such/folder/socket");
}

/* In a process of its own: libfcgi looks once. */
static void
refuses_no_socket(void)
{
	const struct socket_access access = access_of("0660");
	struct error err = ERROR_INIT;
	pid_t child = fork();
	int status = 0;

	assert_int_not_equal(child, -1);
	if (child == 0)
		_exit(listen_open(&set, NULL, &access, &err) == -1 && err.code == EX_USAGE &&
			    strstr(err.text, "descriptor 0 is no listening socket") != NULL
			? EX_OK
			: EX_SOFTWARE);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

/* The file belongs to the web server that passes the socket. */
static void
test_passed(void **state)
{
	int before = dup(STDIN_FILENO), null = open("/dev/null", O_RDONLY);
	struct listen_set made;

	(void)state;
	assert_true(before != -1 && null != -1);
	assert_int_equal(dup2(null, STDIN_FILENO), STDIN_FILENO);
	refuses_no_socket();
	opens(&made, path, "0660");
	assert_int_equal(dup2(made.sockets[0].fd, STDIN_FILENO), STDIN_FILENO);
	opens(&set, NULL, "0660");
	assert_true(set.sockets[0].is_inherited && set.sockets[0].fd != STDIN_FILENO);
	listen_close(&set);
	assert_int_equal(access(path, F_OK), 0);
	assert_true(fcntl(STDIN_FILENO, F_GETFD) != -1);
	listen_close(&made);
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
	    cmocka_unit_test(test_no_delay),
	    cmocka_unit_test(test_several),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_passed),
	};

	return cmocka_run_group_tests_name("listen", tests, make_folder, remove_folder);
}
