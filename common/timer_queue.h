/*
 * Timers that cost nothing but their entry.
 *
 * Timers of one kind all have one delay, so they expire in the order in which they were started,
 * and a list in that order is all that is needed: starting, restarting and stopping are O(1) and
 * allocate nothing. A struct timer_queue is one such delay with its callback; a struct timers is
 * the set of queues that one loop serves. The delay may be changed: what runs keeps its deadline.
 *
 * There is no clock in here: `now` is given, in ms of any clock that does not go back. (If it does,
 * timers fire late, never out of order.) For one thread.
 */
#ifndef COMMON_TIMER_QUEUE_H
#define COMMON_TIMER_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Embedded in its owner, who zeroes it before its first use and must not move or free it while it
 * is running.
 */
struct timer {
	struct timer *next, *prev; /* NULL while not running */
	uint64_t deadline;	   /* ms; only while running */
};

/* Called when a timer expired. The timer is not running any more, and may be restarted. */
typedef void timer_fire(struct timer *timer, void *ctx);

/*
 * Owned by the caller, like struct timers: neither may move while in use. The members are private.
 */
struct timer_queue {
	struct timer_queue *next;
	struct timers *set;
	uint64_t delay_ms;
	timer_fire *fire;
	void *ctx;
	struct timer running; /* head of the ring of running timers, earliest deadline first */
	struct timer elder;   /* the same for those that were started with another delay */
	struct timer
	    due; /* head of the ring of those that the present timers_run has yet to fire */
};

struct timers {
	struct timer_queue *first;
	uint64_t bound; /* no deadline is before it */
	bool in_run;
};

/* Makes a set without queues. */
void timers_init(struct timers *timers);

/*
 * Makes `queue` an empty queue of the set. Its timers call fire(timer, ctx) delay_ms after their
 * start.
 */
void timer_queue_add(struct timers *timers, struct timer_queue *queue, uint64_t delay_ms,
    timer_fire *fire, void *ctx);

/*
 * Stops all timers of a queue of the set, and takes it out of the set. Its memory may then be
 * freed.
 */
void timer_queue_remove(struct timers *timers, struct timer_queue *queue);

/*
 * Gives the timers that are started from now on another delay. O(running timers). Not to be called
 * from a timer's callback.
 */
void timer_queue_set_delay(struct timer_queue *queue, uint64_t delay_ms);

/* Starts a timer, or restarts it (in any queue) with its full delay. */
void timer_start(struct timer_queue *queue, struct timer *timer, uint64_t now);

/* Stops a timer; does nothing to one that is not running. */
void timer_stop(struct timer *timer);

bool timer_is_running(const struct timer *timer);

/*
 * The running timer of the queue that was started first (after a change of the delay: of those from
 * before, the one that expires first); NULL if none runs.
 */
struct timer *timer_queue_first(struct timer_queue *queue);

/*
 * Stores the earliest deadline and returns true, or returns false if no timer is running.
 * O(queues).
 */
bool timers_next(struct timers *timers, uint64_t *deadline);

/* True if no deadline is before `deadline`, as far as that can be said without looking for it. */
static inline bool
timers_are_after(const struct timers *timers, uint64_t deadline)
{
	return timers->bound >= deadline;
}

/*
 * Fires, in the order of their deadlines, all timers which have a deadline <= now, each once; of
 * equal deadlines, the queue that was added first goes first. A callback may start and stop any
 * timer, free any owner whose timers it stopped, and add and remove queues, its own too. It must
 * not call timers_run. A timer started meanwhile fires in a later run, even with a delay of 0.
 */
void timers_run(struct timers *timers, uint64_t now);

#endif
