/*
 * See delivery.h.
 */
#include "sessiond/session/delivery.h"

#include "common/memory.h"
#include "sessiond/session/session.h"
#include "sessiond/session/session_set.h"

#include <assert.h>
#include <stdlib.h>

static struct in_flight *
begin(struct session *session, uint32_t count)
{
	assert(session->in_flight == NULL);
	session->in_flight = in_flight_create(&session->queue, count);
	if (session->in_flight != NULL)
		session->in_flight->session = session;
	return session->in_flight;
}

static struct in_flight *
take(struct session *session, uint32_t count, struct in_flight **owner)
{
	struct in_flight *flight = begin(session, count);

	if (flight == NULL)
		return NULL;
	flight->is_fresh = true;
	flight->must_store =
	    flight->is_open || (session->journal != NULL && session->journal->was_returned);
	flight->owner = owner;
	*owner = flight;
	session_mark(session, CHANGE_MESSAGES);
	return flight;
}

struct in_flight *
delivery_take(struct session *session, struct in_flight **owner)
{
	return take(session, session->queue.count, owner);
}

struct in_flight *
delivery_take_open(struct session *session, struct in_flight **owner)
{
	return take(session, 0, owner);
}

static void
await(struct in_flight *flight)
{
	struct sessions *sessions = flight->session->service->sessions;

	in_flight_await(flight, &sessions->awaits);
	timer_start(&sessions->graces, &flight->timer, sessions_now(sessions));
}

void
delivery_restore(struct session *session, uint32_t count, uint64_t link_id, uint64_t index)
{
	struct in_flight *flight = begin(session, count);

	if (flight == NULL)
		abort();
	flight->link_id = link_id;
	flight->index = index;
	/* An open frame has no messages by which it would be stored again. */
	flight->must_store = true;
	await(flight);
}

static void
arrived(struct in_flight *flight, enum change_urgency urgency)
{
	struct session *session = flight->session;
	struct sessions *sessions = session->service->sessions;

	in_flight_destroy(&session->in_flight);
	journal_mark_delivered(
	    &sessions->journal, session->journal, urgency, sessions_now(sessions));
	session_continue(session);
}

static void
returned(struct in_flight *flight)
{
	static struct log_limit limit;
	struct session *session = flight->session;

	if (flight->is_open)
		session_owe_open(session, true);
	else
		session_log_limited(&limit, session, SEVERITY_INFO,
		    "messages did not reach their client",
		    "%u messages did not reach the client: they are the next again", flight->count);
	in_flight_put_back(&session->in_flight, &session->queue);
	if (session->journal != NULL)
		session->journal->was_returned = true;
	session_mark(session, CHANGE_MESSAGES);
	session_continue(session);
}

void
delivery_confirm(struct in_flight **owner)
{
	if (*owner != NULL)
		arrived(*owner, CHANGE_CAN_WAIT);
}

void
delivery_put_back(struct in_flight **owner)
{
	if (*owner != NULL)
		returned(*owner);
}

void
delivery_await(struct in_flight **owner)
{
	struct in_flight *flight = *owner;

	if (flight == NULL)
		return;
	flight->must_store = true;
	session_mark(flight->session, CHANGE_MESSAGES);
	await(flight);
}

void
delivery_leave(struct session *session)
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
delivery_resolve(struct sessions *sessions, uint64_t link_id, uint64_t frames)
{
	struct in_flight *flight = LIST_FIRST(&sessions->awaits), *next;

	for (; flight != NULL; flight = next) {
		next = LIST_NEXT(flight, await);
		if (flight->link_id != link_id)
			continue;
		/* The responder forgets that link: the next daemon could not ask again. */
		if (flight->index <= frames)
			arrived(flight, CHANGE_NOW);
		else
			returned(flight);
	}
}

void
delivery_grace_fire(struct timer *timer, void *ctx)
{
	(void)ctx;
	returned(container_of(timer, struct in_flight, timer));
}
