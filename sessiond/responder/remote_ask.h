/*
 * Requests of the HTTP API that come through a responder. Each is carried out at once, and answered
 * when its answer is there, and what it caused stored.
 */
#ifndef SESSIOND_REMOTE_ASK_H
#define SESSIOND_REMOTE_ASK_H

#include "sessiond/http/api_request.h"
#include "sessiond/persistence/persistence.h"
#include "sessiond/responder/peer.h"
#include "wire/wire_messages.h"

#include <stdbool.h>
#include <stddef.h>

struct remote_ask;

/* The requests that are to be answered. All zero bytes: none, and no API. */
struct remote_asks {
	const struct api *api;	  /* who answers; NULL: nobody. Borrowed */
	struct remote_ask **list; /* in the order in which they came */
	size_t count, room;
};

/*
 * Tells the peer which requests to pass on, right before it is told the services; nothing if there
 * is no API, or if the peer is too old for it.
 */
void remote_asks_tell(const struct remote_asks *asks, struct peer *peer);

/* The most bytes that a body may have; 0: there is no API. */
size_t remote_asks_body_limit(const struct remote_asks *asks);

/* Carries a request out. */
void remote_asks_take(
    struct remote_asks *asks, struct peer *peer, uint64_t request, const struct wire_ask *ask);

/* After the commit: answers those whose answer is there. Returns true if there were any. */
bool remote_asks_answer(struct remote_asks *asks, enum commit_result committed);

/*
 * The peer is about to be told goodbye, after which a responder repeats what has no answer: those
 * of its requests that wait for theirs get 503, for they may have been carried out.
 */
void remote_asks_give_up(struct remote_asks *asks, const struct peer *peer);

/* The peer is gone: its requests get no answer. */
void remote_asks_forget(struct remote_asks *asks, const struct peer *peer);

/* Frees the storage. Nobody may answer any more. */
void remote_asks_clear(struct remote_asks *asks);

#endif
