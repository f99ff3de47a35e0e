/*
 * See session_write.h.
 */
#include "sessiond/session/session_write.h"

#include "sessiond/session/session.h"
#include "sessiond/session/store_share.h"

/* True if it would take twice its share of the store then. */
static bool
is_too_much(struct session *session, const struct message *message)
{
	return session->journal != NULL && session_ready_state(session) <= SOCKJS_OPEN &&
	    !store_share_takes(session, message->len);
}

int
session_write(struct session *session, struct message *message)
{
	if (!is_too_much(session, message))
		return session_queue(session, message);
	session_close_too_slow(session);
	store_share_note(session);
	return SOCKJS_FULL;
}
