/*
 * See listen.h. Called by main.c.
 */
#include "fcgi/webserver/listen.h"

#include <errno.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

enum { BACKLOG = 4096 }; /* the kernel lowers it to somaxconn */

/* What a web server passes: it has no peer, and is a socket. */
static int
take_passed(struct error *err)
{
	int listening = 0;
	socklen_t len = sizeof listening;

	if (getsockopt(STDIN_FILENO, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len) == -1 ||
	    !listening)
		return error_set(err, EX_USAGE,
		    "descriptor 0 is no listening socket: this program is started by a web server, or with --listen PATH");
	return dup(STDIN_FILENO);
}

static int
bind_unix(const char *path, const char *mode, struct error *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct stat st;
	int probe, fd;

	if (strlen(path) >= sizeof address.sun_path)
		return error_set(err, EX_CONFIG, "listen: the path is longer than %zu bytes",
		    sizeof address.sun_path - 1);
	strcpy(address.sun_path, path);
	if (lstat(path, &st) == 0) {
		if (!S_ISSOCK(st.st_mode))
			return error_set(err, EX_UNAVAILABLE,
			    "cannot listen on %s: it exists and is no socket", path);
		/* One whose backlog is full would have us wait. */
		probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		if (probe != -1 &&
		    (connect(probe, (struct sockaddr *)&address, sizeof address) == 0 ||
			errno == EAGAIN)) {
			close(probe);
			return error_set(
			    err, EX_UNAVAILABLE, "cannot listen on %s: another process does", path);
		}
		close(probe);
		unlink(path);
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1 || bind(fd, (struct sockaddr *)&address, sizeof address) == -1 ||
	    chmod(path, (mode_t)strtoul(mode, NULL, 8)) == -1 || listen(fd, BACKLOG) == -1)
		return error_set(
		    err, EX_UNAVAILABLE, "cannot listen on %s: %s", path, strerror(errno));
	return fd;
}

static int
bind_info(const struct addrinfo *info)
{
	const int on = 1;
	int fd = socket(info->ai_family, info->ai_socktype | SOCK_CLOEXEC, info->ai_protocol);

	if (fd == -1)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(fd, info->ai_addr, info->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	close(fd);
	return -1;
}

/* getaddrinfo takes any number, and cuts it to 16 bits. */
static bool
is_port(const char *text)
{
	size_t len = strlen(text);

	return len >= 1 && len <= 5 && strspn(text, "0123456789") == len && atoi(text) <= 65535;
}

/* The host of "HOST:PORT" or "[HOST]:PORT", whose colon is given; "" for every address. -1 if it is too long. */
static int
copy_host(const char *text, const char *colon, char *host, size_t size)
{
	size_t len = (size_t)(colon - text);

	if (len >= 2 && text[0] == '[' && colon[-1] == ']') {
		text++;
		len -= 2;
	}
	if (len >= size)
		return -1;
	memcpy(host, text, len);
	host[len] = '\0';
	return 0;
}

static int
bind_tcp(const char *text, struct error *err)
{
	const struct addrinfo hints = {
	    .ai_flags = AI_PASSIVE | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
	struct addrinfo *infos = NULL, *info;
	const char *colon = strrchr(text, ':');
	char host[128];
	int status, fd = -1;

	if (colon == NULL || !is_port(colon + 1) || copy_host(text, colon, host, sizeof host) == -1)
		return error_set(
		    err, EX_CONFIG, "listen: \"%s\" is neither a path nor ADDR:PORT", text);
	status = getaddrinfo(host[0] == '\0' ? NULL : host, colon + 1, &hints, &infos);
	if (status != 0)
		return error_set(err, EX_CONFIG, "listen: %s: %s", text, gai_strerror(status));
	for (info = infos; fd == -1 && info != NULL; info = info->ai_next)
		fd = bind_info(info);
	freeaddrinfo(infos);
	if (fd == -1)
		return error_set(
		    err, EX_UNAVAILABLE, "cannot listen on %s: %s", text, strerror(errno));
	return fd;
}

int
listen_open(const char *address, const char *mode, struct error *err)
{
	if (address == NULL)
		return take_passed(err);
	return strchr(address, '/') != NULL ? bind_unix(address, mode, err)
					    : bind_tcp(address, err);
}

void
listen_remove(const char *address)
{
	if (address != NULL && strchr(address, '/') != NULL)
		unlink(address);
}
