/*
 * A receiving request that a responder holds for a client: a receiver (receiver.h) whose frames go over the local socket.
 */
#ifndef SESSIOND_REMOTE_REQUEST_H
#define SESSIOND_REMOTE_REQUEST_H

#include "common/wire_messages.h"
#include "sessiond/peer.h"
#include "sessiond/receiver.h"

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

/* Ends all of a peer's requests, with `h`. */
void remote_requests_release(struct peer *peer);

#endif
