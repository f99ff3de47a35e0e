/*
 * See persistence_plan.h. Pure: asked by persistence.c before the transaction, within it, and after.
 */
#include "sessiond/persistence/persistence_plan.h"

#include "sessiond/session/session.h"

static uint64_t
lower(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t
higher(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* A frame in flight is known to the store if its messages are; one that a responder of ours has, if the turn asks for it. */
static bool
stores_flight(const struct persistent *persistent, bool with_sends)
{
	const struct in_flight *flight = persistent->session->in_flight;

	if (flight == NULL || flight->connection == 0)
		return false;
	return flight->must_store || (with_sends && flight->is_fresh) ||
	    (persistent->first < persistent->until && flight->first < persistent->until &&
		flight->first + flight->count > persistent->first);
}

struct persistence_plan
persistence_plan(const struct persistent *persistent, bool with_sends)
{
	const struct session *session = persistent->session;
	const struct in_flight *flight = session->in_flight;
	bool has_rows = persistent->first < persistent->until;
	struct persistence_plan plan = {.session = persistent->changes & CHANGE_SESSION};

	plan.is_flight_stored = stores_flight(persistent, with_sends);
	plan.low = plan.is_flight_stored ? flight->first : session->queue.first;
	plan.high = session->queue.first + session->queue.count;
	plan.below = has_rows ? lower(higher(persistent->first, plan.low), plan.high) : plan.low;
	plan.above = has_rows ? lower(higher(persistent->until, plan.low), plan.high) : plan.low;
	plan.deletes = has_rows && persistent->first < plan.low;
	if (plan.above < plan.below)
		plan.above = plan.below;
	plan.delivery = (with_sends && (persistent->changes & CHANGE_SENT)) ||
	    (plan.is_flight_stored ? persistent->connection != flight->connection ||
			persistent->index != flight->index
				   : persistent->connection != 0);
	return plan;
}

bool
persistence_plan_is_empty(const struct persistence_plan *plan)
{
	return !plan->session && !plan->delivery && !plan->deletes && plan->below == plan->low &&
	    plan->above == plan->high;
}
