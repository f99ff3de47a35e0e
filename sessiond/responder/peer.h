/*
 * Peers: the daemon's ends of the local socket, one for each responder that is connected. A peer is
 * a link (wire/link.h) with a state; what its messages mean is peer_messages.h.
 */
#ifndef SESSIOND_PEER_H
#define SESSIOND_PEER_H

#include "common/buffer.h"
#include "common/timer_queue.h"
#include "common/hash_table.h"
#include "sessiond/session/session.h"
#include "wire/link.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <uv.h>

#define PEER_GREETING_WAIT 10000 /* ms for a peer to send its HELLO, or to leave once refused */

enum {
	/*
	 * Of a daemon: one whose message is not here whole, and one of which the first bytes came
	 * with the end of that.
	 */
	PEER_DESCRIPTORS = 2,
};

struct peer;
struct peers;
struct remote_request;

/* Who a peer's messages are for. */
struct peer_calls {
	/*
	 * Somebody connected: fd is a socket of which nothing was read. Returns false if he may
	 * not, after he was told so.
	 */
	bool (*admit)(struct peers *all, int fd);
	/* A message came. Returns 0; -1 if it is not as it has to be: the peer is dropped. */
	int (*message)(struct peer *peer, const struct wire_header *header, const char *payload);
	/* The peer is lost, and is freed when this returns. It must hold no request then. */
	void (*gone)(struct peer *peer);
};

struct peers {
	uv_loop_t *loop;
	struct sessions *sessions;
	const struct peer_calls *calls;
	void *context; /* of the calls' owner */
	struct timer_queue greetings;
	LIST_HEAD(peer_list, peer) list;
	LIST_HEAD(peer_dirty, peer) dirty; /* those with something to write */
	size_t count;
	size_t payload_max; /* bytes that a peer may send in one message, once it has greeted */
	const size_t *backlog_max; /* bytes that may wait for a peer to read them */
};

enum peer_state {
	PEER_GREETING, /* its HELLO is awaited */
	PEER_OPEN,
	PEER_LEAVING, /* it or we have said goodbye: what is held is answered, then it closes */
};

struct peer {
	struct peers *all;
	LIST_ENTRY(peer) entry, dirty_entry;
	enum peer_state state;
	struct link *link;
	uint32_t pid;
	unsigned minor;	  /* version that both ends speak */
	uint64_t link_id; /* of this connection, random, not 0 */
	uint64_t frames;  /* how many FRAMEs were put on it */
	struct timer timer;
	bool is_dirty;
	bool is_alone;		    /* it serves one request at a time; remote_holds.h */
	bool is_daemon;		    /* another one, which hands connections over; handover.h */
	int kept[PEER_DESCRIPTORS]; /* of its messages that are not here yet */
	size_t kept_count;
	/* Held, or answered and not confirmed, by id: remote_request.c keeps them. */
	struct hash_table requests;
};

/*
 * Everything is borrowed. calls' functions find context in peer->all. backlog_max: bytes that a
 * peer may leave unread at the end of a turn; with more it is dropped. The number may change.
 */
void peers_init(struct peers *all, uv_loop_t *loop, struct sessions *sessions,
    const struct peer_calls *calls, void *context, const size_t *backlog_max);

/* Drops all peers. */
void peers_clear(struct peers *all);

/*
 * Takes fd, a connected non-blocking socket: a peer, of which only the user is known yet. Who may
 * not connect is told so, and fd is closed.
 */
void peers_add(struct peers *all, int fd);

/*
 * Makes room: drops the peer that has not greeted for the longest time. False if there is none.
 */
bool peers_drop_silent(struct peers *all);

/*
 * Raises what a peer may send in one message. It never shrinks: what was sent before may still
 * come.
 */
void peers_raise_payload_max(struct peers *all, size_t payload_max);

/* Writes what was queued; at the end of the turn. Returns true if there was something. */
bool peers_flush(struct peers *all);

/*
 * Where messages to the peer are composed; they leave at the end of the turn. buffer_failed is not
 * true of it.
 */
struct buffer *peer_output(struct peer *peer);

/* The peer has greeted, and is spoken to. */
void peer_open(struct peer *peer);

/* The same for one that is another daemon, which sends descriptors. */
void peer_open_daemon(struct peer *peer);

/* The descriptor that came with the message of a daemon, the caller's; -1: none did. */
int peer_take_descriptor(struct peer *peer);

/*
 * No new requests: once what it holds is answered and confirmed, and everything is written, our end
 * closes. A peer that has not greeted has until PEER_GREETING_WAIT to close its own.
 */
void peer_leave(struct peer *peer);

/* Looks again, at the end of the turn, whether a peer that leaves has nothing left. */
void peer_mark(struct peer *peer);

/* Closes the connection, after calls->gone, and frees the peer. */
void peer_drop(struct peer *peer);

#endif
