/*
 * See connection.h.
 *
 * All sockets are watched by one epoll set, edge-triggered and for their whole life, which the loop
 * watches in turn: a request that is held costs no call when it is parked nor when it is answered.
 * A connection that was dropped stays in memory until the end of the turn, so that every pointer is
 * good until then.
 */
#include "fcgi/webserver/connection.h"

#include "common/log.h"
#include "common/log_limit.h"
#include "common/memory.h"
#include "fcgi/webserver/incoming.h"
#include "fcgi/webserver/libfcgi.h"

#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sysexits.h>
#include <unistd.h>

enum {
	ACCEPTS_A_TURN = 64,
	EVENTS_A_TURN = 256,
	STALL_LIMIT_MS = 10000, /* without a byte taken of an answer that leaves */
	WRITE_WAIT_S = 1,
	/* Small writes are accounted at a multiple: 1/4 of the socket's buffer surely fits. */
	SEND_SHARE = 4,
};

enum connection_state {
	CONNECTION_WAITING, /* for a whole request */
	CONNECTION_PARKED,  /* the request is being handled */
	CONNECTION_WRITING, /* a large answer leaves as the web server takes it */
	CONNECTION_GONE,
};

struct connection {
	struct connections *connections;
	LIST_ENTRY(connection) entry; /* of all; of dead once it is gone */
	enum connection_state state;
	int fd;
	unsigned id; /* of the request, in its records */
	struct libfcgi *libfcgi;
	void *request;	      /* what is told the news; NULL: nothing */
	struct timer timer;   /* of arrivals while it waits, of stalls while it writes */
	bool is_collecting;   /* the next request's turn comes after this one */
	bool failed;	      /* to write */
	bool response_ended;  /* nothing follows what is in out */
	bool unsent_ends;     /* the response, that is */
	struct incoming in;   /* the next request, as far as it has come */
	struct buffer out;    /* of the response, to be given to libfcgi */
	struct buffer unsent; /* records of the response, for a socket that had no room for them */
};

static void send_unsent(struct connection *connection);

static void
tell(struct connection *connection, enum connection_news news)
{
	void *request = connection->request;

	if (request == NULL)
		return;
	if (news >= CONNECTION_WRITTEN)
		connection->request = NULL;
	connection->connections->calls->news(request, news);
}

static void
start_timer(struct connection *connection, struct timer_queue *queue)
{
	timer_start(queue, &connection->timer, loop_now(connection->connections->loop));
}

static void
set_watch(struct connection *connection, int operation, uint32_t events)
{
	struct epoll_event event = {
	    .events = events | EPOLLRDHUP | EPOLLET, .data.ptr = connection};

	if (epoll_ctl(connection->connections->epoll_fd, operation, connection->fd, &event) == -1)
		fatal(1, "epoll: %s", strerror(errno));
}

/* --- the end ---------------------------------------------------------------------------------- */

static void
forget(struct connection *connection)
{
	struct connections *connections = connection->connections;

	connection->state = CONNECTION_GONE;
	timer_stop(&connection->timer);
	libfcgi_destroy(&connection->libfcgi);
	close(connection->fd);
	buffer_free(&connection->in.bytes);
	buffer_free(&connection->out);
	buffer_free(&connection->unsent);
	LIST_REMOVE(connection, entry);
	LIST_INSERT_HEAD(&connections->dead, connection, entry);
	connections->count--;
}

void
connection_drop(struct connection *connection)
{
	if (connection->state == CONNECTION_GONE)
		return;
	tell(connection,
	    connection->state == CONNECTION_WRITING ? CONNECTION_UNWRITTEN : CONNECTION_LOST);
	forget(connection);
}

bool
connection_peer_gone(const struct connection *connection)
{
	/* What else is there is its next request. */
	unsigned char head[8];
	ssize_t n = recv(connection->fd, head, sizeof head, MSG_PEEK | MSG_DONTWAIT);

	if (n <= 0)
		return n == 0 || (errno != EAGAIN && errno != EINTR);
	return connection->in.bytes.len == 0 && record_is_abort(head, (size_t)n, connection->id);
}

static bool
fits_socket(int fd, size_t len)
{
	int room = 0, queued = 0;
	socklen_t size = sizeof room;

	if (getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, &size) == -1 ||
	    ioctl(fd, SIOCOUTQ, &queued) == -1)
		return false;
	return queued < room && len < (size_t)(room - queued) / SEND_SHARE;
}

/*
 * Nobody waits for the response any more. The web server may: one that says so by closing its side,
 * because its client has gone, takes a connection that ends without END_REQUEST for a crash.
 */
static void
end_unanswered(struct connection *connection)
{
	enum { END = 64 }; /* bytes, at most, of the records that end a request */

	tell(connection, CONNECTION_LOST);
	if (fits_socket(connection->fd, END)) {
		libfcgi_write_to(connection->libfcgi, connection->fd);
		libfcgi_end(connection->libfcgi);
	}
	forget(connection);
}

/* --- a request comes -------------------------------------------------------------------------- */

/* The request is whole. */
static void
take_request(struct connection *connection)
{
	struct connections *connections = connection->connections;
	struct incoming *in = &connection->in;
	struct buffer body = BUFFER_INIT;
	size_t rest = incoming_take_body(in, &body);
	int status = libfcgi_read(connection->libfcgi, in->bytes.data, rest);
	bool is_cut = in->is_cut;

	connection->id = in->scan.id;
	incoming_next(in);
	if (status == -1 || buffer_failed(&body)) {
		connection_drop(connection);
	} else {
		timer_stop(&connection->timer);
		connection->state = CONNECTION_PARKED;
		connections->calls->arrived(connections->owner, connection,
		    libfcgi_params(connection->libfcgi), &body, is_cut);
	}
	buffer_free(&body);
}

/* Reads what has come; returns false when there is nothing more, or the connection is over. */
static bool
read_more(struct connection *connection)
{
	int got = incoming_read(&connection->in, connection->fd);

	if (got == -1)
		connection_drop(connection);
	else if (got == 1 && !timer_is_running(&connection->timer))
		start_timer(connection, &connection->connections->arrivals);
	return got == 1;
}

/*
 * Collects one request, until it is whole; returns false when nothing more is there, or the
 * connection is over.
 */
static bool
collect_one(struct connection *connection)
{
	static struct log_limit limit;
	const struct connections *connections = connection->connections;
	enum record_progress progress = RECORD_INCOMPLETE;

	while (progress == RECORD_INCOMPLETE) {
		progress = incoming_scan(
		    &connection->in, connection->fd, *connections->body_limit, connections->limit);
		if (progress == RECORD_INCOMPLETE && !read_more(connection))
			return false;
	}
	if (progress == RECORD_COMPLETE) {
		take_request(connection);
		return true;
	}
	log_limited(&limit, SEVERITY_INFO,
	    "a web server's connection was given up: no FastCGI, a request too large, or aborted");
	connection_drop(connection);
	return false;
}

/*
 * A request that is answered at once makes room for the next. That one is taken here, however many
 * there are, and not in the depths of the answer.
 */
static void
collect(struct connection *connection)
{
	if (connection->is_collecting)
		return;
	connection->is_collecting = true;
	while (connection->state == CONNECTION_WAITING && collect_one(connection))
		;
	connection->is_collecting = false;
}

/* --- its answer goes -------------------------------------------------------------------------- */

/* Gives libfcgi what is to be written. */
static void
write_response(struct connection *connection, const char *bytes, size_t len, bool to_socket)
{
	struct libfcgi *libfcgi = connection->libfcgi;
	struct buffer *out = &connection->out;

	connection->failed = buffer_failed(out) ||
	    libfcgi_put(libfcgi, out->data, out->len) == -1 ||
	    libfcgi_put(libfcgi, bytes, len) == -1;
	buffer_free(out);
	if (connection->failed)
		return;
	if (!connection->response_ended) {
		connection->failed = libfcgi_flush(libfcgi) == -1;
		return;
	}
	if (to_socket)
		tell(connection, CONNECTION_LAST_WRITE);
	connection->failed = libfcgi_end(libfcgi) == -1;
}

/* The connection's next request may be here already, or a part of it. */
static void
await_next(struct connection *connection)
{
	connection->state = CONNECTION_WAITING;
	if (connection->in.bytes.len > 0)
		start_timer(connection, &connection->connections->arrivals);
	if (connection->connections->loop->is_draining)
		connection_drop(connection);
	else
		collect(connection);
}

/* What was to be written has left, or could not. ended: that was all of the response. */
static void
response_is_out(struct connection *connection, bool ended)
{
	connection->state = CONNECTION_PARKED;
	if (connection->failed) {
		tell(connection, CONNECTION_UNWRITTEN);
		connection_drop(connection);
		return;
	}
	if (!ended) {
		/* While it left, more may have followed, or the peer's end. */
		if (connection->out.len > 0 || connection->response_ended)
			connection_push(connection, NULL, 0, connection->response_ended);
		else if (connection_peer_gone(connection))
			end_unanswered(connection);
		return;
	}
	tell(connection, CONNECTION_WRITTEN);
	connection->response_ended = false;
	if (libfcgi_is_kept(connection->libfcgi))
		await_next(connection);
	else
		forget(connection);
}

/* Sends what the socket takes of what is unsent; what then remains leaves with a later event. */
static void
send_unsent(struct connection *connection)
{
	struct buffer *unsent = &connection->unsent;
	ssize_t n = 0;

	while (unsent->len > 0) {
		if (connection->unsent_ends)
			tell(connection, CONNECTION_LAST_WRITE);
		n = send(connection->fd, unsent->data, unsent->len, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (connection->unsent_ends && n != (ssize_t)unsent->len)
			tell(connection, CONNECTION_CUT_SHORT);
		if (n <= 0 && errno != EINTR)
			break;
		if (n <= 0)
			continue;
		start_timer(connection, &connection->connections->stalls);
		buffer_consume(unsent, (size_t)n);
	}
	if (n == -1 && errno == EAGAIN)
		return;
	connection->failed = unsent->len > 0;
	timer_stop(&connection->timer);
	set_watch(connection, EPOLL_CTL_MOD, EPOLLIN);
	response_is_out(connection, connection->unsent_ends);
}

/* The socket may not have room for it: libfcgi writes it to memory. */
static void
write_large_response(struct connection *connection, const char *bytes, size_t len)
{
	connection->unsent_ends = connection->response_ended;
	connection->failed = libfcgi_write_to_memory(connection->libfcgi) == -1;
	if (!connection->failed)
		write_response(connection, bytes, len, false);
	if (!connection->failed)
		connection->failed = libfcgi_take_memory(&connection->unsent) == -1;
	if (connection->failed) {
		response_is_out(connection, false);
		return;
	}
	connection->state = CONNECTION_WRITING;
	start_timer(connection, &connection->connections->stalls);
	set_watch(connection, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
	send_unsent(connection);
}

struct buffer *
connection_output(struct connection *connection)
{
	return &connection->out;
}

void
connection_push(struct connection *connection, const char *bytes, size_t len, bool ends)
{
	if (ends)
		connection->response_ended = true;
	/* It follows when what is unsent has left. */
	if (connection->state != CONNECTION_PARKED) {
		buffer_append(&connection->out, bytes, len);
		return;
	}
	if (!fits_socket(connection->fd, connection->out.len + len)) {
		write_large_response(connection, bytes, len);
		return;
	}
	ends = connection->response_ended;
	libfcgi_write_to(connection->libfcgi, connection->fd);
	write_response(connection, bytes, len, true);
	response_is_out(connection, ends);
}

/* --- life ------------------------------------------------------------------------------------- */

/*
 * libfcgi's writes block. They are made where there is room; should that be wrong, this bounds it.
 */
static void
set_write_timeout(int fd)
{
	const struct timeval wait = {.tv_sec = WRITE_WAIT_S};

	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
}

void
connection_create(struct connections *connections, int fd)
{
	struct connection *connection = xcalloc(1, sizeof *connection);
	const int on = 1;

	connection->connections = connections;
	connection->fd = fd;
	connection->libfcgi = libfcgi_create();
	LIST_INSERT_HEAD(&connections->all, connection, entry);
	connections->count++;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	set_write_timeout(fd);
	start_timer(connection, &connections->arrivals);
	set_watch(connection, EPOLL_CTL_ADD, EPOLLIN);
	collect(connection);
}

void
connection_attach(struct connection *connection, void *request)
{
	connection->request = request;
}

static void
on_event(struct connection *connection, uint32_t events)
{
	bool is_closed = events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR);

	switch (connection->state) {
	case CONNECTION_WAITING:
		collect(connection);
		/* Closed right behind its request: no other event will say so. */
		if (is_closed && connection->state == CONNECTION_PARKED)
			end_unanswered(connection);
		break;
	case CONNECTION_PARKED:
		if (is_closed || connection_peer_gone(connection))
			end_unanswered(connection);
		break;
	case CONNECTION_WRITING:
		if (is_closed)
			connection_drop(connection);
		else if (events & EPOLLOUT)
			send_unsent(connection);
		break;
	case CONNECTION_GONE:
		break;
	}
}

/* --- all of them ------------------------------------------------------------------------------ */

static void
arrival_fire(struct timer *timer, void *ctx)
{
	static struct log_limit limit;

	(void)ctx;
	log_limited(&limit, SEVERITY_INFO, "a web server did not pass on a whole request in time");
	connection_drop(container_of(timer, struct connection, timer));
}

static void
stall_fire(struct timer *timer, void *ctx)
{
	static struct log_limit limit;

	(void)ctx;
	log_limited(&limit, SEVERITY_INFO, "a web server does not read an answer");
	connection_drop(container_of(timer, struct connection, timer));
}

int
connections_init(struct connections *connections, struct loop *loop, struct timers *timers,
    size_t limit, const size_t *body_limit, uint64_t request_timeout,
    const struct connection_calls *calls, void *owner, struct error *err)
{
	*connections = (struct connections){
	    .epoll_fd = epoll_create1(EPOLL_CLOEXEC),
	    .loop = loop,
	    .calls = calls,
	    .owner = owner,
	    .body_limit = body_limit,
	    .limit = limit,
	};
	if (connections->epoll_fd == -1)
		return error_set(err, EX_OSERR, "epoll: %s", strerror(errno));
	LIST_INIT(&connections->all);
	LIST_INIT(&connections->dead);
	timer_queue_add(timers, &connections->arrivals, request_timeout, arrival_fire, connections);
	timer_queue_add(timers, &connections->stalls, STALL_LIMIT_MS, stall_fire, connections);
	return 0;
}

void
connections_clear(struct connections *connections)
{
	while (!LIST_EMPTY(&connections->all))
		connection_drop(LIST_FIRST(&connections->all));
	connections_reap(connections);
}

void
connections_close(struct connections *connections)
{
	close(connections->epoll_fd);
}

void
connections_reap(struct connections *connections)
{
	while (!LIST_EMPTY(&connections->dead)) {
		struct connection *connection = LIST_FIRST(&connections->dead);

		LIST_REMOVE(connection, entry);
		free(connection);
	}
}

bool
connections_are_full(const struct connections *connections)
{
	return connections->count >= connections->limit;
}

/* The others say that nobody waits, or that one who did has left. */
static bool
is_exhaustion(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOBUFS;
}

bool
connections_accept(struct connections *connections, int listen_fd)
{
	int i, fd;

	for (i = 0; i < ACCEPTS_A_TURN && !connections_are_full(connections); i++) {
		fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd == -1)
			return !is_exhaustion(errno);
		connection_create(connections, fd);
	}
	return true;
}

void
connections_dispatch(struct connections *connections)
{
	struct epoll_event ready[EVENTS_A_TURN];
	int i, n = epoll_wait(connections->epoll_fd, ready, EVENTS_A_TURN, 0);

	for (i = 0; i < n; i++)
		on_event(ready[i].data.ptr, ready[i].events);
}

void
connections_drop_idle(struct connections *connections)
{
	struct connection *connection, *next;

	for (connection = LIST_FIRST(&connections->all); connection != NULL; connection = next) {
		next = LIST_NEXT(connection, entry);
		if (connection->state == CONNECTION_WAITING && connection->in.bytes.len == 0)
			connection_drop(connection);
	}
}
