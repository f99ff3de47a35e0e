/*
 * The receiver of the streaming transports over HTTP (xhr-streaming, eventsource, htmlfile): frames
 * follow each other in one response until response_limit bytes of them are reached.
 */
#include "common/memory.h"
#include "sessiond/http/http_response.h"
#include "sessiond/session/session.h"
#include "sessiond/session/session_set.h"
#include "sockjs/utf8.h"

#define CONGESTED (256 * 1024) /* bytes that wait for the peer */

static struct http_response *
response_of(struct receiver *receiver)
{
	return container_of(receiver, struct http_response, receiver);
}

static enum receiver_result
send_bytes(struct receiver *receiver, const char *frame, size_t len)
{
	struct http_response *response = response_of(receiver);
	size_t begin = http_response_begin_chunk(response);

	receiver->transport->wrap(response->callback, frame, len, &response->out);
	if (response->protocol->is_resumable)
		response->units += utf8_utf16_length(frame, len) + 1;
	response->streamed += http_response_end_chunk(response, begin);
	/* Nothing else can be said any more: the loop finds the connection broken. */
	if (buffer_failed(&response->out))
		response->is_broken = true;
	http_response_flush(response);
	return response->streamed >= response->protocol->options.response_limit ? RECEIVER_DONE
										: RECEIVER_MORE;
}

/* The client will come back with another stream when it has read what it has. */
static bool
is_left(const struct http_response *response)
{
	return response->protocol->is_resumable &&
	    response->units + TRANSPORT_XHR_PRELUDE + 1 > TRANSPORT_CLIENT_BUFFER;
}

/* One that has not come back by the next heartbeat does not do that: it gets all that waits. */
static enum receiver_result
send_frame(struct receiver *receiver, const struct receiver_frame *frame)
{
	struct http_response *response = response_of(receiver);

	if (is_left(response)) {
		response->units = 0;
		session_receiver_drained(receiver);
	}
	return send_bytes(receiver, frame->bytes, frame->len);
}

static enum receiver_result
send_messages(struct receiver *receiver, struct message_queue *queue)
{
	struct sessions *sessions = receiver->session->service->sessions;
	struct buffer *frame = &sessions->scratch;
	enum receiver_result result;

	if (response_of(receiver)->out.len > CONGESTED || is_left(response_of(receiver)))
		return RECEIVER_MORE;
	buffer_clear(frame);
	message_queue_append_frame(queue, frame);
	if (buffer_failed(frame))
		response_of(receiver)->is_broken = true;
	result = send_bytes(receiver, frame->data, frame->len);
	sessions_trim_scratch(sessions);
	return result;
}

static void
end(struct receiver *receiver)
{
	http_response_end_stream(response_of(receiver));
}

static size_t
backlog(const struct receiver *receiver)
{
	return container_of(receiver, const struct http_response, receiver)->out.len;
}

const struct receiver_ops http_stream_receiver = {
    .frame = send_frame,
    .messages = send_messages,
    .end = end,
    .backlog = backlog,
};
