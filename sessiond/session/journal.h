/*
 * What changed since the last commit. Sessions mark here what of them changed; whoever owns the
 * store takes it from here when a turn ends, and says with is_kept and is_failing how things stand.
 * Neither knows the other.
 *
 * A session that is stored has an entry, which is also where the store's owner notes what the store
 * knows of it. Without a store there are no entries, and marks do nothing.
 */
#ifndef SESSIOND_JOURNAL_H
#define SESSIOND_JOURNAL_H

#include "common/timer_queue.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sys/queue.h>

#define JOURNAL_LATE_DELAY 50 /* ms that a change waits which can wait */

/* What of a session may have changed. */
enum change {
	CHANGE_SESSION = 1 << 0,  /* its state; or it is new */
	CHANGE_MESSAGES = 1 << 1, /* its queue, or what it has in flight */
	CHANGE_SENT = 1 << 2,	  /* a send with an id came, or whether an open frame is owed */
};

enum change_urgency {
	CHANGE_NOW,
	CHANGE_CAN_WAIT, /* until something else is to be committed, or JOURNAL_LATE_DELAY */
};

struct journal_entry {
	void *owner; /* the session */
	uint64_t key;
	LIST_ENTRY(journal_entry) next; /* of the list that place names */
	enum { JOURNAL_SETTLED, JOURNAL_LATE, JOURNAL_CHANGED } place;
	unsigned changes;  /* of enum change */
	bool was_returned; /* messages came back: they are stored even if they leave again now */

	/* store_share.h's: bytes of the store. */
	uint64_t row;	/* of the session without its messages */
	uint64_t taken; /* of all; its address has as many for it */

	/* What the store knows. */
	bool is_stored;
	uint64_t first, until;	 /* positions of its messages; none if they are equal */
	uint64_t link_id, index; /* of the frame in flight; link_id 0: none */
};

LIST_HEAD(journal_list, journal_entry);

/* Part of struct sessions. */
struct journal {
	bool is_kept;	 /* there is a store; before the first session */
	bool is_failing; /* the last commit failed */
	uint64_t last_key;
	struct journal_list changed; /* the latest first */
	struct journal_list late;    /* a delivery, and nothing else */
	struct {
		uint64_t *keys; /* of sessions that are to be deleted */
		size_t count, room;
	} ended;
	struct timer_queue late_delays;
	struct timer late_timer;
	bool is_late_due;
	/* Of this turn. */
	bool is_touched; /* something was marked */
	bool has_sends;	 /* one came that is acknowledged */
};

/* Part of sessions_init and sessions_clear. */
void journal_init(struct journal *journal, struct timers *timers);
void journal_clear(struct journal *journal, struct timers *timers);

/* --- a session -------------------------------------------------------------------------------- */

/* The entry of a new session, with a key of its own; it is marked. NULL without a store. */
struct journal_entry *journal_begin(struct journal *journal, void *owner);

/* The entry of a session that was read from the store under key. */
struct journal_entry *journal_resume(struct journal *journal, void *owner, uint64_t key);

/*
 * Frees the entry of a session that ends. forget: it is deleted in the store; else it stays there
 * for the next daemon. Sets *entry NULL; takes NULL.
 */
void journal_end(struct journal *journal, struct journal_entry **entry, bool forget);

/* A session that was read from the store under key does not go on: it is deleted there. */
void journal_forget(struct journal *journal, uint64_t key);

/* Takes an entry NULL. */
void journal_mark(struct journal *journal, struct journal_entry *entry, enum change change);

/* A send came that is acknowledged: what leaves to responders in this turn is stored before. */
void journal_note_send(struct journal *journal);

/* The same of a send with an id, which is stored too. Takes an entry NULL. */
void journal_mark_send(struct journal *journal, struct journal_entry *entry);

/* A frame in flight arrived: what is stored of it can be deleted. Takes an entry NULL. now: ms. */
void journal_mark_delivered(struct journal *journal, struct journal_entry *entry,
    enum change_urgency urgency, uint64_t now);

/* What can wait is committed with this turn: whoever could be asked about it leaves. */
void journal_hurry(struct journal *journal);

/* --- for the store's owner -------------------------------------------------------------------- */

/* The store has what changed, or nothing of it was to be stored. */
void journal_settle(struct journal_entry *entry);

/* A turn is over: what is_touched and has_sends say is begun anew. */
void journal_end_turn(struct journal *journal);

#endif
