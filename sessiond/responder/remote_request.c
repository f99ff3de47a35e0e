/*
 * See remote_request.h. A request is in its peer's table from its creation until it is freed.
 */
#include "sessiond/responder/remote_request.h"

#include "common/memory.h"
#include "sessiond/session/admission.h"
#include "sessiond/session/delivery.h"
#include "sessiond/session/in_flight.h"
#include "wire/write_log.h"

#include <stdlib.h>
#include <string.h>

/* --- the peer's table ------------------------------------------------------------------------- */

struct remote_request *
remote_request_find(const struct peer *peer, uint64_t id)
{
	struct hash_entry *entry = hash_table_find(&peer->requests, &id, sizeof id);

	return entry == NULL ? NULL : container_of(entry, struct remote_request, by_id);
}

struct remote_request *
remote_request_create(struct peer *peer, uint64_t id, const struct wire_receive *receive,
    size_t response_limit, const struct receiver_ops *ops)
{
	struct remote_request *request = xcalloc(1, sizeof *request);
	const struct transport *transport = transport_get(receive->transport);

	request->receiver = (struct receiver){ops, transport, NULL};
	request->peer = peer;
	request->id = id;
	request->one_frame = (receive->flags & WIRE_RECEIVE_ONE_FRAME) || !transport->streaming;
	request->response_limit = response_limit;
	memcpy(request->callback, receive->callback, strlen(receive->callback) + 1);
	request->by_id = (struct hash_entry){.key = &request->id, .len = sizeof request->id};
	hash_table_add(&peer->requests, &request->by_id);
	return request;
}

void
remote_request_hold(struct remote_request *request, struct remote_hold_list *held)
{
	request->held = held;
	TAILQ_INSERT_TAIL(&held->list, request, hold_entry);
	held->count++;
}

void
remote_request_unhold(struct remote_request *request)
{
	if (request->held == NULL)
		return;
	TAILQ_REMOVE(&request->held->list, request, hold_entry);
	request->held->count--;
	request->held = NULL;
}

static void
request_free(struct remote_request *request)
{
	remote_request_unhold(request);
	hash_table_remove(&request->peer->requests, &request->by_id);
	free(request);
}

/* --- what becomes of it ----------------------------------------------------------------------- */

void
remote_request_answered(struct remote_request *request)
{
	remote_request_unhold(request);
	request->is_answered = true;
	if (request->in_flight == NULL)
		request_free(request);
}

void
remote_request_break(struct remote_request *request)
{
	session_receiver_broke(&request->receiver);
	request_free(request);
}

void
remote_request_confirm(struct remote_request *request)
{
	delivery_confirm(&request->in_flight);
	request_free(request);
}

void
remote_request_return(struct remote_request *request)
{
	delivery_put_back(&request->in_flight);
	request_free(request);
}

/* --- all of a peer ---------------------------------------------------------------------------- */

/* Calls fn with each of a peer's requests; fn may free it. */
static void
each_request(struct peer *peer, void (*fn)(struct remote_request *request))
{
	size_t i;

	for (i = 0; i < peer->requests.room; i++) {
		struct hash_entry *entry = SLIST_FIRST(&peer->requests.buckets[i]), *next;

		for (; entry != NULL; entry = next) {
			next = SLIST_NEXT(entry, next);
			fn(container_of(entry, struct remote_request, by_id));
		}
	}
}

static void
release(struct remote_request *request)
{
	struct session *session = request->receiver.session;

	if (session != NULL && !admission_end(session, "The server is stopping.\n"))
		session_release_receiver(session);
}

static void
abandon(struct remote_request *request)
{
	if (request->receiver.session == NULL)
		return;
	/* One that waits to be let in is asked for again by then. */
	if (request->receiver.session->waiter != NULL)
		session_receiver_broke(&request->receiver);
	else
		session_lose_receiver(request->receiver.session);
	request_free(request);
}

static void
await(struct remote_request *request)
{
	/* A responder that has died may have written what it did not come to confirm. */
	if (write_log_has(link_received_descriptor(request->peer->link), request->id))
		delivery_confirm(&request->in_flight);
	else
		delivery_await(&request->in_flight);
	request_free(request);
}

void
remote_requests_release(struct peer *peer)
{
	each_request(peer, release);
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
