/*
 * The receiver (receiver.h) of the raw websocket, `base/websocket`: each message is one websocket
 * message, text or binary, and a close is a websocket's close.
 */
#include "common/memory.h"
#include "sessiond/session/session.h"
#include "sessiond/websocket/websocket_end.h"
#include "sessiond/websocket/websocket_input.h"
#include "sessiond/websocket/websocket_output.h"
#include "sockjs/utf8.h"

static struct websocket *
websocket_of(struct receiver *receiver)
{
	return container_of(receiver, struct websocket, receiver);
}

/* The handshake says what an open frame would. A peer that knows no ping gets no heartbeat. */
static enum receiver_result
send_frame(struct receiver *receiver, const struct receiver_frame *frame)
{
	struct websocket *websocket = websocket_of(receiver);

	if (frame->kind == RECEIVER_FRAME_CLOSE)
		websocket_close(websocket, (unsigned)frame->code, frame->reason, frame->reason_len);
	if (frame->kind != RECEIVER_FRAME_HEARTBEAT || !websocket->framing->control)
		return RECEIVER_MORE;
	websocket_add_control(websocket, WS_PING, "", 0);
	websocket_push(websocket);
	return RECEIVER_AWAITS_PONG;
}

/* A websocket's text is strict UTF-8: a lone surrogate becomes U+FFFD, as it would in a browser. */
static void
add_text(struct websocket *websocket, const struct message *message)
{
	struct buffer text = BUFFER_INIT;

	if (message->is_ascii || !utf8_has_surrogate(message->data, message->len)) {
		websocket_add_message(websocket, false, message->data, message->len);
		return;
	}
	utf8_append_wellformed(&text, message->data, message->len);
	if (buffer_failed(&text))
		websocket_drop(websocket);
	else
		websocket_add_message(websocket, false, text.data, text.len);
	buffer_free(&text);
}

static enum receiver_result
send_messages(struct receiver *receiver, struct message_queue *queue)
{
	struct websocket *websocket = websocket_of(receiver);
	struct message *message;

	while (
	    !websocket_is_congested(websocket) && (message = message_queue_shift(queue)) != NULL) {
		if (message->binary)
			websocket_add_message(websocket, true, message->data, message->len);
		else
			add_text(websocket, message);
		message_unref(&message);
	}
	websocket_post(websocket);
	return RECEIVER_MORE;
}

/* The close frame was the end; without one (the daemon aborts) there is nothing to say. */
static void
end(struct receiver *receiver)
{
	websocket_close(websocket_of(receiver), WS_CODE_GOING_AWAY, "", 0);
}

static size_t
backlog(const struct receiver *receiver)
{
	return websocket_backlog(container_of(receiver, const struct websocket, receiver));
}

static void
on_message(struct websocket *websocket, char *data, size_t len, bool binary)
{
	websocket_receive(websocket, len == 0 ? "" : data, len, binary);
}

const struct websocket_kind websocket_kind_raw = {
    .receiver =
	{
	    .single = true,
	    .frame = send_frame,
	    .messages = send_messages,
	    .end = end,
	    .backlog = backlog,
	},
    .message = on_message,
};
