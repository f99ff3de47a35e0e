/*
 * See remote_request.h. The receiver of requests that came through FastCGI; called by peer.c and, as a receiver, by sessions.
 */
#include "sessiond/responder/remote_request.h"

#include "wire/write_log.h"
#include "sessiond/session/in_flight.h"

#include <stdlib.h>
#include <string.h>

static struct remote_request *
request_of(struct receiver *receiver)
{
	return (struct remote_request *)(void *)receiver;
}

/* --- those held by processes that serve one request at a time ----------------------------------------------------- */

static void
hold(struct remote_request *request)
{
	struct peers *all = request->peer->all;

	request->next_held = NULL;
	request->link_held = all->held_tail;
	*all->held_tail = request;
	all->held_tail = &request->next_held;
	all->held_count++;
}

static void
release(struct remote_request *request)
{
	struct peers *all = request->peer->all;

	if (request->link_held == NULL)
		return;
	*request->link_held = request->next_held;
	if (request->next_held != NULL)
		request->next_held->link_held = request->link_held;
	else
		all->held_tail = request->link_held;
	request->link_held = NULL;
	all->held_count--;
}

/* Beyond the budget the oldest are answered early, so that a send always finds a process that is free. */
static void
keep_budget(struct peers *all)
{
	while (all->held_count > all->config->server.fcgid_max_held) {
		struct remote_request *oldest = all->held;

		if (oldest->receiver.session == NULL)
			release(oldest);
		else
			session_turn_away(oldest->receiver.session);
	}
}

/* --- life --------------------------------------------------------------------------------------------------------- */

static struct remote_request **
bucket_of(const struct peer *peer, uint64_t id)
{
	return (struct remote_request **)&peer->requests[id % PEER_BUCKETS];
}

struct remote_request *
remote_request_find(const struct peer *peer, uint64_t id)
{
	struct remote_request *request = *bucket_of(peer, id);

	while (request != NULL && request->id != id)
		request = request->next;
	return request;
}

static struct remote_request *
request_create(struct peer *peer, const struct wire_header *header,
    const struct wire_receive *receive, const struct sockjs_service *service)
{
	struct remote_request *request = calloc(1, sizeof *request),
			      **bucket = bucket_of(peer, header->request);

	if (request == NULL)
		abort();
	request->peer = peer;
	request->id = header->request;
	request->receiver =
	    (struct receiver){&remote_receiver, transport_get(receive->transport), NULL, peer};
	request->one_frame =
	    (receive->flags & WIRE_RECEIVE_ONE_FRAME) || !request->receiver.transport->streaming;
	request->is_alone = receive->flags & WIRE_RECEIVE_ALONE;
	request->response_limit = service->protocol.options.response_limit;
	memcpy(request->callback, receive->callback, strlen(receive->callback) + 1);
	request->next = *bucket;
	request->link = bucket;
	if (request->next != NULL)
		request->next->link = &request->next;
	*bucket = request;
	return request;
}

static void
request_free(struct remote_request *request)
{
	release(request);
	*request->link = request->next;
	if (request->next != NULL)
		request->next->link = request->link;
	free(request);
}

void
remote_request_break(struct remote_request *request)
{
	session_receiver_broke(&request->receiver);
	request_free(request);
}

bool
remote_request_is_answered(const struct remote_request *request)
{
	return request->is_let_go;
}

void
remote_request_confirm(struct remote_request *request)
{
	in_flight_confirm(&request->in_flight);
	request_free(request);
}

void
remote_request_return(struct remote_request *request)
{
	in_flight_put_back(&request->in_flight);
	request_free(request);
}

/* Calls fn with each of a peer's requests; fn may free it. */
static void
each_request(struct peer *peer, void (*fn)(struct remote_request *request))
{
	size_t i;

	for (i = 0; i < PEER_BUCKETS; i++) {
		struct remote_request *request = peer->requests[i], *next;

		for (; request != NULL; request = next) {
			next = request->next;
			fn(request);
		}
	}
}

static void
release_one(struct remote_request *request)
{
	if (request->receiver.session != NULL)
		session_release_receiver(request->receiver.session);
}

static void
abandon(struct remote_request *request)
{
	if (request->receiver.session == NULL)
		return;
	session_lose_receiver(request->receiver.session);
	request_free(request);
}

static void
await(struct remote_request *request)
{
	/* A responder that has died may have written what it did not come to confirm. */
	if (request->is_let_go && write_log_has(request->peer->log, request->id))
		in_flight_confirm(&request->in_flight);
	else
		in_flight_await(&request->in_flight);
	request_free(request);
}

void
remote_requests_release(struct peer *peer)
{
	each_request(peer, release_one);
}

void
remote_requests_abandon(struct peer *peer)
{
	each_request(peer, abandon);
}

void
remote_requests_await(struct peer *peer)
{
	each_request(peer, await);
}

void
remote_request_receive(struct peer *peer, const struct wire_header *header,
    const struct wire_receive *receive, struct sockjs_service *service,
    const struct connection_source *source)
{
	const char *refusal;
	struct session *session =
	    session_obtain(service, receive->session, receive->session_len, source->peer, &refusal);
	struct remote_request *request;

	if (session == NULL) {
		wire_encode_refused(&peer->out, header->request, 503, refusal);
		peer_mark(peer);
		return;
	}
	request = request_create(peer, header, receive, service);
	session_arrive(session, &request->receiver, source);
	session_flush(session);
	/* It is held, unless it was answered by now. */
	request = remote_request_find(peer, header->request);
	if (request != NULL && request->is_alone && !request->is_let_go) {
		hold(request);
		keep_budget(peer->all);
	}
}

/* --- as a receiver ------------------------------------------------------------------------------------------------ */

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
		frames = wire_encode_frame(&request->peer->out, request->id, wrapped->data,
		    wrapped->len, request->is_ended);
	if (frames == -1) {
		buffer_free(wrapped);
		wire_encode_refused(&request->peer->out, request->id, 503, "Out of memory.\n");
		request->is_ended = true;
		in_flight_put_back(&request->in_flight);
	} else {
		request->peer->frames += (uint64_t)frames;
	}
	peer_mark(request->peer);
	return request->is_ended ? RECEIVER_DONE : RECEIVER_MORE;
}

/* The responder is to tell of the frame that was sent last. */
static void
note_frame(struct remote_request *request)
{
	if (request->in_flight == NULL)
		return;
	request->in_flight->connection = request->peer->connection;
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

/* Of an answer that is one frame the responder tells whether it was written. A stream's frames are given away. */
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
	    wire_encode_frame(&request->peer->out, request->id, "", 0, true) != -1)
		request->peer->frames++;
	peer_mark(request->peer);
	release(request);
	request->is_let_go = true;
	if (request->in_flight == NULL)
		request_free(request);
}

/* What a responder has taken is on its way; how far, only its web server knows. */
static size_t
backlog(const struct receiver *receiver)
{
	(void)receiver;
	return 0;
}

const struct receiver_ops remote_receiver = {
    .frame = send_frame,
    .messages = send_messages,
    .end = end,
    .backlog = backlog,
};
