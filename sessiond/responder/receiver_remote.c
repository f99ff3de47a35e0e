/*
 * See receiver_remote.h. A frame is composed in the peer's output. Of an answer that is one frame
 * the responder tells whether it was written, so its messages stay in flight until then; the frames
 * of a stream are given away.
 */
#include "sessiond/responder/receiver_remote.h"

#include "sessiond/responder/remote_request.h"
#include "sessiond/session/admission.h"
#include "sessiond/session/delivery.h"
#include "sessiond/session/in_flight.h"
#include "sessiond/session/session_set.h"
#include "sessiond/session/store_share.h"
#include "sessiond/session/turn.h"
#include "sockjs/utf8.h"

#include <string.h>

static struct remote_request *
request_of(struct receiver *receiver)
{
	return (struct remote_request *)(void *)receiver;
}

/* --- frames ----------------------------------------------------------------------------------- */

/* Takes the frame that was begun back: there was no memory for it. */
static void
refuse_frame(struct remote_request *request, struct buffer *out, size_t mark)
{
	buffer_truncate(out, mark);
	wire_encode_refused(out, request->id, 503, "Out of memory.\n");
	request->is_ended = true;
	delivery_put_back(&request->in_flight);
}

/* As of receiver_stream.c, which says why. */
static bool
is_left(const struct remote_request *request)
{
	return request->units + TRANSPORT_XHR_PRELUDE + 1 > TRANSPORT_CLIENT_BUFFER;
}

static void
count_units(struct remote_request *request, const struct buffer *out, size_t mark)
{
	const struct session *session = request->receiver.session;
	size_t begin = mark + WIRE_HEADER_SIZE;

	if (!request->one_frame && session != NULL && session->service->protocol.is_resumable)
		request->units += utf8_utf16_length(out->data + begin, out->len - begin);
}

/* Ends the frame that was begun at mark. */
static enum receiver_result
finish_frame(struct remote_request *request, struct buffer *out, size_t mark, bool last)
{
	int frames;

	if (!buffer_failed(out)) {
		request->streamed += out->len - mark - WIRE_HEADER_SIZE;
		count_units(request, out, mark);
	}
	request->is_ended =
	    last || request->one_frame || request->streamed >= request->response_limit;
	frames = wire_end_frame(out, mark, request->is_ended);
	if (frames == -1)
		refuse_frame(request, out, mark);
	else
		request->peer->frames += (uint64_t)frames;
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
	struct buffer *out = peer_output(request->peer);
	bool is_open = frame->kind == RECEIVER_FRAME_OPEN;
	enum receiver_result result;
	size_t mark;

	if (is_left(request)) {
		request->units = 0;
		session_receiver_drained(receiver);
	}
	if (is_open && request->one_frame)
		delivery_take_open(receiver->session, &request->in_flight);
	wire_begin_frame(out, request->id, &mark);
	receiver->transport->wrap(request->callback, frame->bytes, frame->len, out);
	result = finish_frame(request, out, mark, frame->kind == RECEIVER_FRAME_CLOSE);
	if (is_open)
		note_frame(request);
	return result;
}

static void
take_messages(struct remote_request *request, struct message_queue *queue, struct buffer *out)
{
	struct in_flight *flight;

	if (!request->one_frame) {
		message_queue_append_frame(queue, out);
		return;
	}
	flight = delivery_take(request->receiver.session, &request->in_flight);
	if (flight != NULL)
		message_append_frame(flight->messages, flight->count, out);
	else
		out->failed = true;
}

/* Appends the queue's frame as a transport sends it that changes its bytes. */
static void
wrap_messages(struct remote_request *request, struct message_queue *queue, struct buffer *out)
{
	struct sessions *sessions = request->receiver.session->service->sessions;
	struct buffer *frame = &sessions->scratch;

	buffer_clear(frame);
	take_messages(request, queue, frame);
	if (buffer_failed(frame))
		out->failed = true;
	else
		request->receiver.transport->wrap(request->callback, frame->data, frame->len, out);
	sessions_trim_scratch(sessions);
}

static enum receiver_result
send_messages(struct receiver *receiver, struct message_queue *queue)
{
	struct remote_request *request = request_of(receiver);
	struct buffer *out = peer_output(request->peer);
	const char *plain_end = receiver->transport->plain_end;
	enum receiver_result result;
	size_t mark;

	if (is_left(request))
		return RECEIVER_MORE;
	wire_begin_frame(out, request->id, &mark);
	/* At once: what is composed is then not moved while it grows. */
	buffer_reserve(out, queue->bytes);
	if (plain_end == NULL) {
		wrap_messages(request, queue, out);
	} else {
		take_messages(request, queue, out);
		buffer_append_str(out, plain_end);
	}
	result = finish_frame(request, out, mark, false);
	note_frame(request);
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

/* source: of the request; NULL: the session has it. */
static void
join(
    struct remote_request *request, struct session *session, const struct connection_source *source)
{
	session_arrive(session, &request->receiver, source);
	store_share_note(session);
	turn_flush_session(session);
}

static void
decided(struct receiver *receiver, struct session *session, const struct admission_refusal *refusal)
{
	struct remote_request *request = request_of(receiver);

	if (session != NULL) {
		join(request, session, NULL);
		return;
	}
	wire_encode_refused(
	    peer_output(request->peer), request->id, (unsigned)refusal->status, refusal->text);
	remote_request_answered(request);
}

static const struct receiver_ops remote_receiver = {
    .is_remote = true,
    .decided = decided,
    .frame = send_frame,
    .messages = send_messages,
    .end = end,
    .backlog = backlog,
};

/* --- arrival ---------------------------------------------------------------------------------- */

struct remote_request *
receiver_remote_arrive(struct peer *peer, uint64_t id, const struct wire_receive *receive,
    struct sockjs_service *service, const struct connection_source *source)
{
	const struct transport *transport = transport_get(receive->transport);
	struct admission_refusal refusal;
	struct remote_request *request;
	struct session *session;

	/* To the client of an app its end would be the connection's: there it polls. */
	if (transport->streaming && (receive->flags & WIRE_RECEIVE_ONE_FRAME) != 0 &&
	    service->protocol.is_resumable) {
		wire_encode_refused(peer_output(peer), id, 404, "Nothing streams here.\n");
		return NULL;
	}
	session = admission_obtain(
	    service, receive->session, receive->session_len, transport, source, &refusal);
	if (session == NULL) {
		wire_encode_refused(peer_output(peer), id, (unsigned)refusal.status, refusal.text);
		return NULL;
	}
	request = remote_request_create(
	    peer, id, receive, service->protocol.options.response_limit, &remote_receiver);
	if (!admission_must_wait(session, &request->receiver))
		join(request, session, source);
	/* It may be answered by now, and freed. */
	request = remote_request_find(peer, id);
	return request != NULL && !request->is_answered ? request : NULL;
}
