/*
 * A websocket connection: a socket of our own with framing over it. It lives on the loop, outside
 * of libmicrohttpd, and costs no buffer while it is idle: reads go to one buffer that all share,
 * writes come from another (websocket_output.h).
 *
 * What messages mean is decided by a receiver: receiver_websocket.c (SockJS frames) or
 * receiver_raw.c.
 */
#ifndef SESSIOND_WEBSOCKET_H
#define SESSIOND_WEBSOCKET_H

#include "common/buffer.h"
#include "common/timer_queue.h"
#include "sessiond/session/receiver.h"
#include "sessiond/session/session_set.h"
#include "sessiond/websocket/websocket_framing.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>
#include <uv.h>

struct address_entry;
struct session;
struct websocket;
struct ws_deflate_params;

/* What is called of the files above this one. */
struct websocket_calls {
	uv_poll_cb events;	  /* by the loop: there is something to read, or room to write */
	timer_fire *unfinished;	  /* its peer has not ended a message */
	void (*write)(void *all); /* by sessions_write */
};

/* What has come or is to leave, and waits. Most websockets have nothing of the kind. */
struct websocket_rest {
	struct buffer unparsed;	   /* the beginning of a frame; while it waits, frames */
	struct buffer message;	   /* the beginning of a message */
	struct buffer undelivered; /* messages of a frame, as message_array_decode leaves them */
	struct buffer out;	   /* what the peer did not take yet */
	size_t input;		   /* room of the first three that is taken from the cap of all */
};

#define WEBSOCKET_PARTS 64

/* What all send in a turn, and has not been written: see websocket_output.h. */
struct websocket_part {
	struct websocket *websocket;
	size_t end; /* where the next one begins */
};

struct websocket_output {
	struct buffer bytes;
	size_t count;
	struct websocket_part parts[WEBSOCKET_PARTS]; /* of bytes */
};

/* What all websockets of a loop share. */
struct websockets {
	const struct websocket_calls *calls;
	uv_loop_t *loop;
	struct sessions *sessions;
	struct timer_queue closings;   /* peers that have to answer a close */
	struct timer_queue unfinished; /* peers that have to end a message */
	LIST_HEAD(, websocket) list;
	TAILQ_HEAD(websocket_queue, websocket)
	waiting;		       /* what they sent goes on in the loop's next turn */
	struct websocket_queue paused; /* ... when their service takes messages again */
	uv_idle_t next_turn;	       /* runs while somebody waits */
	size_t count;		       /* of list, and of handshakes that are to become one */
	char *input;		       /* WEBSOCKET_INPUT bytes, shared by all reads */
	struct websocket_output output;
	struct websocket_rest nothing; /* of those that have none; stays empty */
};

#define WEBSOCKET_INPUT 66560 /* bytes: a message of 64 KiB with its head comes in one read */

#define WEBSOCKET_CLOSE_WAIT                                                                       \
	5000 /* ms for the peer to answer our close, and to end the connection */

enum websocket_state {
	WEBSOCKET_OPEN,
	WEBSOCKET_CLOSING,  /* our close was sent or is queued; waits for the peer's */
	WEBSOCKET_DRAINING, /* all is said: what arrives is thrown away until the peer closes */
	WEBSOCKET_GONE,
};

/* The kinds of websocket: what a receiver does with them. */
struct websocket_kind {
	struct receiver_ops receiver;
	/* A whole message came. data may be changed in place. */
	void (*message)(struct websocket *websocket, char *data, size_t len, bool binary);
	/* Goes on with `undelivered`. NULL: it leaves nothing there. */
	void (*deliver)(struct websocket *websocket);
};

/*
 * What a message needs is at the beginning, close together: of many websockets, little of each is
 * in the processor's caches.
 */
struct websocket {
	struct receiver receiver;
	struct websockets *all;
	struct websocket_rest *rest; /* its own (websocket_own_rest), or that of all */
	const struct websocket_framing *framing;
	struct websocket_deflate *deflate; /* NULL: not agreed */
	int fd;
	unsigned char events; /* that poll watches */
	enum websocket_state state : 8;
	bool peer_closed;	       /* its close frame came */
	bool has_deflate_place;	       /* of the limit */
	struct websocket_queue *queue; /* in which it waits: nothing is read then; NULL: none */
	long work;		       /* what it may still cost in this turn */
	const struct websocket_kind *kind;
	struct rate_points *rates; /* NULL: no rate is limited */
	union websocket_parser parser;
	struct ws_limits limits;
	uv_poll_t poll;
	LIST_ENTRY(websocket) entry;
	struct timer timer; /* of closings or unfinished */
	TAILQ_ENTRY(websocket) wait_entry;
	uint64_t client;	       /* the address_count_number of its address */
	struct address_entry *address; /* its place among its address's connections; NULL: none */
};

/* Makes an empty set. Everything given is borrowed; calls are websocket_input.h's. */
void websockets_init(struct websockets *all, uv_loop_t *loop, struct sessions *sessions,
    const struct websocket_calls *calls);

/* ms for a message to arrive, for those that begin from now on. */
void websockets_set_message_timeout(struct websockets *all, uint64_t ms);

/* Their services' message_limit may have changed: it counts for what comes from now on. */
void websockets_renew_limits(struct websockets *all);

/* Drops every connection at once, so that the loop can end. */
void websockets_clear(struct websockets *all);

extern const struct websocket_kind websocket_kind_sockjs, websocket_kind_raw;

/*
 * Takes over a connected, non-blocking socket after its handshake. deflate: what was agreed, NULL
 * for nothing. Nothing is read before the loop's next turn. The websocket frees itself. Aborts
 * without memory.
 */
struct websocket *
websocket_create(struct websockets *all, int fd, const struct websocket_kind *kind,
    const struct transport *transport, const struct websocket_framing *framing,
    size_t message_limit, const struct ws_deflate_params *deflate);

/* --- for the other files of its room ---------------------------------------------------------- */

static inline struct limits *
websocket_limits(const struct websocket *websocket)
{
	return &websocket->all->sessions->limits;
}

/* Its rest, to be written to. */
struct websocket_rest *websocket_own_rest(struct websocket *websocket);

/* Its rest's `out` had so many bytes before. */
void websocket_count_out(struct websocket *websocket, size_t before);

/* Forgets what the peer did not take. */
void websocket_drop_out(struct websocket *websocket);

/* Gives its rest back if all of it has gone on. */
void websocket_trim_rest(struct websocket *websocket);

/* The connection is of no more use: the session hears of it, everything is freed. */
void websocket_lose(struct websocket *websocket);

/* Has the loop watch what has to be watched now. */
void websocket_watch(struct websocket *websocket);

#endif
