/*
 * A receiving request that a responder holds for a client, from its RECEIVE until the responder has
 * told what became of the answer.
 *
 * It is held as long as its session may still answer it, or has to wait until it is let in. Then it
 * is answered; if the answer was a frame that has to be known to have arrived, the request stays
 * until WRITTEN or ABORT comes.
 */
#ifndef SESSIOND_REMOTE_REQUEST_H
#define SESSIOND_REMOTE_REQUEST_H

#include "sessiond/responder/peer.h"
#include "sessiond/session/receiver.h"
#include "wire/wire_messages.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

/*
 * Of requests that are held, the oldest first. All zero bytes but for the list, after TAILQ_INIT.
 */
struct remote_hold_list {
	TAILQ_HEAD(, remote_request) list;
	size_t count;
};

struct remote_request {
	struct receiver receiver; /* first, so that a receiver is a request */
	struct peer *peer;
	struct hash_entry by_id;       /* of the peer's requests */
	struct remote_hold_list *held; /* that it is in; NULL: none */
	TAILQ_ENTRY(remote_request) hold_entry;
	uint64_t held_since; /* ms, if it is in one */
	uint64_t id;
	bool one_frame; /* the first frame is the whole answer */
	bool is_ended;	/* the last frame was sent */
	bool is_answered;
	/*
	 * What the answer carries, if the responder will tell whether it was written; NULL:
	 * nothing.
	 */
	struct in_flight *in_flight;
	size_t streamed, response_limit; /* bytes of frames */
	size_t units; /* of UTF-16, which the client of an app has in its buffer */
	char callback[TRANSPORT_CALLBACK_MAX + 1];
};

/* Makes the request of a RECEIVE, held by peer, with a receiver that has those ops. */
struct remote_request *remote_request_create(struct peer *peer, uint64_t id,
    const struct wire_receive *receive, size_t response_limit, const struct receiver_ops *ops);

/* Puts a request that is held at the end of a list, or takes it off, if it is in one. */
void remote_request_hold(struct remote_request *request, struct remote_hold_list *held);
void remote_request_unhold(struct remote_request *request);

/* The peer's request of that id, held or answered; NULL: none. */
struct remote_request *remote_request_find(const struct peer *peer, uint64_t id);

/*
 * The session has let go of the request. Frees it, unless the responder will tell whether the
 * answer was written.
 */
void remote_request_answered(struct remote_request *request);

/* The client of a held request is gone: the session hears of it. Frees the request. */
void remote_request_break(struct remote_request *request);

/* The answer was written, or (return) it was not. Each frees the request, which is answered. */
void remote_request_confirm(struct remote_request *request);
void remote_request_return(struct remote_request *request);

/* Ends all held requests of the peer: with a heartbeat, or 503 if they wait to be let in. */
void remote_requests_release(struct peer *peer);

/* Lets all held requests of the peer go without a word: the responder asks the next daemon. */
void remote_requests_abandon(struct peer *peer);

/*
 * The peer is gone, and none of its requests is held. What it noted to have written has arrived;
 * what else was in flight awaits the responder's return.
 */
void remote_requests_await(struct peer *peer);

#endif
