/*
 * See persistence_plan.h. Nothing is changed here: the plan is made anew before the transaction, in
 * it and after it.
 */
#include "sessiond/persistence/persistence_plan.h"

#include "sessiond/session/in_flight.h"
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

/* A frame that a responder has is stored if it has to be, or if some of its messages are. */
static bool
stores_flight(const struct journal_entry *entry)
{
	const struct session *session = entry->owner;
	const struct in_flight *flight = session->in_flight;

	if (flight == NULL || flight->link_id == 0)
		return false;
	return flight->must_store ||
	    (entry->first < entry->until && flight->first < entry->until &&
		flight->first + flight->count > entry->first);
}

struct persistence_plan
persistence_plan(const struct journal_entry *entry)
{
	const struct session *session = entry->owner;
	const struct in_flight *flight = session->in_flight;
	bool has_rows = entry->first < entry->until;
	struct persistence_plan plan = {.session = entry->changes & CHANGE_SESSION};

	plan.is_flight_stored = stores_flight(entry);
	plan.low = plan.is_flight_stored ? flight->first : session->queue.first;
	plan.high = session->queue.first + session->queue.count;
	plan.below = has_rows ? lower(higher(entry->first, plan.low), plan.high) : plan.low;
	plan.above = has_rows ? lower(higher(entry->until, plan.low), plan.high) : plan.low;
	plan.deletes = has_rows && entry->first < plan.low;
	if (plan.above < plan.below)
		plan.above = plan.below;
	plan.delivery = (entry->changes & CHANGE_SENT) != 0 ||
	    (plan.is_flight_stored
		    ? entry->link_id != flight->link_id || entry->index != flight->index
		    : entry->link_id != 0);
	return plan;
}

bool
persistence_plan_is_empty(const struct persistence_plan *plan)
{
	return !plan->session && !plan->delivery && !plan->deletes && plan->below == plan->low &&
	    plan->above == plan->high;
}
