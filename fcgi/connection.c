/*
 * See connection.h. Called by the loop (responder.c) and, with answers, by request.c.
 *
 * libfcgi is given the descriptor (FCGX_Request.ipcFd) instead of accepting itself, as it does for a kept connection; and the request is
 * detached, so that closing it neither shuts down nor waits for the web server's side (up to two seconds in libfcgi).
 */
#include "fcgi/connection.h"

#include "common/log.h"
#include "fcgi/responder.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum {
	READ_SIZE = 16384,   /* bytes a read asks for */
	HEAD_LIMIT = 262144, /* bytes of a request beside its body */
	WRITE_WAIT_S = 10,   /* a thread's write gives up after this long without a byte taken */
	SEND_SHARE =
	    4, /* an answer up to 1/4 of the socket's buffer surely fits: small writes are accounted at a multiple */
};

static void
set_watch(struct connection *connection)
{
	struct epoll_event event = {
	    .events = EPOLLIN | EPOLLRDHUP | EPOLLET, .data.ptr = connection};

	if (epoll_ctl(connection->responder->epoll_fd, EPOLL_CTL_ADD, connection->fd, &event) == -1)
		fatal(1, "epoll: %s", strerror(errno));
}

/* Threads write with blocking calls; this bounds them. */
static void
set_write_timeout(int fd)
{
	const struct timeval wait = {.tv_sec = WRITE_WAIT_S};

	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
}

void
connection_create(struct responder *responder, int fd)
{
	struct connection *connection = calloc(1, sizeof *connection);

	if (connection == NULL)
		abort();
	connection->responder = responder;
	connection->fd = fd;
	connection->work.data = connection;
	/* libfcgi must not accept by itself: without a listening socket it cannot. */
	FCGX_InitRequest(&connection->fcgx, -1, 0);
	connection->fcgx.ipcFd = fd;
	connection->next = responder->first;
	connection->link = &responder->first;
	if (connection->next != NULL)
		connection->next->link = &connection->next;
	responder->first = connection;
	responder->count++;
	set_write_timeout(fd);
	timer_start(&responder->arrivals, &connection->timer, responder_now(responder));
	set_watch(connection);
	connection_event(connection, EPOLLIN);
}

/* --- the end ------------------------------------------------------------------------------------------------------ */

static void
forget(struct connection *connection)
{
	struct responder *responder = connection->responder;

	connection->state = CONNECTION_GONE;
	timer_stop(&connection->timer);
	request_clear(&connection->request);
	buffer_free(&connection->in);
	buffer_free(&connection->out);
	buffer_free(&connection->writing);
	*connection->link = connection->next;
	if (connection->next != NULL)
		connection->next->link = connection->link;
	responder->count--;
	connection->next_dead = responder->dead;
	responder->dead = connection;
	responder_connection_gone(responder);
}

void
connection_drop(struct connection *connection)
{
	if (connection->state == CONNECTION_GONE)
		return;
	if (connection->state == CONNECTION_WRITING) {
		/* The thread has it: a shut socket lets it finish at once. */
		connection->peer_gone = true;
		shutdown(connection->fd, SHUT_RDWR);
		return;
	}
	if (connection->state == CONNECTION_PARKED)
		request_lost(&connection->request);
	if (connection->fcgx.ipcFd != -1)
		FCGX_Free(&connection->fcgx, 1);
	forget(connection);
}

void
connections_bury(struct responder *responder)
{
	while (responder->dead != NULL) {
		struct connection *connection = responder->dead;

		responder->dead = connection->next_dead;
		free(connection);
	}
}

/* --- a request comes ---------------------------------------------------------------------------------------------- */

/* The file in memory that libfcgi reads requests from, one after the other; -1 before the first. */
static int memory_file = -1;

/* Makes the file hold just data, to be read from its start. */
static int
fill_memory_file(const char *data, size_t len)
{
	size_t written = 0;

	if (memory_file == -1)
		memory_file = memfd_create("request", MFD_CLOEXEC);
	if (memory_file == -1 || ftruncate(memory_file, (off_t)len) == -1 ||
	    lseek(memory_file, 0, SEEK_SET) == -1)
		return -1;
	while (written < len) {
		ssize_t n = pwrite(memory_file, data + written, len - written, (off_t)written);

		if (n <= 0)
			return -1;
		written += (size_t)n;
	}
	return 0;
}

/* True if the peer has closed its side, or says that it gives its request up. What else is there is its next request. */
static bool
peer_has_left(const struct connection *connection)
{
	unsigned char head[8];
	ssize_t n = recv(connection->fd, head, sizeof head, MSG_PEEK | MSG_DONTWAIT);

	if (n <= 0)
		return n == 0 || (errno != EAGAIN && errno != EINTR);
	return connection->in.len == 0 &&
	    record_is_abort(head, (size_t)n, (unsigned)connection->fcgx.requestId);
}

/*
 * Has libfcgi read the request, which is whole in data[0..len): from a file in memory, put in the place of the socket, since it
 * reads a descriptor. Returns -1 if libfcgi finds it broken.
 */
static int
read_request(struct connection *connection, const char *data, size_t len)
{
	int status;

	if (fill_memory_file(data, len) == -1) {
		log_error("a request could not be put into memory: %s", strerror(errno));
		return -1;
	}
	connection->fcgx.ipcFd = memory_file;
	/* It finishes the request before first, and would close the descriptor of one that was not kept. */
	connection->fcgx.keepConnection = 1;
	status = FCGX_Accept_r(&connection->fcgx) == 0
	    ? request_read(&connection->request, &connection->fcgx)
	    : -1;
	/* On an error libfcgi has closed it. */
	if (connection->fcgx.ipcFd == -1)
		memory_file = -1;
	connection->fcgx.ipcFd = connection->fd;
	FCGX_Detach(&connection->fcgx);
	return status;
}

/* A body over its limit is not collected; the request says that it was too large. */
static void
limit_body(struct connection *connection)
{
	struct record_scan *scan = &connection->scan;
	struct buffer *in = &connection->in;
	size_t after = in->len - scan->at;

	if (!scan->last_is_body || scan->body <= request_body_limit(connection->responder))
		return;
	connection->request.body_too_large = true;
	memmove(in->data + scan->last_begin, in->data + scan->at, after);
	in->len = scan->last_begin + after;
	scan->at = scan->last_begin;
}

static enum record_progress
scan(struct connection *connection)
{
	enum record_progress progress;
	struct buffer *in = &connection->in;

	do {
		progress = record_scan(&connection->scan, (const unsigned char *)in->data, in->len);
		limit_body(connection);
	} while (progress == RECORD_INCOMPLETE && connection->scan.last_is_body);
	if (progress == RECORD_INCOMPLETE &&
	    in->len > request_body_limit(connection->responder) * 2 + HEAD_LIMIT)
		return RECORD_BROKEN;
	return progress;
}

/* The request is whole in `in`. */
static void
take_request(struct connection *connection)
{
	struct buffer *in = &connection->in;
	int status = read_request(connection, in->data, connection->scan.at);

	buffer_consume(in, connection->scan.at);
	if (in->len == 0)
		buffer_free(in);
	connection->scan = (struct record_scan){.at = 0};
	if (status == -1) {
		connection_drop(connection);
		return;
	}
	timer_stop(&connection->timer);
	connection->state = CONNECTION_PARKED;
	request_begin(&connection->request, connection);
}

/* Reads what has come; returns false when there is nothing more, or the connection is over. */
static bool
read_more(struct connection *connection)
{
	char *to = buffer_reserve(&connection->in, READ_SIZE);
	ssize_t n = to == NULL ? -1 : recv(connection->fd, to, READ_SIZE, MSG_DONTWAIT);

	if (n == -1 && to != NULL && (errno == EAGAIN || errno == EINTR)) {
		if (connection->in.len == 0)
			buffer_free(&connection->in);
		return false;
	}
	if (n <= 0) {
		connection_drop(connection);
		return false;
	}
	if (!timer_is_running(&connection->timer))
		timer_start(&connection->responder->arrivals, &connection->timer,
		    responder_now(connection->responder));
	buffer_added(&connection->in, (size_t)n);
	return true;
}

/* Collects one request, until it is whole; returns false when nothing more is there, or the connection is over. */
static bool
collect_one(struct connection *connection)
{
	enum record_progress progress = RECORD_INCOMPLETE;

	while (progress == RECORD_INCOMPLETE) {
		if (connection->in.len > 0)
			progress = scan(connection);
		if (progress == RECORD_INCOMPLETE && !read_more(connection))
			return false;
	}
	if (progress == RECORD_COMPLETE) {
		take_request(connection);
		return true;
	}
	log_info(
	    "a web server's connection was given up: no FastCGI, a request too large, or aborted");
	connection_drop(connection);
	return false;
}

/* A request that is answered at once makes room for the next: that is taken here, however many there are, not in its depths. */
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

void
connection_event(struct connection *connection, uint32_t events)
{
	switch (connection->state) {
	case CONNECTION_WAITING:
		collect(connection);
		break;
	case CONNECTION_PARKED:
		if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) || peer_has_left(connection))
			connection_drop(connection);
		break;
	case CONNECTION_WRITING:
	case CONNECTION_GONE:
		break;
	}
}

/* --- its answer goes ---------------------------------------------------------------------------------------------- */

void
connection_add(struct connection *connection, const void *data, size_t len)
{
	buffer_append(&connection->out, data, len);
}

/* Gives libfcgi what is to be written; blocks if it does not fit the socket's buffer. In the loop, or in a thread. */
static void
write_response(struct connection *connection)
{
	struct buffer *bytes = &connection->writing;
	FCGX_Stream *stream = connection->fcgx.out;

	connection->failed = buffer_failed(bytes) ||
	    (bytes->len > 0 &&
		FCGX_PutStr(bytes->data, (int)bytes->len, stream) != (int)bytes->len) ||
	    (!connection->writing_ends && FCGX_FFlush(stream) != 0);
	buffer_free(bytes);
	if (connection->failed || !connection->writing_ends)
		return;
	FCGX_Finish_r(&connection->fcgx);
	/* Finish has closed the descriptor, unless the web server keeps it and all went well. */
	connection->failed = false;
}

static void
response_is_out(struct connection *connection)
{
	if (connection->failed || connection->peer_gone) {
		connection->state = CONNECTION_PARKED;
		request_unwritten(&connection->request);
		connection_drop(connection);
		return;
	}
	connection->state = CONNECTION_PARKED;
	if (!connection->writing_ends) {
		/* What a thread was writing may have been followed by more, or by the peer's end. */
		if (connection->out.len > 0 || connection->response_ended)
			connection_push(connection, connection->response_ended);
		else if (peer_has_left(connection))
			connection_drop(connection);
		return;
	}
	request_end(&connection->request);
	connection->response_ended = connection->writing_ends = false;
	if (connection->fcgx.ipcFd == -1) {
		forget(connection);
		return;
	}
	/* Kept by the web server: its next request may be here already, or a part of it. */
	connection->state = CONNECTION_WAITING;
	if (connection->in.len > 0)
		timer_start(&connection->responder->arrivals, &connection->timer,
		    responder_now(connection->responder));
	if (connection->responder->is_draining)
		connection_drop(connection);
	else
		collect(connection);
}

static void
on_write_work(uv_work_t *work)
{
	write_response(work->data);
}

static void
on_write_done(uv_work_t *work, int status)
{
	(void)status;
	response_is_out(work->data);
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

void
connection_push(struct connection *connection, bool ended)
{
	if (ended)
		connection->response_ended = true;
	/* A thread is writing: what was added follows when it is done. */
	if (connection->state != CONNECTION_PARKED)
		return;
	connection->writing = connection->out;
	connection->writing_ends = connection->response_ended;
	buffer_init(&connection->out);
	if (fits_socket(connection->fd, connection->writing.len)) {
		write_response(connection);
		response_is_out(connection);
		return;
	}
	connection->state = CONNECTION_WRITING;
	uv_queue_work(
	    &connection->responder->loop, &connection->work, on_write_work, on_write_done);
}
