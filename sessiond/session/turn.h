/*
 * The end of a turn: what sessions have queued becomes frames, and those that ended are freed.
 * Until then everything only queues and marks, so that an application is never called from within a
 * call of its own, and nothing is freed under its caller.
 */
#ifndef SESSIOND_TURN_H
#define SESSIOND_TURN_H

#include <stdbool.h>

struct session;
struct sessions;

/*
 * Sends what the session has queued, as far as its receiver takes it; then the close frame, if it
 * is time. Before the end of a turn too, for an answer that is to be ready at once.
 */
void turn_flush_session(struct session *session);

/* Does so for all sessions that were marked, and frees what ended. True if anything was done. */
bool turn_flush(struct sessions *sessions);

/*
 * From now on turn_flush leaves out the sessions that are not stored, websockets': what they would
 * be sent at once is to be stored first. turn_release ends that; turn_flush has them then.
 */
void turn_hold_unstored(struct sessions *sessions);
void turn_release(struct sessions *sessions);

/* Sessions have been marked since, or are to be told: turn_flush has something to do. */
bool turn_is_due(const struct sessions *sessions);

#endif
