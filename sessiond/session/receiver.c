/*
 * See receiver.h.
 */
#include "sessiond/session/receiver.h"

#include "common/buffer.h"
#include "sockjs/transport.h"

enum receiver_result
receiver_send_open(struct receiver *receiver)
{
	static const struct receiver_frame frame = {
	    .kind = RECEIVER_FRAME_OPEN, .bytes = FRAME_OPEN, .len = sizeof FRAME_OPEN - 1};

	return receiver->ops->frame(receiver, &frame);
}

enum receiver_result
receiver_send_heartbeat(struct receiver *receiver)
{
	static const struct receiver_frame frame = {.kind = RECEIVER_FRAME_HEARTBEAT,
	    .bytes = FRAME_HEARTBEAT,
	    .len = sizeof FRAME_HEARTBEAT - 1};

	return receiver->ops->frame(receiver, &frame);
}

void
receiver_send_close(struct receiver *receiver, int code, const char *reason, size_t reason_len)
{
	struct buffer bytes = BUFFER_INIT;
	struct receiver_frame frame = {
	    .kind = RECEIVER_FRAME_CLOSE, .code = code, .reason = reason, .reason_len = reason_len};

	frame_append_close(&bytes, code, reason, reason_len);
	frame.bytes = bytes.data;
	frame.len = bytes.len;
	receiver->ops->frame(receiver, &frame);
	buffer_free(&bytes);
}
