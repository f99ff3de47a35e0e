/*
 * What sessiond is not told yet of the requests that were answered: how many, by endpoint and
 * status. It is told some time later, of many at once. Counts are statistics: what is told on a
 * connection that breaks may be lost.
 */
#ifndef FCGI_DAEMON_REQUEST_COUNTS_H
#define FCGI_DAEMON_REQUEST_COUNTS_H

#include "common/loop.h"
#include "common/timer_queue.h"
#include "fcgi/daemon/backends.h"
#include "wire/wire_counts.h"

#include <stdint.h>

enum { REQUEST_COUNTS_DELAY_MS = 10000 }; /* from the first that is untold */

/* The members are private. */
struct request_counts {
	struct backends *backends;
	const struct loop *loop;
	struct wire_counts untold;
	uint64_t lines_told; /* of those that are missing in the log */
	struct timer_queue delay;
	struct timer due; /* runs while something is untold */
};

/* Everything is borrowed. */
void request_counts_init(struct request_counts *counts, struct backends *backends,
    const struct loop *loop, struct timers *timers);

/* One more was answered. endpoint: endpoint_kind(). */
void request_counts_add(struct request_counts *counts, unsigned endpoint, int status);

/*
 * Tells sessiond now, if it is there, of the lines that are missing in this process's log too. The
 * message leaves with the next backends_flush.
 */
void request_counts_tell(struct request_counts *counts);

#endif
