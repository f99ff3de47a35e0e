/*
 * A receiving request that a responder holds for a client: a receiver (receiver.h) whose frames go over the local socket.
 */
#ifndef SESSIOND_REMOTE_REQUEST_H
#define SESSIOND_REMOTE_REQUEST_H

#include "wire/wire_messages.h"
#include "sessiond/responder/peer.h"
#include "sessiond/session/receiver.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct remote_request {
	struct receiver receiver; /* first, so that a receiver is a request */
	struct peer *peer;
	struct remote_request *next, **link;	       /* of the peer's, by id */
	struct remote_request *next_held, **link_held; /* of peers.held */
	uint64_t id;
	bool one_frame, is_alone, is_ended;
	bool is_let_go; /* by the session: it is kept for in_flight */
	struct in_flight *
	    in_flight; /* of an answered one: the responder will tell whether it was written; NULL: nothing */
	size_t streamed, response_limit;
	char callback[TRANSPORT_CALLBACK_MAX + 1];
};

/* Joins a RECEIVE to its session. service has been looked up. */
void remote_request_receive(struct peer *peer, const struct wire_header *header,
    const struct wire_receive *receive, struct sockjs_service *service,
    const struct connection_source *source);

/* The request of that id that the peer holds; NULL: none. */
struct remote_request *remote_request_find(const struct peer *peer, uint64_t id);

/* The client is gone: the session hears of it. Frees the request. */
void remote_request_break(struct remote_request *request);

/* It was answered with messages; the responder has yet to tell whether the answer was written: then one of the next two is called, which free it. */
bool remote_request_is_answered(const struct remote_request *request);
void remote_request_confirm(struct remote_request *request);
void remote_request_return(struct remote_request *request);

/* Ends all of a peer's requests that are held, with `h`. */
void remote_requests_release(struct peer *peer);

/* Lets them go without a word: the responder asks the next daemon. */
void remote_requests_abandon(struct peer *peer);

/* The peer is gone: what it had in flight and did not write awaits its return. */
void remote_requests_await(struct peer *peer);

#endif
