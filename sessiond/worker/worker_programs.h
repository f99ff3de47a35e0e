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

/*
 * The carrier of services whose application are processes. start: none are started without a
 * program. change: if options of programs are others, or the files that the
 * command names, new processes replace those that run.
 */
extern const struct worker_carrier worker_programs_carrier;

#endif
