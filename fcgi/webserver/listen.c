/* See listen.h. */
#include "fcgi/webserver/listen.h"

#include "common/memory.h"
#include "fcgi/webserver/libfcgi.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

/* Takes a copy: descriptor 0 stays open, so that no other file gets its number. */
static int
take_passed(struct listening_socket *socket, struct error *err)
{
	int fd = libfcgi_is_passed() ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0) : -1;

	if (fd != -1 && listening_socket_adopt(socket, fd, NULL) == 0)
		return 0;
	if (fd != -1)
		close(fd);
	if (getenv("GATEWAY_INTERFACE") != NULL)
		return error_set(err, EX_USAGE,
		    "the web server has started this program as plain CGI; it has to be told that "
		    "this is a FastCGI program (Apache: mod_fcgid, and its handler fcgid-script)");
	return error_set(err, EX_USAGE,
	    "descriptor 0 is no listening socket: this program is started by a web server, or "
	    "with --listen PATH");
}

/* What is done with one ADDR:PORT. */
typedef int each_address(void *context, const char *address, struct error *err);

static int
walk(const char *addresses, each_address *each, void *context, struct error *err)
{
	char *copy = xstrdup(addresses), *rest = copy, *word;
	int status = 0, count = 0;

	while (status == 0 && (word = strsep(&rest, " \t,")) != NULL) {
		if (*word == '\0')
			continue;
		if (++count > LISTEN_MAX)
			status =
			    error_set(err, EX_CONFIG, "listen: more than %d addresses", LISTEN_MAX);
		else if (strchr(word, ':') == NULL && word[0] != '#' &&
		    strspn(word, "0123456789") < strlen(word))
			status = error_set(err, EX_CONFIG,
			    "listen: \"%s\" is neither a path nor ADDR:PORT; a path has "
			    "a slash, as ./fcgi.sock",
			    word);
		else
			status = each(context, word, err);
	}
	if (status == 0 && count == 0)
		status = error_set(err, EX_CONFIG, "listen: there is no address");
	free(copy);
	return status;
}

static int
open_address(void *context, const char *address, struct error *err)
{
	struct listen_set *set = context;

	if (listening_socket_open_tcp(&set->sockets[set->count], address, err) == -1)
		return -1;
	set->count++;
	return 0;
}

static void
say_taken(bool is_taken, const char *address)
{
	if (is_taken)
		fprintf(stderr,
		    "sockjs.fcgi: %s is in use; if not by this file's responder, choose another\n",
		    address);
}

static int
check_address(void *context, const char *address, struct error *err)
{
	bool is_taken;

	(void)context;
	if (listening_socket_check_tcp(address, &is_taken, err) == -1)
		return -1;
	say_taken(is_taken, address);
	return 0;
}

static bool
is_path(const char *addresses)
{
	return strchr(addresses, '/') != NULL;
}

/* Answers are written whole. What is accepted here inherits it, from the first byte on. */
static void
set_no_delay(const struct listening_socket *socket)
{
	const int on = 1;

	if (!socket->is_unix)
		setsockopt(socket->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

int
listen_open(struct listen_set *set, const char *addresses, const struct socket_access *access,
    struct error *err)
{
	int status;

	set->count = 0;
	if (addresses != NULL && !is_path(addresses)) {
		status = walk(addresses, open_address, set, err);
		if (status == -1)
			listen_close(set);
	} else {
		status = addresses == NULL ? take_passed(&set->sockets[0], err)
					   : listening_socket_open_unix(&set->sockets[0], "listen",
						 addresses, access, err);
		set->count = status == 0;
	}
	for (size_t i = 0; i < set->count; i++)
		set_no_delay(&set->sockets[i]);
	return status;
}

int
listen_check(const char *addresses, const struct socket_access *access, struct error *err)
{
	bool is_taken;

	if (addresses == NULL)
		return 0;
	if (!is_path(addresses))
		return walk(addresses, check_address, NULL, err);
	return listening_socket_check_unix("listen", addresses, access, &is_taken, err);
}

void
listen_close(struct listen_set *set)
{
	while (set->count > 0)
		listening_socket_close(&set->sockets[--set->count]);
}
