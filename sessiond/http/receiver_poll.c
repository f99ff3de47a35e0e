/*
 * The receiver of the polling transports over HTTP (xhr-polling, jsonp-polling): one frame answers
 * the request.
 */
#include "common/memory.h"
#include "sessiond/http/http_response.h"
#include "sessiond/session/delivery.h"
#include "sessiond/session/session.h"
#include "sessiond/session/session_set.h"

#include <assert.h>

static struct http_response *
response_of(struct receiver *receiver)
{
	return container_of(receiver, struct http_response, receiver);
}

/* Once: the session lets go of a receiver that is done. */
static void
answer(struct receiver *receiver, const char *frame, size_t len)
{
	struct http_response *response = response_of(receiver);
	struct buffer body = BUFFER_INIT;

	assert(response->ready == NULL);
	receiver->transport->wrap(response->callback, frame, len, &body);
	response->reply.body = body.data;
	response->reply.body_len = body.len;
	if (buffer_failed(&body)) {
		/* What the client gets instead may well arrive. */
		delivery_put_back(&response->in_flight);
		reply_set_error(&response->reply, MHD_HTTP_SERVICE_UNAVAILABLE, "Out of memory.\n");
	}
	http_response_reply(response);
	response->reply.body = "";
	response->reply.body_len = 0;
	buffer_free(&body);
}

static enum receiver_result
send_frame(struct receiver *receiver, const struct receiver_frame *frame)
{
	answer(receiver, frame->bytes, frame->len);
	return RECEIVER_DONE;
}

static enum receiver_result
send_messages(struct receiver *receiver, struct message_queue *queue)
{
	struct buffer *frame = &receiver->session->service->sessions->scratch;
	struct in_flight *flight;

	(void)queue; /* delivery_take knows it */
	buffer_clear(frame);
	flight = delivery_take(receiver->session, &response_of(receiver)->in_flight);
	if (flight != NULL)
		message_append_frame(flight->messages, flight->count, frame);
	if (flight == NULL || buffer_failed(frame))
		http_response_set(response_of(receiver), NULL, 0);
	else
		answer(receiver, frame->data, frame->len);
	sessions_trim_scratch(receiver->session->service->sessions);
	return RECEIVER_DONE;
}

/* The frame was the whole response. Without one (the daemon aborts) the connection ends. */
static void
end(struct receiver *receiver)
{
	const struct http_response *response = response_of(receiver);

	if (response->ready == NULL && !response->is_queued && !response->out_ended)
		http_response_break(response_of(receiver));
}

static size_t
backlog(const struct receiver *receiver)
{
	(void)receiver;
	return 0;
}

const struct receiver_ops http_poll_receiver = {
    .frame = send_frame,
    .messages = send_messages,
    .end = end,
    .backlog = backlog,
};
