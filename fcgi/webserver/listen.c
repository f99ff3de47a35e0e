/* See listen.h. */
#include "fcgi/webserver/listen.h"

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

int
listen_open(
    struct listening_socket *socket, const char *address, const char *mode, struct error *err)
{
	struct socket_access access = {.owner = (uid_t)-1, .group = (gid_t)-1};

	if (address == NULL)
		return take_passed(socket, err);
	if (strchr(address, '/') != NULL) {
		access.mode = (mode_t)strtoul(mode, NULL, 8);
		return listening_socket_open_unix(socket, "listen", address, &access, err);
	}
	if (strchr(address, ':') == NULL && strspn(address, "0123456789") < strlen(address))
		return error_set(
		    err, EX_CONFIG, "listen: \"%s\" is neither a path nor ADDR:PORT", address);
	return listening_socket_open_tcp(socket, address, err);
}
