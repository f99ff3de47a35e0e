/*
 * See remote_send.h. Called by peer.c, and by the loop around its commit.
 */
#include "sessiond/responder/remote_send.h"

#include "sessiond/session/sent_ids.h"
#include "sockjs/message_array.h"
#include "sockjs/utf8.h"

#include <stdlib.h>

enum {
	ONE_WRITE = 16384, /* bytes that a socket that has taken all before takes at once */
	FIRST_ROOM = 64,
};

/* A send that was delivered in this turn. */
struct remote_send {
	struct peer *peer; /* NULL: gone */
	uint64_t request;
	enum wire_sent_result result;
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
	struct session *session = service == NULL
	    ? NULL
	    : session_table_find(&service->table, send->session, send->session_len);

	if (session == NULL)
		return WIRE_SENT_NO_SESSION;
	if (sent_ids_has(session->sent_ids, send->instance, send->sequence))
		return WIRE_SENT_OK;
	if (persistence_is_failing(peer->all->sessions))
		return WIRE_SENT_UNAVAILABLE;
	sent_ids_add(&session->sent_ids, send->instance, send->sequence);
	persistence_note_send(session, peer);
	session_receive_all(session, send->messages, send->messages_len);
	return WIRE_SENT_OK;
}

void
remote_send_take(struct peer *peer, uint64_t request, struct sockjs_service *service,
    const struct wire_send *send)
{
	struct peers *all = peer->all;

	if (all->send_count == all->send_room) {
		all->send_room = all->send_room == 0 ? FIRST_ROOM : all->send_room * 2;
		all->sends = realloc(all->sends, all->send_room * sizeof *all->sends);
		if (all->sends == NULL)
			abort();
	}
	all->sends[all->send_count++] =
	    (struct remote_send){peer, request, deliver(peer, service, send)};
}

void
remote_sends_prepare(struct peers *all)
{
	size_t i;

	for (i = 0; i < all->send_count; i++) {
		const struct peer *peer = all->sends[i].peer;

		if (peer == NULL || peer->is_blocked || peer->out.len > ONE_WRITE)
			persistence_note_large(all->sessions);
	}
}

bool
remote_sends_answer(struct peers *all, enum commit_result committed)
{
	bool any = all->send_count > 0;
	size_t i;

	for (i = 0; i < all->send_count; i++) {
		struct remote_send *send = &all->sends[i];

		if (send->peer == NULL)
			continue;
		if (committed == COMMIT_FAILED && send->result == WIRE_SENT_OK)
			send->result = WIRE_SENT_UNAVAILABLE;
		wire_encode_sent(&send->peer->out, send->request, send->result);
		peer_mark(send->peer);
	}
	all->send_count = 0;
	return any;
}

void
remote_sends_forget(struct peers *all, const struct peer *peer)
{
	size_t i;

	for (i = 0; i < all->send_count; i++)
		if (all->sends[i].peer == peer)
			all->sends[i].peer = NULL;
}
