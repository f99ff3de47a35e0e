/*
 * What the messages of a peer do: the daemon's side of doc/local-socket.md.
 */
#ifndef SESSIOND_PEER_MESSAGES_H
#define SESSIOND_PEER_MESSAGES_H

#include "conf/config.h"
#include "sessiond/responder/peer.h"
#include "sessiond/responder/remote_ask.h"
#include "sessiond/responder/remote_holds.h"
#include "sessiond/responder/remote_request.h"
#include "sessiond/responder/remote_send.h"
#include "sessiond/responder/responder_counts.h"

/* What they act upon. Has to be the context of the peers. */
struct peer_messages {
	struct config *config;
	struct services *services;
	struct sessions *sessions;
	struct http_server *http; /* has what other daemons hand over */
	struct remote_sends sends;
	struct remote_asks asks;
	struct remote_holds holds;
	const char *state; /* that peers are told; empty: all is well */
	/* Requests that came, repeated ones too. */
	uint64_t receives_taken, sends_taken, asks_taken;
	struct responder_counts counts;
};

/* For peers_init. */
extern const struct peer_calls peer_messages_calls;

/* All are borrowed. */
void peer_messages_init(struct peer_messages *messages, struct config *config,
    struct services *services, struct sessions *sessions, struct http_server *http);

/* Frees what it keeps; after the last peer. */
void peer_messages_clear(struct peer_messages *messages);

/* Tells the peer what services there are. Returns 0; -1 if they cannot be told. */
int peer_messages_send_services(struct peer *peer);

/* Tells the peer messages->state. */
void peer_messages_send_state(struct peer *peer);

/*
 * The daemon stops: says goodbye to an open peer, whose connection ends when what it holds is
 * answered and confirmed. Requests of sessions that the next daemon finds in the store are left to
 * that.
 */
void peer_messages_say_goodbye(struct peer *peer);

#endif
