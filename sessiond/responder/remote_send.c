/*
 * See remote_send.h. What a send caused, and its id, are stored before its answer leaves.
 */
#include "sessiond/responder/remote_send.h"

#include "common/memory.h"
#include "sessiond/session/admission.h"
#include "sessiond/session/sent_ids.h"
#include "sessiond/session/session_set.h"
#include "sessiond/session/store_share.h"
#include "sockjs/message_array.h"
#include "sockjs/utf8.h"

#include <stdlib.h>

enum { UNAVAILABLE = 503 };

/* A send that was delivered in this turn. */
struct remote_send {
	struct peer *peer; /* NULL: gone */
	uint64_t request;
	enum wire_sent_result result;
	bool is_app_away; /* when it came: then it was not delivered */
};

bool
remote_send_is_text(const struct wire_send *send)
{
	const char *cursor = send->messages, *message;
	size_t len;

	while (message_array_next(&cursor, send->messages + send->messages_len, &message, &len))
		if (!utf8_is_valid_wtf8(message, len))
			return false;
	return true;
}

static enum wire_sent_result
deliver(struct peer *peer, struct sockjs_service *service, const struct wire_send *send)
{
	struct admission_refusal refusal;
	struct session *session;

	if (service == NULL)
		return WIRE_SENT_NO_SESSION;
	session =
	    admission_find(service, send->session, send->session_len, &send->client.any, &refusal);
	if (session == NULL)
		return refusal.status == 429 ? WIRE_SENT_TOO_MANY : WIRE_SENT_NO_SESSION;
	if (sent_ids_has(session->sent_ids, send->instance, send->sequence))
		return WIRE_SENT_OK;
	if (!limits_request(&peer->all->sessions->limits, &send->client.any, true,
		sessions_now(peer->all->sessions)))
		return WIRE_SENT_TOO_MANY;
	if (peer->all->sessions->journal.is_failing || service->refuses_sends ||
	    store_share_refuses(session))
		return WIRE_SENT_UNAVAILABLE;
	sent_ids_add(&session->sent_ids, send->instance, send->sequence);
	journal_mark_send(&peer->all->sessions->journal, session->journal);
	session_receive_all(session, send->messages, send->messages_len);
	return WIRE_SENT_OK;
}

void
remote_sends_take(struct remote_sends *sends, struct peer *peer, uint64_t request,
    struct sockjs_service *service, const struct wire_send *send)
{
	bool is_app_away = service != NULL && service->refuses_sends;

	sends->list = xgrow(sends->list, &sends->room, sends->count, sizeof *sends->list);
	sends->list[sends->count++] = (struct remote_send){
	    .peer = peer,
	    .request = request,
	    .result = deliver(peer, service, send),
	    .is_app_away = is_app_away,
	};
}

static void
answer(const struct remote_send *send)
{
	struct buffer *out = peer_output(send->peer);

	if (send->result == WIRE_SENT_UNAVAILABLE && send->is_app_away)
		wire_encode_refused(
		    out, send->request, UNAVAILABLE, "The application is overloaded or away.\n");
	else
		wire_encode_sent(out, send->request, send->result);
}

bool
remote_sends_answer(struct remote_sends *sends, enum commit_result committed)
{
	bool any = sends->count > 0;
	size_t i;

	for (i = 0; i < sends->count; i++) {
		struct remote_send *send = &sends->list[i];

		if (send->peer == NULL)
			continue;
		if (committed == COMMIT_FAILED && send->result == WIRE_SENT_OK)
			send->result = WIRE_SENT_UNAVAILABLE;
		answer(send);
	}
	sends->count = 0;
	return any;
}

void
remote_sends_forget(struct remote_sends *sends, const struct peer *peer)
{
	size_t i;

	for (i = 0; i < sends->count; i++)
		if (sends->list[i].peer == peer)
			sends->list[i].peer = NULL;
}

void
remote_sends_clear(struct remote_sends *sends)
{
	free(sends->list);
	*sends = (struct remote_sends){NULL};
}
