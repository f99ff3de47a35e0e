/*
 * A receiver: what carries a session's frames to its client. A session sees only this interface; each kind has a file of
 * its own: receiver_poll.c, receiver_stream.c, receiver_websocket.c, receiver_raw.c.
 *
 * A receiver is embedded in what owns it (an HTTP request, a websocket) and is freed by that owner, never by the session.
 * The session holds it from session_arrive until it calls .end, or until the owner calls session_receiver_broke.
 */
#ifndef SESSIOND_RECEIVER_H
#define SESSIOND_RECEIVER_H

#include "sessiond/session/message.h"
#include "sockjs/transport.h"

#include <stdbool.h>
#include <stddef.h>

struct session;
struct receiver;

enum receiver_result {
	RECEIVER_MORE,	      /* can take another frame */
	RECEIVER_DONE,	      /* its response is complete: the session lets it go */
	RECEIVER_AWAITS_PONG, /* of heartbeat: an answer is expected; session_receiver_alive tells of it */
};

struct receiver_ops {
	/* Lasts as long as its session: a websocket. Its heartbeats do not depend on what else is sent. */
	bool single;

	/* Each sends one frame, at once as far as the peer takes it. The owner reports a broken connection later, from the loop. */
	enum receiver_result (*open)(struct receiver *receiver);
	enum receiver_result (*heartbeat)(struct receiver *receiver);
	/* Takes what it can off the queue, which is not empty. */
	enum receiver_result (*messages)(struct receiver *receiver, struct message_queue *queue);
	/* The last frame; .end follows. */
	void (*close)(struct receiver *receiver, int code, const char *reason, size_t reason_len);

	/* The session is through with the receiver: the response ends once what was sent has left. */
	void (*end)(struct receiver *receiver);

	/* Bytes that were sent but not yet taken by the peer: they count for the session's queue_limit. */
	size_t (*backlog)(const struct receiver *receiver);
};

/* The receiver of requests that come through a responder (receiver_remote.c). */
extern const struct receiver_ops remote_receiver;

struct receiver {
	const struct receiver_ops *ops;
	const struct transport *transport;
	struct session *session; /* NULL: not attached */
	const void *
	    way; /* what leaves in one write with others of the same way: a responder's connection; NULL: on its own */
};

#endif
