/*
 * One thread, and one call of the system for each thing that happens.
 */
#include "bench/floor/serve.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 4096
#define EVENTS	512

void
fail(const char *what)
{
	perror(what);
	exit(1);
}

void
send_all(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

		if (n == -1)
			return;
		data += n;
		len -= (size_t)n;
	}
}

static void
watch(int epoll, int fd, void *client)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = client};

	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == -1)
		fail("epoll_ctl");
}

static void
meet(int epoll, int listener, size_t size)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC), on = 1;
	struct peer *client = calloc(1, size);

	if (fd == -1 || !client)
		fail("accept4");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	client->fd = fd;
	watch(epoll, fd, client);
}

void
serve_end(void *client)
{
	close(((struct peer *)client)->fd);
	free(client);
}

static int
listen_at(uint16_t port)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
	    .sin_port = htons(port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(fd, (struct sockaddr *)&address, sizeof address) == -1 ||
	    listen(fd, BACKLOG) == -1)
		fail("listen");
	return fd;
}

void
serve(const char *port, size_t size, void (*take)(void *client))
{
	struct epoll_event events[EVENTS];
	int epoll = epoll_create1(EPOLL_CLOEXEC), listener = listen_at((uint16_t)atoi(port));

	watch(epoll, listener, NULL);
	printf("ready %s\n", port);
	fflush(stdout);
	for (;;) {
		int count = epoll_wait(epoll, events, EVENTS, -1);

		for (int i = 0; i < count; i++) {
			if (events[i].data.ptr)
				take(events[i].data.ptr);
			else
				meet(epoll, listener, size);
		}
	}
}
