/*
 * See connection.h. Called by the loop (responder.c) and, with answers, by request.c.
 */
#include "fcgi/webserver/connection.h"

#include "common/log.h"
#include "fcgi/webserver/libfcgi.h"
#include "fcgi/webserver/management.h"
#include "fcgi/request.h"
#include "fcgi/responder.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum {
	READ_SIZE = 16384,   /* bytes a read asks for */
	HEAD_LIMIT = 262144, /* bytes of a request beside its body */
	WRITE_WAIT_S = 1,
	SEND_SHARE =
	    4, /* an answer up to 1/4 of the socket's buffer surely fits: small writes are accounted at a multiple */
};

static void send_unsent(struct connection *connection);

static void
set_watch(struct connection *connection, int operation, uint32_t events)
{
	struct epoll_event event = {
	    .events = events | EPOLLRDHUP | EPOLLET, .data.ptr = connection};

	if (epoll_ctl(connection->responder->epoll_fd, operation, connection->fd, &event) == -1)
		fatal(1, "epoll: %s", strerror(errno));
}

/* libfcgi's writes block. They are made where there is room; should that be a mistake, this bounds it. */
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
	connection->libfcgi = libfcgi_create();
	connection->next = responder->first;
	connection->link = &responder->first;
	if (connection->next != NULL)
		connection->next->link = &connection->next;
	responder->first = connection;
	responder->count++;
	set_write_timeout(fd);
	timer_start(&responder->arrivals, &connection->timer, responder_now(responder));
	set_watch(connection, EPOLL_CTL_ADD, EPOLLIN);
	connection_event(connection, EPOLLIN);
}

/* --- the end ------------------------------------------------------------------------------------------------------ */

static void
forget(struct connection *connection)
{
	struct responder *responder = connection->responder;

	connection->state = CONNECTION_GONE;
	timer_stop(&connection->timer);
	timer_stop(&connection->stall);
	request_clear(&connection->request);
	libfcgi_destroy(&connection->libfcgi);
	close(connection->fd);
	buffer_free(&connection->in);
	buffer_free(&connection->out);
	buffer_free(&connection->unsent);
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
	if (connection->state == CONNECTION_WRITING)
		request_unwritten(&connection->request);
	if (connection->state == CONNECTION_PARKED)
		request_lost(&connection->request);
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

bool
connection_is_left(const struct connection *connection)
{
	/* What else is there is its next request. */
	unsigned char head[8];
	ssize_t n = recv(connection->fd, head, sizeof head, MSG_PEEK | MSG_DONTWAIT);

	if (n <= 0)
		return n == 0 || (errno != EAGAIN && errno != EINTR);
	return connection->in.len == 0 && record_is_abort(head, (size_t)n, connection->id);
}

/* Takes the record that was looked at last out of what is collected. */
static void
cut_record(struct connection *connection)
{
	struct record_scan *scan = &connection->scan;
	struct buffer *in = &connection->in;
	size_t after = in->len - scan->at;

	memmove(in->data + scan->last_begin, in->data + scan->at, after);
	in->len = scan->last_begin + after;
	scan->at = scan->last_begin;
}

/* -1 if the web server does not read what it asks for; nothing else is on its way to it while a request is collected. */
static int
answer_management(struct connection *connection)
{
	struct buffer out = BUFFER_INIT;
	ssize_t n;
	int status;

	management_answer((const unsigned char *)connection->in.data + connection->scan.last_begin,
	    connection->responder->limit, &out);
	n = send(connection->fd, out.data, out.len, MSG_DONTWAIT | MSG_NOSIGNAL);
	status = n == (ssize_t)out.len ? 0 : -1;
	buffer_free(&out);
	cut_record(connection);
	return status;
}

/* A body over its limit is not collected; the request says that it was too large. */
static void
limit_body(struct connection *connection)
{
	const struct record_scan *scan = &connection->scan;

	if (!scan->last_is_body || scan->body <= request_body_limit(connection->responder))
		return;
	connection->request.body_too_large = true;
	cut_record(connection);
}

static enum record_progress
scan(struct connection *connection)
{
	enum record_progress progress;
	struct buffer *in = &connection->in;

	do {
		progress = record_scan(&connection->scan, (const unsigned char *)in->data, in->len);
		limit_body(connection);
		if (progress == RECORD_MANAGEMENT && answer_management(connection) == -1)
			return RECORD_BROKEN;
	} while (progress == RECORD_MANAGEMENT ||
	    (progress == RECORD_INCOMPLETE && connection->scan.last_is_body));
	if (progress == RECORD_INCOMPLETE &&
	    in->len > request_body_limit(connection->responder) * 2 + HEAD_LIMIT)
		return RECORD_BROKEN;
	return progress;
}

/* The request is whole in `in`. */
static void
take_request(struct connection *connection)
{
	struct buffer *in = &connection->in, *body = &connection->request.body;
	size_t rest = record_take_body(&connection->scan, (unsigned char *)in->data, body);
	int status = libfcgi_read(connection->libfcgi, in->data, rest);

	if (status == 0 && !buffer_failed(body))
		status = request_read(&connection->request, libfcgi_params(connection->libfcgi));
	else
		status = -1;
	connection->id = connection->scan.id;
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
	bool is_closed = events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR);

	switch (connection->state) {
	case CONNECTION_WAITING:
		collect(connection);
		/* Closed right behind its request: no other event will say so. */
		if (is_closed && connection->state == CONNECTION_PARKED)
			connection_drop(connection);
		break;
	case CONNECTION_PARKED:
		if (is_closed || connection_is_left(connection))
			connection_drop(connection);
		break;
	case CONNECTION_WRITING:
		if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
			connection_drop(connection);
		else if (events & EPOLLOUT)
			send_unsent(connection);
		break;
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

/* Gives libfcgi what is to be written. */
static void
write_response(struct connection *connection, bool ends_in_socket)
{
	struct buffer *out = &connection->out;

	connection->failed =
	    buffer_failed(out) || libfcgi_put(connection->libfcgi, out->data, out->len) == -1;
	buffer_free(out);
	if (connection->failed)
		return;
	if (!connection->response_ended) {
		connection->failed = libfcgi_flush(connection->libfcgi) == -1;
		return;
	}
	if (ends_in_socket)
		request_ends(&connection->request);
	connection->failed = libfcgi_end(connection->libfcgi) == -1;
}

/* The connection's next request may be here already, or a part of it. */
static void
await_next(struct connection *connection)
{
	connection->state = CONNECTION_WAITING;
	if (connection->in.len > 0)
		timer_start(&connection->responder->arrivals, &connection->timer,
		    responder_now(connection->responder));
	if (connection->responder->loop.is_draining)
		connection_drop(connection);
	else
		collect(connection);
}

static void
response_is_out(struct connection *connection, bool ended)
{
	connection->state = CONNECTION_PARKED;
	if (connection->failed) {
		request_unwritten(&connection->request);
		connection_drop(connection);
		return;
	}
	if (!ended) {
		/* While it left, more may have followed, or the peer's end. */
		if (connection->out.len > 0 || connection->response_ended)
			connection_push(connection, connection->response_ended);
		else if (connection_is_left(connection))
			connection_drop(connection);
		return;
	}
	request_end(&connection->request);
	connection->response_ended = false;
	if (libfcgi_is_kept(connection->libfcgi))
		await_next(connection);
	else
		forget(connection);
}

static void
write_to_memory(struct connection *connection)
{
	connection->unsent_ends = connection->response_ended;
	connection->failed = libfcgi_write_to_memory(connection->libfcgi) == -1;
	if (connection->failed)
		return;
	write_response(connection, false);
	if (!connection->failed)
		connection->failed = libfcgi_take_memory(&connection->unsent) == -1;
}

/* Sends what the socket takes of what is unsent; what then remains leaves with a later event. */
static void
send_unsent(struct connection *connection)
{
	struct buffer *unsent = &connection->unsent;
	ssize_t n = 0;

	while (unsent->len > 0) {
		if (connection->unsent_ends)
			request_ends(&connection->request);
		n = send(connection->fd, unsent->data, unsent->len, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (connection->unsent_ends && n != (ssize_t)unsent->len)
			request_goes_on(&connection->request);
		if (n <= 0 && errno != EINTR)
			break;
		if (n <= 0)
			continue;
		timer_start(&connection->responder->stalls, &connection->stall,
		    responder_now(connection->responder));
		buffer_consume(unsent, (size_t)n);
	}
	if (n == -1 && errno == EAGAIN)
		return;
	connection->failed = unsent->len > 0;
	timer_stop(&connection->stall);
	set_watch(connection, EPOLL_CTL_MOD, EPOLLIN);
	response_is_out(connection, connection->unsent_ends);
}

static void
write_large_response(struct connection *connection)
{
	write_to_memory(connection);
	if (connection->failed) {
		response_is_out(connection, false);
		return;
	}
	connection->state = CONNECTION_WRITING;
	timer_start(&connection->responder->stalls, &connection->stall,
	    responder_now(connection->responder));
	set_watch(connection, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
	send_unsent(connection);
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
	/* What was added follows when what is unsent has left. */
	if (connection->state != CONNECTION_PARKED)
		return;
	if (!fits_socket(connection->fd, connection->out.len)) {
		write_large_response(connection);
		return;
	}
	ended = connection->response_ended;
	libfcgi_write_to(connection->libfcgi, connection->fd);
	write_response(connection, true);
	response_is_out(connection, ended);
}
