/*
 * A FastCGI connection from the web server, and the one request that it has at a time.
 *
 * It stays on the loop all its life. The bytes of a request are collected until it is whole
 * (record.h); then the connection waits for the answer. What the socket has no room for of that
 * leaves as the web server reads it. So nothing that a web server does or leaves undone keeps
 * others waiting.
 *
 * Whoever answers is told by two callbacks: a request is there, and what becomes of it.
 */
#ifndef FCGI_WEBSERVER_CONNECTION_H
#define FCGI_WEBSERVER_CONNECTION_H

#include "common/buffer.h"
#include "common/error.h"
#include "common/loop.h"
#include "common/timer_queue.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

struct connection;
struct params;

enum connection_news {
	CONNECTION_LAST_WRITE, /* the next write ends the response */
	CONNECTION_CUT_SHORT,  /* that write did not take all of it */
	/* One of these is the last that is said about a request. */
	CONNECTION_WRITTEN,   /* the whole response is with the web server */
	CONNECTION_UNWRITTEN, /* what was written of the response did not all get there */
	CONNECTION_LOST, /* it was dropped, or its client left, while nothing was being written */
};

struct connection_calls {
	/*
	 * A request is whole. params: its variables (params.h), valid until the last news. body:
	 * its standard input, to be taken or left; is_cut: it was more than body_limit, and a part
	 * is missing. connection_attach makes known what is told the news; the answer may be given
	 * at once.
	 */
	void (*arrived)(void *owner, struct connection *connection, const struct params *params,
	    struct buffer *body, bool is_cut);
	/* request: as attached. It must not drop the connection. */
	void (*news)(void *request, enum connection_news news);
};

/* What all connections of a process share. */
struct connections {
	int epoll_fd;		  /* readable when connections_dispatch has something to do */
	const size_t *body_limit; /* bytes of a body that are collected; it may change */
	size_t count, limit;	  /* count: also of those that were dropped and not reaped */
	/* The rest is private. */
	struct loop *loop;
	const struct connection_calls *calls;
	void *owner;
	unsigned accepts_a_turn, full_turns; /* as many as come of late */
	bool has_looked;		     /* in this turn, at all that the sockets ask for */
	struct timer_queue arrivals;	     /* requests that the web server has to pass on whole */
	struct timer_queue watches;	     /* answers that come late: their clients may leave */
	struct timer_queue stalls;	     /* answers that the web server has to read */
	LIST_HEAD(, connection) all;
	LIST_HEAD(, connection) fresh; /* accepted, and not watched yet */
	LIST_HEAD(, connection) dead;  /* to be freed by connections_reap */
	size_t dead_count;
};

/*
 * Makes an empty set of at most limit connections. A request has to come within request_timeout ms,
 * with a body of at most *body_limit bytes, which may change.
 * Returns 0, or -1 and an error (code: exit status). Everything is borrowed.
 */
int connections_init(struct connections *connections, struct loop *loop, struct timers *timers,
    size_t limit, const size_t *body_limit, uint64_t request_timeout,
    const struct connection_calls *calls, void *owner, struct error *err);

/* Drops all connections and frees them. The set can still be used. */
void connections_clear(struct connections *connections);

/* There is no connection, and epoll_fd is not watched any more: closes it. */
void connections_close(struct connections *connections);

/*
 * Accepts what waits at that socket: some of it, and no more than the limit allows, with those that
 * were dropped and not reaped. Returns false if the system has no descriptor or memory for a
 * connection: it waits, and asking again at once is of no use.
 */
bool connections_accept(struct connections *connections, int listen_fd);

/* True if there are as many as the limit allows, and none of them waits to be reaped. */
bool connections_are_full(const struct connections *connections);

/*
 * Does what the sockets ask for. Any request may be told its last news, and others may arrive.
 */
void connections_dispatch(struct connections *connections);

/* Drops those that no part of a request has come on. */
void connections_drop_idle(struct connections *connections);

/*
 * The turn ends. Returns true if new connections wait for their request, which is most likely
 * there in a moment: the next turn is not to wait.
 */
bool connections_end_turn(struct connections *connections);

/* Closes and frees what was dropped, and counted until then. */
void connections_reap(struct connections *connections);

/* Takes an accepted socket, and reads it. */
void connection_create(struct connections *connections, int fd);

/* request is told the news of the request that has arrived. */
void connection_attach(struct connection *connection, void *request);

/* What is written before the bytes of the next connection_push: to be appended to, until then. */
struct buffer *connection_output(struct connection *connection);

/*
 * Writes what was appended to the output, and bytes. ends: the response is complete with them, and
 * the request may be told its last news before this returns.
 */
void connection_push(struct connection *connection, const char *bytes, size_t len, bool ends);

/*
 * An answer is there: looks whether somebody waits for it. False if the web server has closed its
 * side, or gives up the request: that was told that it is lost, and is not there any more.
 */
bool connection_is_there(struct connection *connection);

/*
 * Ends the connection at once. Its request, should there be one, is told that it is lost, or
 * unwritten.
 */
void connection_drop(struct connection *connection);

#endif
