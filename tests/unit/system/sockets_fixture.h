/*
 * Sockets at the descriptors from 3 on, and the environment that says so: what systemd gives to a
 * process that it starts. Each test has a folder of its own.
 */
#ifndef TESTS_SOCKETS_FIXTURE_H
#define TESTS_SOCKETS_FIXTURE_H

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

/* --- the process that starts us --------------------------------------------------------------- */

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

/* What a configuration without a control socket wants. */
static inline struct listening_wish
wish_for(const char *addresses, const char *path, const struct socket_access *access)
{
	return (struct listening_wish){
	    .addresses = addresses, .path = path, .access = *access, .control_access = *access};
}

static inline int
open_sockets(struct listening_sockets *sockets, const char *addresses, const char *path,
    const struct socket_access *access)
{
	const struct listening_wish wish = wish_for(addresses, path, access);

	return listening_sockets_open(sockets, &wish, &err);
}

static void
opens(const char *addresses, const char *path, size_t count)
{
	if (open_sockets(&set, addresses, path, &everybody) == -1)
		fail_msg("%s", err.text);
	assert_int_equal(set.count, count);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, finish)

#endif
