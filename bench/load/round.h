/*
 * Rounds of work: what is measured between two looks at the server's CPU time.
 */
#ifndef LOAD_ROUND_H
#define LOAD_ROUND_H

#include <stdint.h>

#include "bench/load/client.h"
#include "bench/load/histogram.h"

struct round_result {
	uint64_t count;		  /* of what was asked for */
	double seconds;		  /* until the last of it was done */
	double own_cpu;		  /* seconds that this program computed meanwhile */
	struct histogram latency; /* ns, from when a message was to be sent */
};

/*
 * Makes ready for clients of the target, whose on_event and epoll are set here. The rest of it is
 * borrowed.
 */
void round_prepare(struct target *target);

/* Opens clients until there are so many; latency: of an opening. */
void round_open(uint64_t clients, struct round_result *result);

/*
 * Messages that come back to who has sent them. At most at_once clients wait for theirs at a
 * time. rate: messages a second, which are sent when they are due, or, if all are busy then, later,
 * and the wait counts as latency (no coordinated omission); 0: each as soon as there is room.
 */
void round_echo(uint64_t messages, uint64_t at_once, double rate, struct round_result *result);

/*
 * Messages that one client sends, and everybody gets. rate: of messages a second; 0: each as soon
 * as everybody has the one before. latency: of each delivery.
 */
void round_fanout(uint64_t messages, double rate, struct round_result *result);

/* Clients that connect and close, at_once at a time. For websockets. */
void round_connect(uint64_t clients, uint64_t at_once, struct round_result *result);

#endif
