/*
 * The receiver (session/receiver.h) of a request that a responder holds: its frames go over the
 * local socket.
 */
#ifndef SESSIOND_RECEIVER_REMOTE_H
#define SESSIOND_RECEIVER_REMOTE_H

#include "sessiond/responder/peer.h"
#include "sessiond/service/service.h"
#include "wire/connection_info.h"
#include "wire/wire_messages.h"

#include <stdint.h>

struct remote_request;

/*
 * Joins a RECEIVE with that id, which the peer has no request of, to its session, and sends what
 * waits there; or lets it wait until it is let in. Returns the request if it is held then, NULL if
 * it was answered. Everything is borrowed.
 */
struct remote_request *
receiver_remote_arrive(struct peer *peer, uint64_t id, const struct wire_receive *receive,
    struct sockjs_service *service, const struct connection_source *source);

#endif
