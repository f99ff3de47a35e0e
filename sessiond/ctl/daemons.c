/*
 * See daemons.h. What somebody has left of a socket, whom nobody answers for, does not count. One
 * whose backlog is full does: it is asked, and the command says that it does not answer.
 */
#include "sessiond/ctl/daemons.h"

#include "common/memory.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static bool
is_served(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd;
	bool served;

	if (strlen(path) >= sizeof address.sun_path)
		return false;
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return false;
	served = connect(fd, (struct sockaddr *)&address, sizeof address) == 0 || errno == EAGAIN;
	close(fd);
	return served;
}

void
daemons_find(struct daemons *daemons, const char *path)
{
	struct daemon_place place = {0, DAEMONS_MAX};

	*daemons = (struct daemons){.any = path};
	for (; place.index < DAEMONS_MAX; place.index++) {
		char *own = daemon_place_path(path, &place);

		if (!is_served(own)) {
			free(own);
			break;
		}
		daemons->sockets[daemons->count++] = own;
	}
	if (daemons->count == 0)
		daemons->sockets[daemons->count++] = xstrdup(path);
}

void
daemons_clear(struct daemons *daemons)
{
	while (daemons->count > 0)
		free(daemons->sockets[--daemons->count]);
}
