/*
 * See remote_request.h. The receiver of requests that came through FastCGI; called by peer.c and, as a receiver, by sessions.
 */
#include "sessiond/remote_request.h"

#include "sockjs/frame.h"

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
	    (struct receiver){&remote_receiver, transport_get(receive->transport), NULL};
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

void
remote_requests_release(struct peer *peer)
{
	size_t i;

	for (i = 0; i < PEER_BUCKETS; i++) {
		struct remote_request *request = peer->requests[i], *next;

		for (; request != NULL; request = next) {
			next = request->next;
			if (request->receiver.session != NULL)
				session_release_receiver(request->receiver.session);
		}
	}
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
	/* It is held, unless it was answered and freed by now. */
	request = remote_request_find(peer, header->request);
	if (request != NULL && request->is_alone) {
		hold(request);
		keep_budget(peer->all);
	}
}

/* --- as a receiver ------------------------------------------------------------------------------------------------ */

static enum receiver_result
send_frame(struct receiver *receiver, const char *frame, size_t len, bool last)
{
	struct remote_request *request = request_of(receiver);
	struct buffer *wrapped = &request->peer->all->scratch;

	buffer_clear(wrapped);
	receiver->transport->wrap(request->callback, frame, len, wrapped);
	request->streamed += wrapped->len;
	request->is_ended =
	    last || request->one_frame || request->streamed >= request->response_limit;
	if (buffer_failed(wrapped) ||
	    wire_encode_frame(&request->peer->out, request->id, wrapped->data, wrapped->len,
		request->is_ended) == -1) {
		buffer_free(wrapped);
		wire_encode_refused(&request->peer->out, request->id, 503, "Out of memory.\n");
		request->is_ended = true;
	}
	peer_mark(request->peer);
	return request->is_ended ? RECEIVER_DONE : RECEIVER_MORE;
}

static enum receiver_result
send_open(struct receiver *receiver)
{
	return send_frame(receiver, FRAME_OPEN, strlen(FRAME_OPEN), false);
}

static enum receiver_result
send_heartbeat(struct receiver *receiver)
{
	return send_frame(receiver, FRAME_HEARTBEAT, strlen(FRAME_HEARTBEAT), false);
}

static enum receiver_result
send_messages(struct receiver *receiver, struct message_queue *queue)
{
	struct sessions *sessions = receiver->session->service->sessions;
	enum receiver_result result;

	buffer_clear(&sessions->scratch);
	message_queue_append_frame(queue, &sessions->scratch);
	result = send_frame(receiver, sessions->scratch.data, sessions->scratch.len, false);
	sessions_trim_scratch(sessions);
	return result;
}

static void
send_close(struct receiver *receiver, int code, const char *reason, size_t reason_len)
{
	struct buffer frame = BUFFER_INIT;

	frame_append_close(&frame, code, reason, reason_len);
	send_frame(receiver, frame.data, frame.len, true);
	buffer_free(&frame);
}

static void
end(struct receiver *receiver)
{
	struct remote_request *request = request_of(receiver);

	if (!request->is_ended)
		wire_encode_frame(&request->peer->out, request->id, "", 0, true);
	peer_mark(request->peer);
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
    .open = send_open,
    .heartbeat = send_heartbeat,
    .messages = send_messages,
    .close = send_close,
    .end = end,
    .backlog = backlog,
};
