/*
 * The receiver of the `websocket` transport: SockJS frames as text messages (receiver.h over websocket.h).
 */
#include "sessiond/session/session.h"
#include "sessiond/websocket/websocket.h"
#include "sockjs/frame.h"
#include "sockjs/message_array.h"

#include <string.h>

static struct websocket *
websocket_of(struct receiver *receiver)
{
	return (struct websocket *)(void *)receiver;
}

static enum receiver_result
send_text(struct receiver *receiver, const char *text)
{
	websocket_add_message(websocket_of(receiver), false, text, strlen(text));
	websocket_push(websocket_of(receiver));
	return RECEIVER_MORE;
}

static enum receiver_result
send_open(struct receiver *receiver)
{
	return send_text(receiver, FRAME_OPEN);
}

/* A ping where it is answered; old peers and those who ask for it get an `h` frame. */
static enum receiver_result
send_heartbeat(struct receiver *receiver)
{
	struct websocket *websocket = websocket_of(receiver);

	if (!websocket->framing->control ||
	    receiver->session->service->protocol.options.websocket_heartbeat ==
		WEBSOCKET_HEARTBEAT_FRAME)
		return send_text(receiver, FRAME_HEARTBEAT);
	websocket_add_ping(websocket);
	websocket_push(websocket);
	return RECEIVER_AWAITS_PONG;
}

static enum receiver_result
send_messages(struct receiver *receiver, struct message_queue *queue)
{
	struct websocket *websocket = websocket_of(receiver);
	struct buffer *frame = &receiver->session->service->sessions->scratch;

	if (websocket_is_congested(websocket))
		return RECEIVER_MORE;
	buffer_clear(frame);
	message_queue_append_frame(queue, frame);
	if (buffer_failed(frame))
		websocket_drop(websocket);
	else
		websocket_add_message(websocket, false, frame->data, frame->len);
	websocket_push(websocket);
	sessions_trim_scratch(receiver->session->service->sessions);
	return RECEIVER_MORE;
}

static void
send_close(struct receiver *receiver, int code, const char *reason, size_t reason_len)
{
	struct websocket *websocket = websocket_of(receiver);
	struct buffer frame = BUFFER_INIT;

	frame_append_close(&frame, code, reason, reason_len);
	websocket_add_message(websocket, false, frame.data, frame.len);
	buffer_free(&frame);
}

static void
end(struct receiver *receiver)
{
	static const char reason[] = "Normal closure";

	websocket_close(websocket_of(receiver), WS_CODE_NORMAL, reason, strlen(reason));
}

static size_t
backlog(const struct receiver *receiver)
{
	return websocket_backlog((const struct websocket *)(const void *)receiver);
}

/* `["m1","m2"]` or `"m1"`; an empty message says nothing. */
static void
on_message(struct websocket *websocket, char *data, size_t len, bool binary)
{
	struct session *session = websocket->receiver.session;
	size_t count;
	ssize_t decoded;

	if (session == NULL || len == 0)
		return;
	decoded = message_array_decode(data, len, MESSAGE_ARRAY_ALLOW_STRING,
	    session->service->protocol.options.messages_limit, &count);
	if (binary || decoded < 0) {
		websocket_fail(websocket, SESSION_CODE_PROTOCOL, "Broken framing.");
		return;
	}
	session_receive_all(session, data, (size_t)decoded);
}

const struct websocket_kind websocket_kind_sockjs = {
    .receiver =
	{
	    .single = true,
	    .open = send_open,
	    .heartbeat = send_heartbeat,
	    .messages = send_messages,
	    .close = send_close,
	    .end = end,
	    .backlog = backlog,
	},
    .message = on_message,
};
