/* See listen.h. */
#include "fcgi/webserver/listen.h"

#include "common/memory.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

/* Takes a copy: descriptor 0 stays open, so that no other file gets its number. */
static int
take_passed(struct listening_socket *socket, struct error *err)
{
	int fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);

	if (fd != -1 && listening_socket_adopt(socket, fd, NULL) == 0)
		return 0;
	if (fd != -1)
		close(fd);
	return error_set(err, EX_USAGE,
	    "descriptor 0 is no listening socket: this program is started by a web server, or with --listen PATH");
}

static int
open_address(struct listen_set *set, const char *address, struct error *err)
{
	if (set->count == LISTEN_MAX)
		return error_set(err, EX_CONFIG, "listen: more than %d addresses", LISTEN_MAX);
	if (strchr(address, ':') == NULL && strspn(address, "0123456789") < strlen(address))
		return error_set(
		    err, EX_CONFIG, "listen: \"%s\" is neither a path nor ADDR:PORT", address);
	if (listening_socket_open_tcp(&set->sockets[set->count], address, err) == -1)
		return -1;
	set->count++;
	return 0;
}

static int
open_addresses(struct listen_set *set, const char *addresses, struct error *err)
{
	char *copy = xstrdup(addresses), *rest = copy, *word;
	int status = 0;

	while (status == 0 && (word = strsep(&rest, " \t,")) != NULL)
		if (*word != '\0')
			status = open_address(set, word, err);
	free(copy);
	if (status == 0 && set->count == 0)
		status = error_set(err, EX_CONFIG, "listen: there is no address");
	if (status == -1)
		listen_close(set);
	return status;
}

int
listen_open(struct listen_set *set, const char *addresses, const struct socket_access *access,
    struct error *err)
{
	int status;

	set->count = 0;
	if (addresses != NULL && strchr(addresses, '/') == NULL)
		return open_addresses(set, addresses, err);
	status = addresses == NULL
	    ? take_passed(&set->sockets[0], err)
	    : listening_socket_open_unix(&set->sockets[0], "listen", addresses, access, err);
	if (status == 0)
		set->count = 1;
	return status;
}

void
listen_close(struct listen_set *set)
{
	while (set->count > 0)
		listening_socket_close(&set->sockets[--set->count]);
}
