/*
 * See acceptor.h. libmicrohttpd does not accept for us, so that the limit of connections and the
 * room for newcomers are ours to decide (http_server_add).
 *
 * A socket that several processes accept on wakes one of them for a connection (EPOLLEXCLUSIVE):
 * the first in the kernel's queue that waits. So one that has accepted goes to the end of that
 * queue, and one that has too much stays out of it for a moment. libuv cannot ask for that, so what
 * it has put into its epoll set is put there once more.
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
#include <sys/epoll.h>
#include <unistd.h>

enum {
	ACCEPTS_A_TURN = 64, /* before what is connected gets its turn */
	PAUSE_MS = 100,	     /* without a free descriptor */
	YIELD_MS = 10,	     /* for other processes to accept */
};

struct acceptor {
	uv_poll_t poll;
	uv_timer_t pause;
	struct listening_socket socket;
	int spare; /* given up when there is no other descriptor */
	int open_handles;
	acceptor_accept *accept;
	acceptor_yields *yields; /* NULL: never */
	bool is_yielding;
	void *context;
};

static void on_ready(uv_poll_t *poll, int status, int events);

/* Takes the socket of one that yields out of the epoll set; libuv does not notice. */
static void
leave_queue(struct acceptor *acceptor)
{
	struct epoll_event event = {.events = 0};

	epoll_ctl(uv_backend_fd(acceptor->poll.loop), EPOLL_CTL_DEL, acceptor->socket.fd, &event);
}

/* The callback is libuv's, which knows a socket by its number. */
static void
join_queue(struct acceptor *acceptor)
{
	struct epoll_event event = {
	    .events = EPOLLIN | EPOLLEXCLUSIVE, .data.fd = acceptor->socket.fd};
	int set = uv_backend_fd(acceptor->poll.loop);

	if (epoll_ctl(set, EPOLL_CTL_ADD, acceptor->socket.fd, &event) == 0)
		return;
	event.events = EPOLLIN;
	epoll_ctl(set, EPOLL_CTL_ADD, acceptor->socket.fd, &event);
}

static void
on_pause_over(uv_timer_t *timer)
{
	struct acceptor *acceptor = timer->data;

	if (acceptor->is_yielding)
		join_queue(acceptor);
	else
		uv_poll_start(&acceptor->poll, UV_READABLE, on_ready);
	acceptor->is_yielding = false;
}

static void
pause_accepting(struct acceptor *acceptor)
{
	uv_poll_stop(&acceptor->poll);
	uv_timer_start(&acceptor->pause, on_pause_over, PAUSE_MS, 0);
}

/* True if what comes next is for other processes, for a moment. */
static bool
yields(struct acceptor *acceptor)
{
	if (acceptor->yields == NULL || !acceptor->yields(acceptor->context))
		return false;
	leave_queue(acceptor);
	acceptor->is_yielding = true;
	uv_timer_start(&acceptor->pause, on_pause_over, YIELD_MS, 0);
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
	pause_accepting(acceptor);
}

/* accept(2) has left an error in errno. */
static void
go_last(struct acceptor *acceptor)
{
	const int saved = errno;

	leave_queue(acceptor);
	join_queue(acceptor);
	errno = saved;
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

		fd = accept4(acceptor->socket.fd, (struct sockaddr *)&address, &len,
		    SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd == -1)
			break;
		if (!acceptor->socket.is_unix)
			setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
		acceptor->accept(acceptor->context, fd, (struct sockaddr *)&address, len);
		if (yields(acceptor))
			return;
	}
	if (acceptor->yields != NULL && i > 0)
		go_last(acceptor);
	if (i == ACCEPTS_A_TURN)
		return;
	if (errno == EMFILE || errno == ENFILE)
		shed(acceptor);
	else if (errno == ENOMEM || errno == ENOBUFS)
		pause_accepting(acceptor);
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
