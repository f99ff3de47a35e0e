/*
 * Sends that come through a responder. Each is handed to the application at once, and answered when
 * what it caused is stored.
 */
#ifndef SESSIOND_REMOTE_SEND_H
#define SESSIOND_REMOTE_SEND_H

#include "sessiond/persistence/persistence.h"
#include "sessiond/responder/peer.h"
#include "wire/wire_messages.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct remote_send;

/* The sends of one turn, which are answered at its end. All zero bytes: none. */
struct remote_sends {
	struct remote_send *list;
	size_t count, room;
};

/*
 * True if the messages are text, as applications count on: a peer that is no responder of ours may
 * not have looked.
 */
bool remote_send_is_text(const struct wire_send *send);

/*
 * Delivers a send, unless it was delivered before. service: what it is for; NULL: there is none any
 * more.
 */
void remote_sends_take(struct remote_sends *sends, struct peer *peer, uint64_t request,
    struct sockjs_service *service, const struct wire_send *send);

/* After the commit: answers the turn's sends. Returns true if there were any. */
bool remote_sends_answer(struct remote_sends *sends, enum commit_result committed);

/* The peer is gone: its sends get no answer. */
void remote_sends_forget(struct remote_sends *sends, const struct peer *peer);

/* Frees the storage. */
void remote_sends_clear(struct remote_sends *sends);

#endif
