/*
 * A receiver carries a session's frames to its client. A session sees only this interface; the
 * kinds are the files receiver_*.c of the rooms websocket, http and responder.
 *
 * A receiver is embedded in what owns it: an HTTP request, a websocket, a responder's request. The
 * owner frees it, never the session. The session has it from session_arrive until it calls .end, or
 * until it loses it: the owner calls session_receiver_broke, or session_lose_receiver. Before that
 * it may have to wait until its client is let in, and may break meanwhile, too.
 */
#ifndef SESSIOND_RECEIVER_H
#define SESSIOND_RECEIVER_H

#include "sessiond/session/message.h"
#include "sockjs/transport.h"

#include <stdbool.h>
#include <stddef.h>

struct admission_refusal;
struct session;
struct receiver;

enum receiver_result {
	RECEIVER_MORE,	      /* can take another frame */
	RECEIVER_DONE,	      /* its response is complete: the session lets it go */
	RECEIVER_AWAITS_PONG, /* of a heartbeat: session_receiver_alive tells of the answer */
};

enum receiver_frame_kind {
	RECEIVER_FRAME_OPEN,
	RECEIVER_FRAME_HEARTBEAT,
	RECEIVER_FRAME_CLOSE, /* the last one; .end follows */
};

/* A frame without messages. */
struct receiver_frame {
	enum receiver_frame_kind kind;
	const char *bytes; /* as SockJS writes it, not wrapped: `o`, `h`, `c[3000,"Go away!"]` */
	size_t len;
	/* Of a close, for a receiver that says it in its own way. */
	int code;
	const char *reason;
	size_t reason_len;
};

struct receiver_ops {
	/* Lasts as long as its session: a websocket. Its heartbeats come whatever else is sent. */
	bool single;
	/* A responder holds it, which asks the next daemon by itself. */
	bool is_remote;

	/*
	 * Of one that waits for the module's word (admission.h), which has come: session is to be
	 * given its receiver; or it is NULL, and refusal what the client is answered instead. No
	 * other op is called before.
	 */
	void (*decided)(struct receiver *receiver, struct session *session,
	    const struct admission_refusal *refusal);

	/*
	 * These two send at once, as far as the peer takes it; messages may be put off until
	 * sessions_write. That its connection is broken the owner reports later, from the loop, and
	 * not from within.
	 */

	/*
	 * Sends a frame without messages, which is borrowed. What it returns for a close is
	 * ignored.
	 */
	enum receiver_result (*frame)(
	    struct receiver *receiver, const struct receiver_frame *frame);
	/* Takes what it can off the queue, which is not empty, and sends that. */
	enum receiver_result (*messages)(struct receiver *receiver, struct message_queue *queue);

	/*
	 * The session has let go of the receiver: the response ends once what was sent has left.
	 * The owner may free the receiver before it returns.
	 */
	void (*end)(struct receiver *receiver);

	/* Bytes that were sent and that the peer has not taken: they count for queue_limit. */
	size_t (*backlog)(const struct receiver *receiver);
};

struct receiver {
	const struct receiver_ops *ops;
	const struct transport *transport;
	struct session *session; /* NULL: not attached */
};

/* Each sends that frame, made once for all kinds. What to do then is session_sent's. */
enum receiver_result receiver_send_open(struct receiver *receiver);
enum receiver_result receiver_send_heartbeat(struct receiver *receiver);

/* The last frame: .end is the caller's. reason: reason_len bytes of UTF-8. */
void
receiver_send_close(struct receiver *receiver, int code, const char *reason, size_t reason_len);

#endif
