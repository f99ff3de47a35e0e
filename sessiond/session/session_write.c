/*
 * See session_write.h.
 */
#include "sessiond/session/session_write.h"

#include "common/log_limit.h"
#include "sessiond/service/watch.h"
#include "sessiond/session/session.h"
#include "sessiond/session/session_set.h"
#include "sessiond/session/store_share.h"

/* True if it would take twice its share of the store then. */
static bool
is_too_much(struct session *session, const struct message *message)
{
	return session->journal != NULL && session_ready_state(session) <= SOCKJS_OPEN &&
	    !store_share_takes(session, message->len);
}

/* The session takes a reference of its own, or is closed if queue_limit is reached. */
static int
queue(struct session *session, struct message *message)
{
	static struct log_limit too_slow;
	size_t queued,
	    limit = limits_queue(&session->service->sessions->limits,
		session->service->protocol.options.queue_limit);

	if (session_ready_state(session) > SOCKJS_OPEN)
		return SOCKJS_GONE;
	queued = session_queued_bytes(session);
	if (message->len > limit || queued > limit - message->len ||
	    message_queue_push(&session->queue, message) == -1) {
		session_log_limited(&too_slow, session, SEVERITY_ERROR,
		    "queue_limit reached: a client does not read",
		    "queue_limit (%zu bytes) reached: the client does not read", limit);
		session->service->sessions->limits.reached[LIMIT_QUEUE]++;
		session_close_too_slow(session);
		return SOCKJS_FULL;
	}
	if (queued + message->len + MESSAGE_COST > session->service->protocol.options.drain_mark)
		session->is_over_mark = true;
	session->counts->sent++;
	session->counts->sent_bytes += message->len;
	if (watch_is_on())
		watch_message(session->service, session, WATCH_SENT, message->data, message->len,
		    message->binary);
	session_mark(session, CHANGE_MESSAGES);
	session_continue(session);
	return SOCKJS_OK;
}

int
session_write(struct session *session, struct message *message)
{
	if (!is_too_much(session, message))
		return queue(session, message);
	session_close_too_slow(session);
	store_share_note(session);
	return SOCKJS_FULL;
}
