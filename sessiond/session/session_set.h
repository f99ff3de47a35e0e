/*
 * The set of all sessions: what they share, and who may join. It knows them by name only; what a
 * session does is session.h's.
 */
#ifndef SESSIOND_SESSION_SET_H
#define SESSIOND_SESSION_SET_H

#include "sessiond/limits/address_count.h"
#include "common/buffer.h"
#include "common/hash_table.h"
#include "sessiond/service/handle_table.h"
#include "common/timer_queue.h"
#include "sessiond/limits/limits.h"
#include "sessiond/session/in_flight.h"
#include "sessiond/session/journal.h"
#include "sockjs/transport.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sys/queue.h>
#include <sys/socket.h>

#define SESSION_PONG_DELAY   10000 /* ms a ping may stay unanswered */
#define SESSION_RETURN_DELAY 15000 /* ms, at least, for who was turned away to come back */
#define SESSION_GRACE_DELAY  2000  /* ms for a responder whose connection broke to come back */

struct session;

STAILQ_HEAD(session_list, session);

/* Sessions to be told of their drain, by handle: who ends meanwhile is not followed. */
struct drain_list {
	uint64_t *handles;
	size_t count, room;
};

/* What sessions of one transport did since the start. */
struct transport_counts {
	uint64_t opened;		   /* sessions, by their first receiver */
	uint64_t received, received_bytes; /* messages of clients */
	uint64_t sent, sent_bytes;	   /* messages to clients: those that were queued */
};

struct session_counts {
	struct transport_counts of[TRANSPORT_COUNT];
	struct transport_counts legs; /* ... that carry others: what they do is counted there */
	uint64_t heartbeats_missed;   /* pings without an answer */
};

/* What the timers of a set call; the context is the struct sessions. */
struct session_fires {
	timer_fire *pong;    /* SESSION_PONG_DELAY */
	timer_fire *timeout; /* SESSION_RETURN_DELAY */
	timer_fire *grace;   /* SESSION_GRACE_DELAY */
};

struct sessions {
	uint64_t (*clock)(void *context); /* ms, not going back; the loop's time, or a test's */
	void *clock_context;
	struct timers timers;
	struct timer_queue pongs, returns, graces;
	struct handle_table handles;
	struct hash_table by_uuid;
	const struct sockjs_service *legs; /* stands for whom legs talk to; NULL: there are none */
	struct session_list dirty;	   /* to be flushed */
	struct session_list decided;	   /* whose module has let them in, or not: to be told */
	struct session_list held;	   /* the same, once the turn is committed */
	bool holds_unstored;		   /* those that are not stored go there */
	struct session_list dead;	   /* to be freed */
	struct drain_list drained;	   /* to be told */
	struct in_flight_list awaits; /* frames of which a responder that comes back will tell */
	struct journal journal;
	struct limits limits; /* of what all peers together take */
	struct session_counts counts;
	size_t count, limit;
	uint32_t limit_per_address; /* 0: none */
	struct address_count addresses;
	/* Bytes that one session, and those of one address, may take of the store. */
	uint64_t store_session_limit, store_address_limit;
	uint64_t last_number;
	void (*write)(void *writer); /* see sessions_write; NULL: nothing is put off */
	void *writer;
	struct buffer scratch; /* for frames on their way out */
	bool is_draining;      /* no new sessions, until that is undone */
	bool closing; /* no new sessions, unless the next daemon will find them in the store */
};

/* Makes an empty set without limits that reads the time from clock(context). */
void sessions_init(struct sessions *sessions, uint64_t (*clock)(void *context), void *context,
    const struct session_fires *fires);

/* Frees what sessions share. All must be gone: turn_flush after session_abort of each. */
void sessions_clear(struct sessions *sessions);

/* The time, ms. */
uint64_t sessions_now(const struct sessions *sessions);

/*
 * Why there can be no new session for a client at that address (NULL: unknown): a text for a 503;
 * NULL if there can be one. is_stored: one that the store would have, if there is a store.
 */
const char *
sessions_refusal(struct sessions *sessions, const struct sockaddr *address, bool is_stored);

/* Has receivers write what they have put off (receiver.h). */
void sessions_write(struct sessions *sessions);

/* Gives the storage of the shared buffer back, should it have become large. */
void sessions_trim_scratch(struct sessions *sessions);

/* The by_uuid of the session that has that uuid; NULL: none has. */
struct hash_entry *sessions_find(const struct sessions *sessions, const char *uuid);

/* Calls fn with each `struct session *` and context; fn may end the session it is called with. */
void
sessions_each(struct sessions *sessions, void (*fn)(void *session, void *context), void *context);

/*
 * The same in parts: with those in the next n places from *place (0: the first), which it moves.
 * False: these were the last. Who lives all the time is met once.
 */
bool sessions_some(struct sessions *sessions, uint32_t *place, uint32_t n,
    void (*fn)(void *session, void *context), void *context);

#endif
