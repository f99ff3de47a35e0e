/*
 * What the store has to be told of one session: the difference between what it knows and what is.
 */
#ifndef SESSIOND_PERSISTENCE_PLAN_H
#define SESSIOND_PERSISTENCE_PLAN_H

#include "sessiond/session/journal.h"

#include <stdbool.h>
#include <stdint.h>

struct persistence_plan {
	bool session, delivery;
	bool is_flight_stored;
	uint64_t low, high; /* positions of the messages to be stored */
	bool deletes;	    /* those below low */
	uint64_t below,
	    above; /* messages from low to below, and from above to high, are new there */
};

struct persistence_plan persistence_plan(const struct journal_entry *entry);

/* True if the store knows it all. */
bool persistence_plan_is_empty(const struct persistence_plan *plan);

#endif
