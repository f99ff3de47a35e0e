/*
 * Which sessions are stored, and when: what one turn of the loop changed is one transaction, committed before its answers leave.
 *
 * Sessions mark what changed; persistence_commit, once the turn's frames are encoded and before any is written to a socket, works
 * out what of it the store has to know. A message that was delivered in its own turn is not among it, nor are the ids of sends
 * whose every effect leaves together with their answer, in one write to one responder: a crash before that write undoes both.
 *
 * Without a store everything here does nothing.
 */
#ifndef SESSIOND_PERSISTENCE_H
#define SESSIOND_PERSISTENCE_H

#include "common/error.h"
#include "common/timer_queue.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct session;
struct sessions;
struct store;

/* What of a session may have changed. */
enum change {
	CHANGE_SESSION = 1 << 0,  /* its state; or it is new */
	CHANGE_MESSAGES = 1 << 1, /* its queue, or what it has in flight */
	CHANGE_SENT = 1 << 2,	  /* a send with an id came */
};

enum change_urgency {
	CHANGE_NOW,
	CHANGE_CAN_WAIT, /* until something else is to be committed, or 50 ms */
};

/* What the store knows of a session. Belongs to it; NULL in sessions that are not stored. */
struct persistent {
	struct session *session;
	uint64_t key;
	bool is_stored;
	unsigned changes; /* of enum change */
	uint64_t first,
	    until; /* positions of the messages that are stored; none if they are equal */
	uint64_t connection, index;		   /* of the frame in flight, as stored */
	struct persistent *next, **link;	   /* of those that changed */
	struct persistent *late_next, **late_link; /* of those whose change can wait */
};

/* Part of struct sessions. */
struct persistence {
	struct store *store; /* NULL: none */
	uint64_t last_key;
	struct persistent *changed, *late;
	struct {
		uint64_t *keys;
		size_t count, room;
	} ended;
	struct timer_queue late_delays, retries, tidies;
	struct timer late_timer, retry_timer, tidy_timer;
	bool is_late_due;
	bool is_failing; /* the last commit failed */
	bool is_retry_due;
	bool owes_sends; /* ... and had the ids of sends in it */
	bool is_touched; /* something was marked since the last commit */
	/* The turn: whether all sends, and all that they caused, go the same way. */
	const void *way; /* the responder's connection; NULL: none yet */
	bool has_sends, is_mixed;
};

enum commit_result {
	COMMIT_DONE,   /* committed, or there was nothing to commit: answers may leave */
	COMMIT_FAILED, /* nothing was: sends must not be acknowledged */
};

/* Part of sessions_init and sessions_clear. */
void persistence_init(struct sessions *sessions);
void persistence_clear(struct sessions *sessions);

/* Uses that store, which becomes the sessions'. Before the first session. */
void persistence_use(struct sessions *sessions, struct store *store);

/* A session that others can find by its id is new: it will be stored. */
void persistence_begin(struct session *session);

/* One that was read from the store under key. */
void persistence_resume(struct session *session, uint64_t key);

/* Deletes a session that was read from the store, and that does not go on. */
void persistence_forget_key(struct sessions *sessions, uint64_t key);

/* Frees what the store knows of the session. forget: it ended, and is deleted there; else it stays for the next daemon. */
void persistence_end(struct session *session, bool forget);

void persistence_mark(struct session *session, enum change change);

/* A frame in flight arrived: what was stored of it can be deleted. */
void persistence_mark_delivered(struct session *session, enum change_urgency urgency);

/* A send with an id (session not NULL), or the messages it may have caused, take that way: the responder's connection, or any other address. */
void persistence_note_way(struct sessions *sessions, const void *way);
void persistence_note_send(struct session *session, const void *way);

/* The turn's output is too large to leave in one piece. */
void persistence_note_large(struct sessions *sessions);

/* True if an answer that is ready now has to wait for the commit. */
bool persistence_is_pending(const struct sessions *sessions);

/* True while the store cannot be written: new sends are refused. */
bool persistence_is_failing(const struct sessions *sessions);

/* The end of a turn. */
enum commit_result persistence_commit(struct sessions *sessions);

/* Everything that can wait is to be committed with this turn: who could be asked about it leaves. */
void persistence_hurry(struct sessions *sessions);

#endif
