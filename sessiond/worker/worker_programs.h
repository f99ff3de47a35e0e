/*
 * Processes that the daemon starts: `program`, as often as `processes` says. One that ends is
 * started again, after a pause that grows while it does not last.
 */
#ifndef SESSIOND_WORKER_PROGRAMS_H
#define SESSIOND_WORKER_PROGRAMS_H

#include "sessiond/worker/worker_pool.h"

/* ms */
enum {
	WORKER_PAUSE_MIN = 100,
	WORKER_PAUSE_MAX = 10000,
	WORKER_LASTING = 10000, /* a process that has run for so long has lasted */
};

/* Starts those that the options name; none without a program. */
void worker_programs_start(struct worker_pool *pool);

/* The options are others: if they concern the programs, new ones replace those that run. */
void worker_programs_change(struct worker_pool *pool);

/* Forgets them; their processes are to be freed as those of all are (worker_process.gone). */
void worker_programs_clear(struct worker_pool *pool);

#endif
