/*
 * What the store has to be told of one session: the difference between what it knows and what is.
 */
#ifndef SESSIOND_PERSISTENCE_PLAN_H
#define SESSIOND_PERSISTENCE_PLAN_H

#include "sessiond/session/journal.h"

#include <stdbool.h>
#include <stdint.h>

struct persistence_plan {
	bool session, delivery; /* these rows are to be put */
	bool is_flight_stored;	/* the frame in flight is, or will be, in the store */
	bool deletes;		/* messages below low are to be deleted */
	uint64_t low, high;	/* positions of the messages that are to be there then */
	uint64_t below, above;	/* of those, low to below and above to high are new */
};

struct persistence_plan persistence_plan(const struct journal_entry *entry);

/* True if the store knows it all. */
bool persistence_plan_is_empty(const struct persistence_plan *plan);

#endif
