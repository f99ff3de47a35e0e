/*
 * See connection.h.
 *
 * Sockets are watched by one epoll set, edge-triggered, which the loop watches in turn: a request
 * on a kept connection costs one call to read it and one to write its answer. The set learns of a
 * socket when something has to be waited for: the next request, room, or an answer that does not
 * come soon. Some web servers connect for each request, and most of those are over by then. They
 * write a moment after they have connected: who is new is read once more before it is watched.
 *
 * A connection that was dropped stays in memory until connections_reap, so that every pointer is
 * good until then, and open: who has read its answer meanwhile need not be woken for its end.
 */
#include "fcgi/webserver/connection.h"

#include "common/log.h"
#include "common/log_limit.h"
#include "common/memory.h"
#include "fcgi/webserver/incoming.h"
#include "fcgi/webserver/outgoing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

enum {
	ACCEPTS_A_TURN = 64,
	EVENTS_A_TURN = 256,
	READS_A_TURN = 16,	/* of one connection; its other bytes wait for the next turn */
	STALL_LIMIT_MS = 10000, /* without a byte taken of an answer that leaves */
	TURNS_NEW = 2,		/* whose ends a new connection sees before it is read again */
	WATCH_DELAY_MS = 50,	/* nobody looks whether a request's client leaves sooner */
};

enum connection_state {
	CONNECTION_WAITING, /* for a whole request */
	CONNECTION_PARKED,  /* the request is being handled */
	CONNECTION_WRITING, /* what the socket had no room for leaves as the web server takes it */
	CONNECTION_GONE,
};

struct connection {
	struct connections *connections;
	LIST_ENTRY(connection) entry; /* of all; of dead once it is gone */
	enum connection_state state;
	int fd;
	LIST_ENTRY(connection) new_entry;
	unsigned turns_new;    /* of TURNS_NEW, those to come; 0: it is not among the new ones */
	uint32_t watched;      /* events of the epoll set; 0: it is not in there */
	unsigned id;	       /* of the request, in its records */
	struct params *params; /* of the request; NULL: there is none */
	void *request;	       /* what is told the news; NULL: nothing */
	struct timer timer;    /* of arrivals while it waits, of watches or stalls afterwards */
	bool is_kept;	       /* for another request, after this one */
	bool is_collecting;    /* the next request's turn comes after this one */
	bool response_ended;   /* nothing follows what is in out */
	unsigned reads_left;   /* of READS_A_TURN, while it collects */
	struct incoming in;    /* the next request, as far as it has come */
	struct outgoing out;   /* of the response, what is not written yet */
};

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

static uint32_t
events_of(const struct connection *connection)
{
	const uint32_t always = EPOLLIN | EPOLLRDHUP | EPOLLET;

	return connection->state == CONNECTION_WRITING ? always | EPOLLOUT : always;
}

/* The set then tells of what is there already, too. */
static void
watch_anew(struct connection *connection)
{
	struct epoll_event event = {.events = events_of(connection), .data.ptr = connection};

	if (epoll_ctl(connection->connections->epoll_fd,
		connection->watched == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, connection->fd,
		&event) == -1)
		fatal(1, "epoll: %s", strerror(errno));
	connection->watched = event.events;
}

static void
watch(struct connection *connection)
{
	if (connection->state != CONNECTION_GONE && events_of(connection) != connection->watched)
		watch_anew(connection);
}

/* --- the end ---------------------------------------------------------------------------------- */

static void
forget(struct connection *connection)
{
	struct connections *connections = connection->connections;

	connection->state = CONNECTION_GONE;
	if (connection->turns_new > 0)
		LIST_REMOVE(connection, new_entry);
	connection->turns_new = 0;
	timer_stop(&connection->timer);
	free(connection->params);
	buffer_free(&connection->in.bytes);
	buffer_free(&connection->out.bytes);
	LIST_REMOVE(connection, entry);
	LIST_INSERT_HEAD(&connections->dead, connection, entry);
	connections->dead_count++;
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

static bool
peer_has_left(const struct connection *connection)
{
	/* What else is there is its next request. */
	unsigned char head[8];
	ssize_t n = recv(connection->fd, head, sizeof head, MSG_PEEK | MSG_DONTWAIT);

	if (n <= 0)
		return n == 0 || (errno != EAGAIN && errno != EINTR);
	return connection->in.bytes.len == 0 && record_is_abort(head, (size_t)n, connection->id);
}

/*
 * Nobody waits for the response any more. The web server may: one that says so by closing its side,
 * because its client has gone, takes a connection that ends without END_REQUEST for a crash.
 */
static void
end_unanswered(struct connection *connection)
{
	struct buffer *bytes = &connection->out.bytes;

	tell(connection, CONNECTION_LOST);
	outgoing_end(&connection->out, connection->id);
	send(connection->fd, bytes->data, bytes->len, MSG_DONTWAIT | MSG_NOSIGNAL);
	forget(connection);
}

/*
 * One look sees some of what is ready. The set tells of each before it tells of one again: so many
 * looks see them all, whatever comes meanwhile.
 */
static void
look_at_all(struct connections *connections)
{
	size_t looks = connections->count / EVENTS_A_TURN + 1;

	while (!connections->has_looked && looks-- > 0)
		connections_dispatch(connections);
	connections->has_looked = true;
}

bool
connection_is_there(struct connection *connection)
{
	if (connection->watched != 0)
		look_at_all(connection->connections);
	else if (peer_has_left(connection))
		end_unanswered(connection);
	return connection->state != CONNECTION_GONE;
}

/* --- a request comes -------------------------------------------------------------------------- */

/* The request is whole. Returns -1 if it is broken. */
static int
take_request(struct connection *connection)
{
	struct connections *connections = connection->connections;
	struct incoming *in = &connection->in;
	struct buffer body = BUFFER_INIT;
	struct params *params = incoming_take(in, &body);
	bool is_cut = in->is_cut;

	connection->id = in->scan.id;
	connection->is_kept = in->scan.is_kept;
	connection->params = params;
	incoming_next(in);
	if (params != NULL) {
		timer_stop(&connection->timer);
		if (connection->watched == 0)
			start_timer(connection, &connections->watches);
		connection->state = CONNECTION_PARKED;
		connections->calls->arrived(connections->owner, connection, params, &body, is_cut);
	}
	buffer_free(&body);
	return params == NULL ? -1 : 0;
}

/*
 * Reads what has come; returns false when there is nothing more, or it is not to be read in this
 * turn, or the connection is over.
 */
static bool
read_more(struct connection *connection)
{
	int got;

	if (connection->reads_left == 0)
		return false;
	connection->reads_left--;
	got = incoming_read(&connection->in, connection->fd);
	if (got == -1)
		connection_drop(connection);
	else if (got == 1 && !timer_is_running(&connection->timer))
		start_timer(connection, &connection->connections->arrivals);
	return got == 1;
}

/* Collects one request, until it is whole; returns false as read_more does. */
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
	if (progress == RECORD_COMPLETE && take_request(connection) == 0)
		return true;
	log_limited(&limit, SEVERITY_INFO,
	    "a web server's connection was given up: no FastCGI, a request too large, or aborted");
	connection_drop(connection);
	return false;
}

/*
 * A request that is answered at once makes room for the next. That one is taken here, however many
 * there are, and not in the depths of the answer. But a web server that always has more to say does
 * not keep others waiting.
 */
static void
collect(struct connection *connection)
{
	if (connection->is_collecting)
		return;
	connection->is_collecting = true;
	connection->reads_left = READS_A_TURN;
	while (connection->state == CONNECTION_WAITING && collect_one(connection))
		;
	connection->is_collecting = false;
	if (connection->state != CONNECTION_WAITING || connection->turns_new > 0)
		return;
	/* Whatever has come meanwhile, the set tells at once; and what was left there. */
	if (connection->in.is_drained)
		watch(connection);
	else
		watch_anew(connection);
}

/* --- its answer goes -------------------------------------------------------------------------- */

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

/* The response is with the web server. */
static void
end_response(struct connection *connection)
{
	tell(connection, CONNECTION_WRITTEN);
	timer_stop(&connection->timer);
	connection->response_ended = false;
	free(connection->params);
	connection->params = NULL;
	if (connection->is_kept)
		await_next(connection);
	else
		forget(connection);
}

/* Writes what the socket takes. Returns 1 if that is all; 0 if there is more; -1 if it failed. */
static int
write_some(struct connection *connection)
{
	struct buffer *bytes = &connection->out.bytes;
	bool ends = connection->response_ended;
	ssize_t n;

	while (bytes->len > 0) {
		if (ends)
			tell(connection, CONNECTION_LAST_WRITE);
		n = send(connection->fd, bytes->data, bytes->len, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (ends && n != (ssize_t)bytes->len)
			tell(connection, CONNECTION_CUT_SHORT);
		if (n == -1 && errno != EINTR)
			return errno == EAGAIN ? 0 : -1;
		if (n <= 0)
			continue;
		buffer_consume(bytes, (size_t)n);
		if (connection->state == CONNECTION_WRITING)
			start_timer(connection, &connection->connections->stalls);
	}
	return 1;
}

/* What the socket has no room for leaves with later events. */
static void
write_out(struct connection *connection)
{
	bool was_writing = connection->state == CONNECTION_WRITING;
	int result = buffer_failed(&connection->out.bytes) ? -1 : write_some(connection);

	if (result == 0) {
		connection->state = CONNECTION_WRITING;
		if (!was_writing)
			start_timer(connection, &connection->connections->stalls);
		watch(connection);
		return;
	}
	connection->state = CONNECTION_PARKED;
	if (result == -1) {
		tell(connection, CONNECTION_UNWRITTEN);
		connection_drop(connection);
		return;
	}
	buffer_free(&connection->out.bytes);
	if (was_writing) {
		timer_stop(&connection->timer);
		watch(connection);
	}
	if (connection->response_ended)
		end_response(connection);
	/* Meanwhile nobody has looked. */
	else if (was_writing && peer_has_left(connection))
		end_unanswered(connection);
}

struct buffer *
connection_output(struct connection *connection)
{
	return outgoing_content(&connection->out);
}

void
connection_push(struct connection *connection, const char *bytes, size_t len, bool ends)
{
	outgoing_put(&connection->out, connection->id, bytes, len);
	if (ends)
		outgoing_end(&connection->out, connection->id);
	connection->response_ended |= ends;
	/* Else it follows when the rest has left. */
	if (connection->state == CONNECTION_PARKED)
		write_out(connection);
}

/* --- life ------------------------------------------------------------------------------------- */

void
connection_create(struct connections *connections, int fd)
{
	struct connection *connection = xcalloc(1, sizeof *connection);

	connection->connections = connections;
	connection->fd = fd;
	LIST_INSERT_HEAD(&connections->all, connection, entry);
	connections->count++;
	start_timer(connection, &connections->arrivals);
	connection->turns_new = TURNS_NEW;
	LIST_INSERT_HEAD(&connections->fresh, connection, new_entry);
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

	connection->in.is_drained = false;
	switch (connection->state) {
	case CONNECTION_WAITING:
		collect(connection);
		/* Closed right behind what has come: no other event will say so. */
		if (is_closed && connection->state == CONNECTION_PARKED)
			end_unanswered(connection);
		else if (is_closed && connection->state == CONNECTION_WAITING &&
		    connection->in.is_drained)
			connection_drop(connection);
		break;
	case CONNECTION_PARKED:
		if (is_closed || peer_has_left(connection))
			end_unanswered(connection);
		break;
	case CONNECTION_WRITING:
		if (is_closed)
			connection_drop(connection);
		else if (events & EPOLLOUT)
			write_out(connection);
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

static void
watch_fire(struct timer *timer, void *ctx)
{
	(void)ctx;
	watch(container_of(timer, struct connection, timer));
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
	    .accepts_a_turn = ACCEPTS_A_TURN,
	};
	if (connections->epoll_fd == -1)
		return error_set(err, EX_OSERR, "epoll: %s", strerror(errno));
	LIST_INIT(&connections->all);
	LIST_INIT(&connections->fresh);
	LIST_INIT(&connections->dead);
	timer_queue_add(timers, &connections->arrivals, request_timeout, arrival_fire, connections);
	timer_queue_add(timers, &connections->watches, WATCH_DELAY_MS, watch_fire, connections);
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
		close(connection->fd);
		connections->count--;
		free(connection);
	}
	connections->dead_count = 0;
}

bool
connections_are_full(const struct connections *connections)
{
	return connections->count - connections->dead_count >= connections->limit;
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
	unsigned most = connections->accepts_a_turn, i;
	int fd = 0;

	/* The dead have descriptors, too. */
	for (i = 0; i < most && connections->count < connections->limit; i++) {
		fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd == -1)
			break;
		connection_create(connections, fd);
	}
	/* To find nobody costs a call, too: as many are asked for as have come of late. */
	if (fd == -1)
		connections->accepts_a_turn = i == 0 ? 1 : i;
	else if (i == most && most < ACCEPTS_A_TURN && ++connections->full_turns % 4 == 0)
		connections->accepts_a_turn = most * 2;
	return fd != -1 || !is_exhaustion(errno);
}

bool
connections_end_turn(struct connections *connections)
{
	struct connection *connection, *next;

	connections->has_looked = false;
	for (connection = LIST_FIRST(&connections->fresh); connection != NULL; connection = next) {
		next = LIST_NEXT(connection, new_entry);
		if (connection->turns_new == 0 ||
		    (connection->state == CONNECTION_WAITING && --connection->turns_new > 0))
			continue;
		connection->turns_new = 0;
		LIST_REMOVE(connection, new_entry);
		connection->in.is_drained = false;
		collect(connection);
	}
	return !LIST_EMPTY(&connections->fresh);
}

void
connections_dispatch(struct connections *connections)
{
	struct epoll_event ready[EVENTS_A_TURN];
	int i, n = epoll_wait(connections->epoll_fd, ready, EVENTS_A_TURN, 0);

	connections->has_looked = n < EVENTS_A_TURN;
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
