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

#include <stdbool.h>

struct journal;
struct sessions;
struct store;

/* The members are private, but for store and sessions. */
struct persistence {
	struct store *store; /* NULL: none, and nothing is ever to be committed */
	struct sessions *sessions;
	struct journal *journal; /* theirs */
	struct timer_queue retries, tidies;
	struct timer retry_timer, tidy_timer;
	bool is_retry_due;
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
 * The end of a turn. After a failure it is tried again, each second, with all that changed since.
 */
enum commit_result persistence_commit(struct persistence *p);

#endif
