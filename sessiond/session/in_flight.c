/*
 * See in_flight.h. Called by the receivers of polls, by the owners of their requests, and by peer.c when responders come back.
 */
#include "sessiond/session/in_flight.h"

#include "sessiond/session/session.h"

#include <assert.h>
#include <stdlib.h>

static struct in_flight *
create(struct session *session, uint32_t count)
{
	struct in_flight *flight = calloc(1, sizeof *flight + count * sizeof flight->messages[0]);
	uint32_t i;

	assert(session->in_flight == NULL && count <= session->queue.count);
	if (flight == NULL)
		return NULL;
	flight->session = session;
	flight->first = session->queue.first;
	flight->count = count;
	flight->is_open = count == 0;
	for (i = 0; i < count; i++)
		flight->messages[i] = message_queue_shift(&session->queue);
	session->in_flight = flight;
	return flight;
}

static struct in_flight *
take(struct session *session, uint32_t count, struct in_flight **owner)
{
	struct in_flight *flight = create(session, count);

	if (flight == NULL)
		return NULL;
	flight->is_fresh = true;
	flight->must_store = flight->is_open;
	flight->owner = owner;
	*owner = flight;
	session_mark(session, CHANGE_MESSAGES);
	return flight;
}

struct in_flight *
in_flight_take(struct session *session, struct in_flight **owner)
{
	return take(session, session->queue.count, owner);
}

struct in_flight *
in_flight_take_open(struct session *session, struct in_flight **owner)
{
	return take(session, 0, owner);
}

static void
await(struct in_flight *flight)
{
	struct sessions *sessions = flight->session->service->sessions;

	flight->owner = NULL;
	flight->next = sessions->awaiting;
	flight->link = &sessions->awaiting;
	if (flight->next != NULL)
		flight->next->link = &flight->next;
	sessions->awaiting = flight;
	timer_start(&sessions->graces, &flight->timer, sessions_now(sessions));
}

void
in_flight_restore(struct session *session, uint32_t count, uint64_t link_id, uint64_t index)
{
	struct in_flight *flight = create(session, count);

	if (flight == NULL)
		abort();
	flight->link_id = link_id;
	flight->index = index;
	await(flight);
}

/* Takes it from its owner and its session. */
static struct session *
detach(struct in_flight *flight)
{
	if (flight->owner != NULL) {
		*flight->owner = NULL;
	} else {
		*flight->link = flight->next;
		if (flight->next != NULL)
			flight->next->link = flight->link;
	}
	timer_stop(&flight->timer);
	flight->session->in_flight = NULL;
	return flight->session;
}

static void
unref_messages(struct in_flight *flight)
{
	uint32_t i;

	for (i = 0; i < flight->count; i++)
		message_unref(&flight->messages[i]);
}

static void
arrived(struct in_flight *flight, enum change_urgency urgency)
{
	struct session *session = detach(flight);
	struct sessions *sessions = session->service->sessions;

	unref_messages(flight);
	free(flight);
	journal_mark_delivered(
	    &sessions->journal, session->journal, urgency, sessions_now(sessions));
	session_continue(session);
}

static void
returned(struct in_flight *flight)
{
	struct session *session = detach(flight);

	if (flight->is_open)
		session->owes_open = true;
	else
		session_log(session, SEVERITY_INFO,
		    "%u messages did not reach the client: they are the next again", flight->count);
	message_queue_put_back(&session->queue, flight->messages, flight->count);
	free(flight);
	session_mark(session, CHANGE_MESSAGES);
	session_continue(session);
}

void
in_flight_confirm(struct in_flight **owner)
{
	if (*owner != NULL)
		arrived(*owner, CHANGE_CAN_WAIT);
}

void
in_flight_put_back(struct in_flight **owner)
{
	if (*owner != NULL)
		returned(*owner);
}

void
in_flight_await(struct in_flight **owner)
{
	struct in_flight *flight = *owner;

	if (flight == NULL)
		return;
	*owner = NULL;
	await(flight);
}

void
in_flight_leave(struct session *session)
{
	struct in_flight *flight = session->in_flight;

	if (flight == NULL)
		return;
	if (flight->link_id == 0) {
		returned(flight);
		return;
	}
	flight->must_store = true;
	session_mark(session, CHANGE_MESSAGES);
}

void
in_flight_resolve(struct sessions *sessions, uint64_t link_id, uint64_t frames)
{
	struct in_flight *flight = sessions->awaiting, *next;

	for (; flight != NULL; flight = next) {
		next = flight->next;
		if (flight->link_id != link_id)
			continue;
		/* The responder forgets that connection: the next daemon could not ask again. */
		if (flight->index <= frames)
			arrived(flight, CHANGE_NOW);
		else
			returned(flight);
	}
}

void
in_flight_drop(struct session *session)
{
	struct in_flight *flight = session->in_flight;

	if (flight == NULL)
		return;
	detach(flight);
	unref_messages(flight);
	free(flight);
}

void
in_flight_grace_fire(struct timer *timer, void *ctx)
{
	(void)ctx;
	returned((struct in_flight *)(void *)((char *)timer - offsetof(struct in_flight, timer)));
}
