/*
 * Sends that come through a responder: handed to the application at once, answered when what they caused is stored.
 */
#ifndef SESSIOND_REMOTE_SEND_H
#define SESSIOND_REMOTE_SEND_H

#include "wire/wire_messages.h"
#include "sessiond/persistence/persistence.h"
#include "sessiond/responder/peer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* True if the messages are text, as applications count on: a peer that is no responder of ours may not have looked. */
bool remote_send_is_text(const struct wire_send *send);

/* Delivers a send, unless it was delivered before. service has been looked up; NULL: there is none any more. */
void remote_send_take(struct peer *peer, uint64_t request, struct sockjs_service *service,
    const struct wire_send *send);

/* Before the commit: tells it if the answers of a responder may not leave in one piece. */
void remote_sends_prepare(struct peers *all);

/* After it: the turn's sends are answered. Returns true if there were any. */
bool remote_sends_answer(struct peers *all, enum commit_result committed);

/* The peer's connection is gone: its sends get no answer. */
void remote_sends_forget(struct peers *all, const struct peer *peer);

#endif
