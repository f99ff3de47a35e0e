/* See notify.h. */
#include "sessiond/system/notify.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static int supervisor = -1;

void
notify_set_descriptor(int fd)
{
	supervisor = fd;
}

/* A path, or with '@' first, a name in the abstract namespace. */
static socklen_t
address_of(const char *name, struct sockaddr_un *address)
{
	size_t len = strlen(name);

	if ((name[0] != '/' && name[0] != '@') || len < 2 || len >= sizeof address->sun_path)
		return 0;
	memcpy(address->sun_path, name, len);
	if (name[0] == '@')
		address->sun_path[0] = '\0';
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
}

static void
send_to(const char *name, const char *text)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	socklen_t len = address_of(name, &address);
	int fd;

	if (len == 0)
		return;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return;
	(void)!sendto(fd, text, strlen(text), MSG_NOSIGNAL, (const struct sockaddr *)&address, len);
	close(fd);
}

/* The time shows the manager which of several reloads is over (Type=notify-reload). */
static void
write_text(enum notify_event event, char *text, size_t size)
{
	static const char *const assignments[] = {"READY=1", "RELOADING=1", "STOPPING=1"};
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (event == NOTIFY_RELOADING)
		snprintf(text, size, "%s\nMONOTONIC_USEC=%" PRIu64, assignments[event],
		    (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000);
	else
		snprintf(text, size, "%s", assignments[event]);
}

void
notify(enum notify_event event)
{
	const char *name = getenv("NOTIFY_SOCKET");
	const int saved = errno;
	const unsigned char byte = (unsigned char)event;
	char text[64];

	if (supervisor != -1) {
		(void)!write(supervisor, &byte, 1);
	} else if (name != NULL && event != NOTIFY_ALONE) {
		write_text(event, text, sizeof text);
		send_to(name, text);
	}
	errno = saved;
}
