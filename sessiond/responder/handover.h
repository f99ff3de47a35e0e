/*
 * Connections that other daemons hand over to this one (siblings.h): the messages of a peer that is
 * a daemon.
 */
#ifndef SESSIOND_HANDOVER_H
#define SESSIOND_HANDOVER_H

#include "sessiond/http/http_server.h"
#include "sessiond/responder/peer.h"

/*
 * HANDOVER came: the HTTP server has its connection from now on, and the peer is told so before
 * that. Returns -1 if there is no descriptor with it, or that is no connected socket.
 */
int handover_take(struct peer *peer, const struct wire_header *header, const char *payload,
    struct http_server *http);

/* The same where nothing is taken any more: the other keeps it for the next daemon. */
int handover_decline(struct peer *peer);

#endif
