/*
 * See turn.h.
 */
#include "sessiond/session/turn.h"

#include "sessiond/session/admission.h"
#include "sessiond/session/drain.h"
#include "sessiond/session/receiver.h"
#include "sessiond/session/session.h"
#include "sessiond/session/session_set.h"

/* Returns false if it takes nothing now. */
static bool
send_queued(struct session *session)
{
	struct receiver *receiver = session->receiver;
	uint32_t before = session->queue.count;

	session_sent(session, receiver->ops->messages(receiver, &session->queue));
	if (session->queue.count == before)
		return false;
	session_mark(session, CHANGE_MESSAGES);
	return true;
}

static void
send_owed_open(struct session *session)
{
	if (session->receiver == NULL || !session->owes_open)
		return;
	session_owe_open(session, false);
	session_sent(session, receiver_send_open(session->receiver));
}

static void
flush_session(struct session *session)
{
	send_owed_open(session);
	while (session->receiver != NULL && session->queue.count > 0 && session->in_flight == NULL)
		if (!send_queued(session))
			break;
	if (session->state == SESSION_CLOSING_ATTACHED && session->queue.count == 0 &&
	    session->in_flight == NULL)
		session_send_close(session);
	drain_note_flush(session);
}

void
turn_flush_session(struct session *session)
{
	flush_session(session);
	sessions_write(session->service->sessions);
}

static bool
flush_dirty(struct sessions *sessions)
{
	struct session *session = STAILQ_FIRST(&sessions->dirty);

	if (session == NULL)
		return false;
	STAILQ_REMOVE_HEAD(&sessions->dirty, turn_next);
	if (sessions->holds_unstored && session->journal == NULL &&
	    session->state != SESSION_ENDED) {
		STAILQ_INSERT_TAIL(&sessions->held, session, turn_next);
		return true;
	}
	session->is_dirty = false;
	if (session->state == SESSION_ENDED)
		STAILQ_INSERT_TAIL(&sessions->dead, session, turn_next);
	else
		flush_session(session);
	return true;
}

bool
turn_flush(struct sessions *sessions)
{
	bool done = false;
	struct session *session;

	/* Nobody, mostly. */
	if (!STAILQ_EMPTY(&sessions->decided))
		done = admission_tell(sessions);
	while (flush_dirty(sessions))
		done = true;
	sessions_write(sessions);
	done = drain_tell(sessions) || done;
	while ((session = STAILQ_FIRST(&sessions->dead)) != NULL) {
		STAILQ_REMOVE_HEAD(&sessions->dead, turn_next);
		session_destroy(&session);
		done = true;
	}
	return done;
}

void
turn_hold_unstored(struct sessions *sessions)
{
	sessions->holds_unstored = true;
}

void
turn_release(struct sessions *sessions)
{
	sessions->holds_unstored = false;
	STAILQ_CONCAT(&sessions->dirty, &sessions->held);
}

bool
turn_is_due(const struct sessions *sessions)
{
	return !STAILQ_EMPTY(&sessions->dirty) || !STAILQ_EMPTY(&sessions->decided) ||
	    !STAILQ_EMPTY(&sessions->dead) || sessions->drained.count > 0;
}
