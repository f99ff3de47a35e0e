/*
 * The loop of both programs: libuv, one timer for all of ours, the end of each turn, and the end of
 * the program.
 *
 * A turn: libuv calls whatever is ready, which only queues and marks; then end_turn makes answers
 * of it. What the log has kept back is written then, if it can be. The first SIGTERM or SIGINT
 * begins the end: drain tells everybody, and the loop goes on until the owner calls loop_stop,
 * LOOP_DRAIN_MS have passed or a second signal comes.
 */
#ifndef COMMON_LOOP_H
#define COMMON_LOOP_H

#include "common/timer_queue.h"

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

/*
 * A timer that fires so late says that the process stood still: it was stopped, the machine slept,
 * a callback took long. What has come meanwhile is read first, for as long again, before a timer
 * can judge that nothing came.
 */
enum { LOOP_DRAIN_MS = 5000, LOOP_LATE_MS = 1000 };

/* What the owner of a loop does; each gets the owner that loop_init was given. */
struct loop_ops {
	bool (*end_turn)(
	    void *owner); /* true: something is left to do, so the loop must not wait */
	void (*drain)(void *owner, int signal); /* SIGTERM or SIGINT came, for the first time */
	void (*hangup)(void *owner); /* SIGHUP came; NULL: it ends the process, as is usual */
	/* A turn has ended that took 1 ms or more; NULL: nobody wants to know. */
	void (*took)(void *owner, uint64_t ms);
};

/* Turns by their length. The last bound is none. */
#define LOOP_BOUNDS 7
extern const unsigned loop_bounds[LOOP_BOUNDS - 1]; /* ms */

struct loop_counts {
	uint64_t turns[LOOP_BOUNDS]; /* of at most that length, and above the one before */
	uint64_t ms;		     /* of all of them */
};

/* Not to be moved while it is in use. Owners may add handles of their own to uv. */
struct loop {
	uv_loop_t uv;
	bool is_draining;
	struct loop_counts counts;
	uint64_t started; /* ms of loop_now */
	/* The rest is private. */
	const struct loop_ops *ops;
	void *owner;
	struct timers *timers;
	uv_prepare_t turn;
	uv_idle_t again;
	uv_timer_t timer;   /* the earliest of timers */
	uint64_t timer_due; /* ms; 0: it does not run */
	unsigned catches;   /* times that it was late and waits for input */
	uv_timer_t drain;
	uv_timer_t log; /* until it has something to write (log_limit.h, log_output.h) */
	uv_signal_t signals[3];
};

/*
 * Makes a loop that serves timers (borrowed, like ops and owner). SIGPIPE is ignored from now on.
 */
void loop_init(struct loop *loop, struct timers *timers, const struct loop_ops *ops, void *owner);

/*
 * How long a turn takes is found out without a look at the clock where that can be: libuv looks
 * when something is ready, and when all of that was called. Callbacks that may take long say when
 * they begin (loop_note_wake), and who may take long at the end of a turn says so (loop_note_work):
 * only then is the clock read once more. The loop's thread has one loop.
 */
extern uint64_t loop_woken; /* ms; 0: nobody has said so in this turn */
extern bool loop_works;

static inline void
loop_note_wake(const uv_loop_t *uv)
{
	loop_woken = uv_now(uv);
}

static inline void
loop_note_work(void)
{
	loop_works = true;
}

/* The loop's time in ms, taken when the turn began. */
uint64_t loop_now(const struct loop *loop);

/* Runs turns until loop_stop. */
void loop_run(struct loop *loop);

/* Ends loop_run after this turn. */
void loop_stop(struct loop *loop);

/*
 * From now on a signal that loop_init handles waits: it cannot cut short what is done before the
 * process ends.
 */
void loop_ignore_signals(void);

/* Closes every handle that is still open, those of others too, and frees what the loop holds. */
void loop_close(struct loop *loop);

#endif
