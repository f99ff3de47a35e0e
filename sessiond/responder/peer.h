/*
 * The local socket: what connects to it, and the responders among that (doc/local-socket.md).
 *
 * A connection is told apart by its first byte: a message of the local socket begins with the zero of its length, an HTTP request
 * (from a web server that passes on websockets) never does.
 */
#ifndef SESSIOND_PEER_H
#define SESSIOND_PEER_H

#include "common/buffer.h"
#include "common/timer_queue.h"
#include "conf/config.h"
#include "sessiond/session/session.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <uv.h>

struct http_server;
struct remote_request;
struct remote_send;

enum { PEER_BUCKETS = 1024 };

struct peers {
	uv_loop_t *loop;
	struct config *config;
	struct sessions *sessions;
	struct http_server *http; /* takes what is HTTP */
	struct timer_queue greetings;
	struct peer *first;
	struct peer *dirty; /* those with something to write */
	/* Polls held by processes that serve one request at a time, the oldest first. */
	struct remote_request *held, **held_tail;
	size_t held_count;
	size_t largest_message; /* bytes that a peer may send at once */
	struct buffer scratch;
	struct remote_send *sends; /* of this turn, to be answered at its end */
	size_t send_count, send_room;
};

enum peer_state {
	PEER_UNKNOWN,  /* nothing came yet */
	PEER_GREETING, /* its HELLO is awaited */
	PEER_OPEN,
	PEER_LEAVING, /* it or we have said goodbye: what is held is answered, then it closes */
	PEER_GONE,
};

/* One connection of a responder. */
struct peer {
	struct peers *all;
	struct peer *next, **link, *next_dirty;
	enum peer_state state;
	uv_poll_t poll;
	int fd, events;
	uint32_t pid;
	int log;		     /* the responder's write_log; -1: none */
	uint64_t connection, frames; /* its id, and how many FRAMEs were put on it */
	struct timer timer;
	bool is_dirty, is_blocked; /* is_blocked: it takes no more for now */
	struct buffer in, out;
	struct remote_request
	    *requests[PEER_BUCKETS]; /* held, or answered and not confirmed, by id */
};

void peers_init(struct peers *all, uv_loop_t *loop, struct config *config,
    struct sessions *sessions, struct http_server *http);

/* Drops all connections. */
void peers_clear(struct peers *all);

/* Takes a connection from the Unix socket. */
void peers_accept(struct peers *all, int fd, const struct sockaddr *address, socklen_t len);

/* Writes what was queued; at the end of the turn. Returns true if there was something. */
bool peers_flush(struct peers *all);

/* Tells every responder what the services are, after a change. */
void peers_tell_services(struct peers *all);

/*
 * The daemon stops: responders are told, and their connections end when what they hold is answered and confirmed. Requests of
 * sessions that the next daemon finds in the store are left to it.
 */
void peers_say_goodbye(struct peers *all);

/* Something was added to peer->out. */
void peer_mark(struct peer *peer);

#endif
