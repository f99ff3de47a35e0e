/*
 * A FastCGI connection from the web server, and the one request it has at a time.
 *
 * It stays on the loop all its life: its request is collected until it is whole (record.h), then read by libfcgi from memory, and
 * parked until its answer has come. An answer too large for the socket's buffer is written by libfcgi to memory, and leaves from
 * there. So nothing that a web server does or leaves undone keeps others waiting.
 */
#ifndef FCGI_CONNECTION_H
#define FCGI_CONNECTION_H

#include "common/buffer.h"
#include "common/timer_queue.h"
#include "fcgi/webserver/record.h"
#include "fcgi/request.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct chunking;
struct libfcgi;
struct responder;

enum connection_state {
	CONNECTION_WAITING, /* for a whole request */
	CONNECTION_PARKED,  /* the request is being handled, here or by sessiond */
	CONNECTION_WRITING, /* a large answer leaves as the web server takes it */
	CONNECTION_GONE,
};

struct connection {
	struct responder *responder;
	struct connection *next, **link, *next_dead;
	enum connection_state state;
	struct libfcgi *libfcgi; /* its request */
	unsigned id;		 /* of the request, in its records */
	int fd;
	struct timer timer;  /* of arrivals, or of patience while parked */
	struct timer stall;  /* of the web server, while an answer leaves */
	bool is_collecting;  /* requests are being read: the next one's turn comes after this one */
	bool failed;	     /* to write */
	bool response_ended; /* nothing follows what is in out */
	struct buffer in;    /* of the next request, as far as it has come */
	struct record_scan scan;
	struct buffer out;    /* of the response, to be given to libfcgi */
	struct buffer unsent; /* records of the response, for a socket that had no room for them */
	bool unsent_ends;     /* the response, that is */
	struct request request;
	struct chunking *chunking; /* NULL: no such probe runs */
};

/* Takes an accepted socket. */
void connection_create(struct responder *responder, int fd);

/* The socket has something, as epoll tells: a request, or its end. */
void connection_event(struct connection *connection, uint32_t events);

/* Adds bytes to the response; connection_push writes them. ended: the response is complete with them. */
void connection_add(struct connection *connection, const void *data, size_t len);
void connection_push(struct connection *connection, bool ended);

/* True if the web server has closed its side, or gives up the request that is handled. */
bool connection_is_left(const struct connection *connection);

/* Ends the connection at once; a request that sessiond has is aborted. */
void connection_drop(struct connection *connection);

/* Frees what was dropped in this turn. */
void connections_bury(struct responder *responder);

#endif
