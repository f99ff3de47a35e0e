/*
 * See listener.h. We accept rather than libmicrohttpd, so that the limit of connections and the room for newcomers are ours to
 * decide (http_server_add).
 */
#include "sessiond/system/acceptor.h"

#include "common/log.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	ACCEPTS_A_TURN = 64, /* before what is connected gets its turn */
	PAUSE_MS = 100,	     /* without a free descriptor */
};

struct listener {
	uv_poll_t poll;
	uv_timer_t pause;
	struct listening_socket socket;
	int spare; /* a descriptor to give up when there is no other, so that the backlog can be told */
	int open_handles;
	listener_accept *accept;
	void *context;
};

static void on_ready(uv_poll_t *poll, int status, int events);

static void
on_pause_over(uv_timer_t *timer)
{
	struct listener *listener = timer->data;

	uv_poll_start(&listener->poll, UV_READABLE, on_ready);
}

/* Out of descriptors: what waits is told by a close, and we come back when some may be free. */
static void
shed(struct listener *listener)
{
	int fd;

	log_error("%s: out of file descriptors: connections are refused", listener->socket.name);
	close(listener->spare);
	fd = accept(listener->socket.fd, NULL, NULL);
	if (fd != -1)
		close(fd);
	listener->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
	uv_poll_stop(&listener->poll);
	uv_timer_start(&listener->pause, on_pause_over, PAUSE_MS, 0);
}

static void
on_ready(uv_poll_t *poll, int status, int events)
{
	struct listener *listener = poll->data;
	struct sockaddr_storage address;
	const int on = 1;
	int i, fd;

	(void)status;
	(void)events;
	for (i = 0; i < ACCEPTS_A_TURN; i++) {
		socklen_t len = sizeof address;

		fd = accept4(listener->socket.fd, (struct sockaddr *)&address, &len,
		    SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd == -1)
			break;
		if (!listener->socket.is_unix)
			setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
		listener->accept(listener->context, fd, (struct sockaddr *)&address, len);
	}
	if (i < ACCEPTS_A_TURN && (errno == EMFILE || errno == ENFILE))
		shed(listener);
}

struct listener *
listener_create(
    uv_loop_t *loop, struct listening_socket *socket, listener_accept *accept_fn, void *context)
{
	struct listener *listener = calloc(1, sizeof *listener);

	if (listener == NULL || uv_poll_init(loop, &listener->poll, socket->fd) != 0)
		abort();
	uv_timer_init(loop, &listener->pause);
	listener->open_handles = 2;
	listener->poll.data = listener->pause.data = listener;
	listener->socket = *socket;
	*socket = (struct listening_socket){.fd = -1};
	listener->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
	listener->accept = accept_fn;
	listener->context = context;
	uv_poll_start(&listener->poll, UV_READABLE, on_ready);
	return listener;
}

const struct listening_socket *
listener_socket(const struct listener *listener)
{
	return &listener->socket;
}

static void
on_closed(uv_handle_t *handle)
{
	struct listener *listener = handle->data;

	if (--listener->open_handles > 0)
		return;
	free(listener);
}

void
listener_close(struct listener **listener)
{
	struct listener *l = *listener;

	*listener = NULL;
	if (l == NULL)
		return;
	uv_close((uv_handle_t *)&l->poll, on_closed);
	uv_close((uv_handle_t *)&l->pause, on_closed);
	listening_socket_close(&l->socket);
	close(l->spare);
}
