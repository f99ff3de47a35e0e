/*
 * The receiver of the `websocket` transport: SockJS frames as text messages (receiver.h over
 * websocket.h).
 */
#include "common/memory.h"
#include "sessiond/session/session.h"
#include "sessiond/session/session_set.h"
#include "sessiond/websocket/websocket_end.h"
#include "sessiond/websocket/websocket_input.h"
#include "sessiond/websocket/websocket_output.h"
#include "sockjs/message_array.h"

#include <string.h>

static struct websocket *
websocket_of(struct receiver *receiver)
{
	return container_of(receiver, struct websocket, receiver);
}

/* True for a peer that answers pings, unless its service's options want `h` frames. */
static bool
is_pinged(const struct receiver *receiver, const struct websocket *websocket)
{
	return websocket->framing->control &&
	    receiver->session->service->protocol.options.websocket_heartbeat !=
	    WEBSOCKET_HEARTBEAT_FRAME;
}

/* A close frame leaves with what .end adds to it. */
static enum receiver_result
send_frame(struct receiver *receiver, const struct receiver_frame *frame)
{
	struct websocket *websocket = websocket_of(receiver);
	bool pings = frame->kind == RECEIVER_FRAME_HEARTBEAT && is_pinged(receiver, websocket);

	if (pings)
		websocket_add_control(websocket, WS_PING, "", 0);
	else
		websocket_add_message(websocket, false, frame->bytes, frame->len);
	if (frame->kind != RECEIVER_FRAME_CLOSE)
		websocket_push(websocket);
	return pings ? RECEIVER_AWAITS_PONG : RECEIVER_MORE;
}

/* Returns false if there is no such frame. */
static bool
add_shared(struct websocket *websocket, struct message_queue *queue)
{
	struct message *message;
	size_t len;
	const char *frame = message_queue_shared_frame(queue, &len);

	if (frame == NULL)
		return false;
	websocket_add_message(websocket, false, frame, len);
	message = message_queue_shift(queue);
	message_unref(&message);
	return true;
}

static void
add_frame(struct websocket *websocket, struct message_queue *queue)
{
	struct sessions *sessions = websocket->all->sessions;
	struct buffer *frame = &sessions->scratch;

	buffer_clear(frame);
	message_queue_append_frame(queue, frame);
	if (buffer_failed(frame))
		websocket_drop(websocket);
	else
		websocket_add_message(websocket, false, frame->data, frame->len);
	sessions_trim_scratch(sessions);
}

static enum receiver_result
send_messages(struct receiver *receiver, struct message_queue *queue)
{
	struct websocket *websocket = websocket_of(receiver);

	if (websocket_is_congested(websocket))
		return RECEIVER_MORE;
	if (!add_shared(websocket, queue))
		add_frame(websocket, queue);
	websocket_post(websocket);
	return RECEIVER_MORE;
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
	return websocket_backlog(container_of(receiver, const struct websocket, receiver));
}

/*
 * Hands on packed messages, as many as the turn's work allows. Returns how many bytes were looked
 * at. Without a session there is nobody to have them.
 */
static size_t
hand_on(struct websocket *websocket, const char *messages, size_t len)
{
	const char *cursor = messages, *end = messages + len, *message;
	size_t message_len;

	while (cursor < end && websocket->receiver.session != NULL && websocket->work > 0) {
		message_array_next(&cursor, end, &message, &message_len);
		websocket_receive(websocket, message, message_len, false);
	}
	return websocket->receiver.session == NULL ? len : (size_t)(cursor - messages);
}

static void
deliver(struct websocket *websocket)
{
	struct buffer *rest = &websocket->rest->undelivered;

	buffer_consume(rest, hand_on(websocket, rest->data, rest->len));
	if (rest->len == 0)
		buffer_free(rest);
}

/* `["m1","m2"]` or `"m1"`; an empty message says nothing. */
static void
on_message(struct websocket *websocket, char *data, size_t len, bool binary)
{
	struct session *session = websocket->receiver.session;
	struct buffer *rest;
	size_t count, done;
	ssize_t decoded;

	if (session == NULL || len == 0)
		return;
	decoded = message_array_decode(data, len, MESSAGE_ARRAY_ALLOW_STRING,
	    session->service->protocol.options.messages_limit, &count);
	if (binary || decoded < 0) {
		websocket_fail(websocket, SESSION_CODE_PROTOCOL, "Broken framing.");
		return;
	}
	done = hand_on(websocket, data, (size_t)decoded);
	if (done == (size_t)decoded)
		return;
	rest = &websocket_own_rest(websocket)->undelivered;
	buffer_append(rest, data + done, (size_t)decoded - done);
	if (buffer_failed(rest))
		websocket_drop(websocket);
}

const struct websocket_kind websocket_kind_sockjs = {
    .receiver =
	{
	    .single = true,
	    .frame = send_frame,
	    .messages = send_messages,
	    .end = end,
	    .backlog = backlog,
	},
    .message = on_message,
    .deliver = deliver,
};
