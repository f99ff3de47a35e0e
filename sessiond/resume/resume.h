/*
 * What the daemon has of resume: whom legs talk to in the place of an application, and what they
 * send once a turn is committed.
 */
#ifndef SESSIOND_RESUME_H
#define SESSIOND_RESUME_H

#include "sessiond/persistence/persistence.h"
#include "sessiond/resume/leg.h"

struct resume {
	struct legs legs;
	struct persistence_part part; /* for persistence_add, if there is a store */
};

/* Services with the option resume have legs from now on. Both are borrowed; services: leg.h. */
void resume_init(struct resume *resume, struct sessions *sessions, const struct services *services);

/* All sessions are gone. */
void resume_clear(struct resume *resume);

#endif
