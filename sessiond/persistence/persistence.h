/*
 * What sessions have changed is stored: one turn of the loop is one transaction, committed before
 * the turn's answers leave.
 *
 * The journal (session/journal.h) says what changed. persistence_commit works out what of that the
 * store has to know, once the turn's frames are encoded and before any is written to a socket. A
 * message that was delivered in its own turn is not among it. Nor are the ids of sends whose every
 * effect leaves together with their answer, in one write to one responder: a crash before that
 * write undoes both, a crash after it neither.
 */
#ifndef SESSIOND_PERSISTENCE_H
#define SESSIOND_PERSISTENCE_H

#include "common/timer_queue.h"
#include "sessiond/store/store_types.h"

#include <stdbool.h>
#include <stddef.h>

struct journal;
struct session;
struct sessions;

enum { PERSISTENCE_PARTS_MAX = 4 };

/*
 * What is stored beside sessions, in the same transactions, as records. It belongs to another room,
 * which fills it.
 */
struct persistence_part {
	void *owner; /* for the functions */
	/* Whether anything is to be written. */
	bool (*is_changed)(const void *owner);
	/* Writes what changed; after a failure all of it again. Returns what the store said. */
	enum store_result (*write)(void *owner, struct store *store);
	/* What was written is committed. */
	void (*settle)(void *owner);
	/* The store was begun anew: everything has changed. */
	void (*forget)(void *owner);
	/*
	 * At the start: a record of any kind, maybe of another part. session: that of the key which
	 * is its number, or NULL.
	 */
	void (*read)(void *owner, const struct stored_record *record, struct session *session);
};

/* The members are private, but for store and sessions. */
struct persistence {
	struct store *store; /* NULL: none, and nothing is ever to be committed */
	struct sessions *sessions;
	struct journal *journal; /* theirs */
	struct timer_queue retries, tidies;
	struct timer retry_timer, tidy_timer;
	bool is_retry_due;
	const struct persistence_part *parts[PERSISTENCE_PARTS_MAX];
	size_t part_count;
};

enum commit_result {
	COMMIT_DONE,   /* committed, or there was nothing to commit: answers may leave */
	COMMIT_FAILED, /* nothing was: sends must not be acknowledged */
};

/* For these sessions, which are borrowed, and without a store. */
void persistence_init(struct persistence *p, struct sessions *sessions);

/* Closes the store. Before sessions_clear. */
void persistence_clear(struct persistence *p);

/* Uses that store, and takes it. Before the first session. */
void persistence_use(struct persistence *p, struct store *store);

/*
 * The part is stored, too; after those that were added before. It is borrowed until
 * persistence_clear. Before sessions_restore.
 */
void persistence_add(struct persistence *p, const struct persistence_part *part);

/*
 * The end of a turn. After a failure it is tried again, each second, with all that changed since.
 */
enum commit_result persistence_commit(struct persistence *p);

#endif
