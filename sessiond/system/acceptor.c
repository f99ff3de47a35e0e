/*
 * See acceptor.h. libmicrohttpd does not accept for us, so that the limit of connections and the
 * room for newcomers are ours to decide (http_server_add).
 *
 * An acceptor keeps a spare descriptor. Without a free one accept(2) fails, and the client would
 * wait in the backlog: the spare one makes room to accept it and close it.
 */
#include "sessiond/system/acceptor.h"

#include "common/log_limit.h"
#include "common/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	ACCEPTS_A_TURN = 64, /* before what is connected gets its turn */
	PAUSE_MS = 100,	     /* without a free descriptor */
	YIELD_MS = 2,	     /* for another process to accept */
};

struct acceptor {
	uv_poll_t poll;
	uv_timer_t pause;
	struct listening_socket socket;
	int spare; /* given up when there is no other descriptor */
	int open_handles;
	acceptor_accept *accept;
	acceptor_yields *yields; /* NULL: never */
	bool has_yielded;	 /* what came then is taken now */
	void *context;
};

static void on_ready(uv_poll_t *poll, int status, int events);

static void
on_pause_over(uv_timer_t *timer)
{
	struct acceptor *acceptor = timer->data;

	uv_poll_start(&acceptor->poll, UV_READABLE, on_ready);
}

static void
pause_accepting(struct acceptor *acceptor, uint64_t ms)
{
	uv_poll_stop(&acceptor->poll);
	uv_timer_start(&acceptor->pause, on_pause_over, ms, 0);
}

/* True if what waits is for another process, at least for a moment. */
static bool
yields(struct acceptor *acceptor)
{
	if (acceptor->yields == NULL || acceptor->has_yielded ||
	    !acceptor->yields(acceptor->context)) {
		acceptor->has_yielded = false;
		return false;
	}
	acceptor->has_yielded = true;
	pause_accepting(acceptor, YIELD_MS);
	return true;
}

/* Out of descriptors: the first client that waits is closed, and accepting pauses. */
static void
shed(struct acceptor *acceptor)
{
	static struct log_limit limit;
	int fd;

	log_limited(&limit, SEVERITY_ERROR, "%s: out of file descriptors: connections are refused",
	    acceptor->socket.name);
	close(acceptor->spare);
	fd = accept(acceptor->socket.fd, NULL, NULL);
	if (fd != -1)
		close(fd);
	acceptor->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
	pause_accepting(acceptor, PAUSE_MS);
}

static void
on_ready(uv_poll_t *poll, int status, int events)
{
	struct acceptor *acceptor = poll->data;
	struct sockaddr_storage address;
	const int on = 1;
	int i, fd;

	(void)status;
	(void)events;
	for (i = 0; i < ACCEPTS_A_TURN; i++) {
		socklen_t len = sizeof address;

		if (yields(acceptor))
			return;
		fd = accept4(acceptor->socket.fd, (struct sockaddr *)&address, &len,
		    SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd == -1)
			break;
		if (!acceptor->socket.is_unix)
			setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
		acceptor->accept(acceptor->context, fd, (struct sockaddr *)&address, len);
	}
	if (i == ACCEPTS_A_TURN)
		return;
	if (errno == EMFILE || errno == ENFILE)
		shed(acceptor);
	else if (errno == ENOMEM || errno == ENOBUFS)
		pause_accepting(acceptor, PAUSE_MS);
}

struct acceptor *
acceptor_create(uv_loop_t *loop, struct listening_socket *socket, acceptor_accept *accept_fn,
    acceptor_yields *yields_fn, void *context)
{
	struct acceptor *acceptor = xcalloc(1, sizeof *acceptor);

	if (uv_poll_init(loop, &acceptor->poll, socket->fd) != 0)
		abort();
	uv_timer_init(loop, &acceptor->pause);
	acceptor->open_handles = 2;
	acceptor->poll.data = acceptor->pause.data = acceptor;
	acceptor->socket = *socket;
	*socket = (struct listening_socket){.fd = -1};
	acceptor->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
	acceptor->accept = accept_fn;
	acceptor->yields = yields_fn;
	acceptor->context = context;
	uv_poll_start(&acceptor->poll, UV_READABLE, on_ready);
	return acceptor;
}

const struct listening_socket *
acceptor_socket(const struct acceptor *acceptor)
{
	return &acceptor->socket;
}

static void
on_closed(uv_handle_t *handle)
{
	struct acceptor *acceptor = handle->data;

	if (--acceptor->open_handles > 0)
		return;
	free(acceptor);
}

void
acceptor_destroy(struct acceptor **acceptor)
{
	struct acceptor *l = *acceptor;

	*acceptor = NULL;
	if (l == NULL)
		return;
	uv_close((uv_handle_t *)&l->poll, on_closed);
	uv_close((uv_handle_t *)&l->pause, on_closed);
	listening_socket_close(&l->socket);
	close(l->spare);
}
