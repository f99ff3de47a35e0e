/*
 * See receiver_remote.h. A frame is composed in the peer's output. Of an answer that is one frame
 * the responder tells whether it was written, so its messages stay in flight until then; the frames
 * of a stream are given away.
 */
#include "sessiond/responder/receiver_remote.h"

#include "sessiond/responder/remote_request.h"
#include "sessiond/session/in_flight.h"

#include <string.h>

static struct remote_request *
request_of(struct receiver *receiver)
{
	return (struct remote_request *)(void *)receiver;
}

/* --- frames ------------------------------------------------------------------------------------- */

/* frame NULL: there was no memory for it. */
static enum receiver_result
send_bytes(struct receiver *receiver, const char *frame, size_t len, bool last)
{
	struct remote_request *request = request_of(receiver);
	struct buffer *wrapped = &request->peer->all->scratch;
	int frames = -1;

	buffer_clear(wrapped);
	if (frame != NULL)
		receiver->transport->wrap(request->callback, frame, len, wrapped);
	request->streamed += wrapped->len;
	request->is_ended =
	    last || request->one_frame || request->streamed >= request->response_limit;
	if (frame != NULL && !buffer_failed(wrapped))
		frames = wire_encode_frame(peer_output(request->peer), request->id, wrapped->data,
		    wrapped->len, request->is_ended);
	if (frames == -1) {
		buffer_free(wrapped);
		wire_encode_refused(
		    peer_output(request->peer), request->id, 503, "Out of memory.\n");
		request->is_ended = true;
		in_flight_put_back(&request->in_flight);
	} else {
		request->peer->frames += (uint64_t)frames;
	}
	return request->is_ended ? RECEIVER_DONE : RECEIVER_MORE;
}

/* The responder is to tell of the frame that was sent last. */
static void
note_frame(struct remote_request *request)
{
	if (request->in_flight == NULL)
		return;
	request->in_flight->link_id = request->peer->link_id;
	request->in_flight->index = request->peer->frames;
}

static enum receiver_result
send_frame(struct receiver *receiver, const struct receiver_frame *frame)
{
	struct remote_request *request = request_of(receiver);
	bool is_open = frame->kind == RECEIVER_FRAME_OPEN;
	enum receiver_result result;

	if (is_open && request->one_frame)
		in_flight_take_open(receiver->session, &request->in_flight);
	result =
	    send_bytes(receiver, frame->bytes, frame->len, frame->kind == RECEIVER_FRAME_CLOSE);
	if (is_open)
		note_frame(request);
	return result;
}

static void
take_messages(struct remote_request *request, struct message_queue *queue, struct buffer *frame)
{
	struct in_flight *flight = request->one_frame
	    ? in_flight_take(request->receiver.session, &request->in_flight)
	    : NULL;

	if (flight != NULL)
		message_append_frame(flight->messages, flight->count, frame);
	else
		message_queue_append_frame(queue, frame);
}

static enum receiver_result
send_messages(struct receiver *receiver, struct message_queue *queue)
{
	struct sessions *sessions = receiver->session->service->sessions;
	struct remote_request *request = request_of(receiver);
	enum receiver_result result;

	buffer_clear(&sessions->scratch);
	take_messages(request, queue, &sessions->scratch);
	result =
	    send_bytes(receiver, buffer_failed(&sessions->scratch) ? NULL : sessions->scratch.data,
		sessions->scratch.len, false);
	note_frame(request);
	sessions_trim_scratch(sessions);
	return result;
}

static void
end(struct receiver *receiver)
{
	struct remote_request *request = request_of(receiver);

	if (!request->is_ended &&
	    wire_encode_frame(peer_output(request->peer), request->id, "", 0, true) != -1)
		request->peer->frames++;
	remote_request_answered(request);
}

/* What a responder has taken is on its way; how far, only its web server knows. */
static size_t
backlog(const struct receiver *receiver)
{
	(void)receiver;
	return 0;
}

static const struct receiver_ops remote_receiver = {
    .frame = send_frame,
    .messages = send_messages,
    .end = end,
    .backlog = backlog,
};

/* --- arrival ------------------------------------------------------------------------------------ */

struct remote_request *
receiver_remote_arrive(struct peer *peer, uint64_t id, const struct wire_receive *receive,
    struct sockjs_service *service, const struct connection_source *source)
{
	const char *refusal;
	struct session *session =
	    session_obtain(service, receive->session, receive->session_len, source->peer, &refusal);
	struct remote_request *request;

	if (session == NULL) {
		wire_encode_refused(peer_output(peer), id, 503, refusal);
		return NULL;
	}
	request = remote_request_create(
	    peer, id, receive, service->protocol.options.response_limit, &remote_receiver);
	session_arrive(session, &request->receiver, source);
	session_flush(session);
	/* It may be answered by now, and freed. */
	request = remote_request_find(peer, id);
	return request != NULL && !request->is_answered ? request : NULL;
}
