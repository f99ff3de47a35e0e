/*
 * See socket_takeover.h, which says how and why.
 */
#include "sessiond/system/socket_takeover.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

static int dummy = -1;

int
socket_takeover(int fd)
{
	int duplicate, saved;

	/* A socket, since libmicrohttpd shuts it down before it closes it. */
	if (dummy == -1)
		dummy = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (dummy == -1)
		return -1;
	duplicate = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (duplicate == -1)
		return -1;
	if (dup3(dummy, fd, O_CLOEXEC) == -1) {
		saved = errno;
		close(duplicate);
		errno = saved;
		return -1;
	}
	return duplicate;
}

void
socket_takeover_clear(void)
{
	if (dummy != -1)
		close(dummy);
	dummy = -1;
}
