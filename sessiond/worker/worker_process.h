/*
 * A process that serves connections of one service, and what is spoken with it: events go to it
 * with numbers (seq), its calls come back. doc/workers.md has the protocol.
 *
 * While an event waits for its ack, calls are held: they are carried out with the ack, in one turn
 * of the loop. If the process dies before, they are dropped, and the events are given again: to the
 * process that comes next in its place, one at a time until those that it may have died of are
 * handled.
 */
#ifndef SESSIOND_WORKER_PROCESS_H
#define SESSIOND_WORKER_PROCESS_H

#include "common/timer_queue.h"
#include "sessiond/program/line_stream.h"
#include "sessiond/program/program.h"
#include "sessiond/worker/worker_connection.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

struct worker_process;

enum {
	WORKER_OUTPUT_MARK = 262144, /* bytes that a process has not read: it gets no more events */
};

/* A connection's place in a process, or among those that wait for one (process NULL). */
struct worker_seat {
	struct worker_connection *connection;
	struct worker_process *process;
	LIST_ENTRY(worker_seat) entry;
	TAILQ_ENTRY(worker_seat) ready_entry;
	bool is_ready;	   /* it has something to be told */
	bool needs_resume; /* its process does not know of it, and its application did */
};

LIST_HEAD(worker_seat_list, worker_seat);
TAILQ_HEAD(worker_ready_list, worker_seat);

struct worker_given;
struct worker_held;

/* What its owners hear of it. */
struct worker_process_calls {
	/* It has begun, has settled, or has died: there is an application, or none. */
	void (*changed)(struct worker_process *process);
	/* It is leaving, and has acknowledged something. */
	void (*acknowledged)(struct worker_process *process);
	/*
	 * It has died, and its connections wait: starts it again. If it is leaving: ends it at
	 * once, if it runs, and frees it.
	 */
	void (*gone)(struct worker_process *process);
};

/* Timers of the processes of a service. */
struct worker_timeouts {
	struct timer_queue acks, settles;
};

/* It may be without a process of the system: before that begins, and when it has ended. */
struct worker_process {
	struct worker_service *service;
	struct worker_timeouts *timeouts;
	LIST_ENTRY(worker_process) entry; /* its pool's */
	const char *kind;		  /* "program" or "connected"; constant */
	const struct worker_process_calls *calls;
	void *owner;		 /* theirs */
	struct program *program; /* one of the two, while it runs; both NULL: it does not */
	struct line_stream *stream;
	pid_t pid;			   /* of the last; 0: unknown */
	uint64_t began;			   /* ms, the last */
	uint64_t begun;			   /* how often one began */
	uint64_t seq, acked;		   /* of the last event that was given, and acknowledged */
	STAILQ_HEAD(, worker_given) given; /* events that wait for their ack */
	size_t given_count;
	STAILQ_HEAD(, worker_held) held; /* calls that do */
	size_t held_bytes;
	struct worker_seat_list seats;
	size_t seat_count;
	struct worker_ready_list ready;
	size_t suspects; /* events of its connections that a process has died with */
	struct timer ack_timer, settle_timer;
	bool is_settled; /* it has said something, or has run for a while */
	bool is_leaving; /* it gets nothing more, and ends when it has acknowledged all */
	bool is_stopped; /* it was told to end */
};

/* Borrows everything. */
struct worker_process *
worker_process_create(struct worker_service *service, struct worker_timeouts *timeouts,
    const char *kind, const struct worker_process_calls *calls, void *owner);

/*
 * Ends it at once and frees it; its seats must be others', and nobody may have it in a list. Sets
 * *process NULL; takes NULL.
 */
void worker_process_destroy(struct worker_process **process);

/* It runs now, with one of the two, and is greeted. */
void worker_process_begin(
    struct worker_process *process, struct program *program, struct line_stream *stream, pid_t pid);

static inline bool
worker_process_runs(const struct worker_process *process)
{
	return process->program != NULL || process->stream != NULL;
}

/* A line of it. */
void worker_process_line(struct worker_process *process, char *line, size_t len);

/*
 * It runs no more, and everything of it has been read. how: for the log; is_to_blame: it may have
 * died of what it was given. Its program or stream is ended; it may be freed.
 */
void worker_process_died(struct worker_process *process, const char *how, bool is_to_blame);

/* Lets it end by itself: it gets no events any more, and its input ends. */
void worker_process_stop(struct worker_process *process);

/* A seat, new or of another process, gets its place here. */
void worker_process_seat(struct worker_process *process, struct worker_seat *seat);

/* It loses its place. What its connection was given is not waited for. */
void worker_process_unseat(struct worker_seat *seat);

/* The seat's connection has something to be told. */
void worker_process_wake(struct worker_seat *seat);

/* Tells it at once that what was written to a connection has left. */
void worker_process_drain(struct worker_seat *seat);

/* Encodes what it can be given now; true if anything was. */
bool worker_process_give(struct worker_process *process);

/* Lets it leave. */
void worker_process_write(struct worker_process *process);

/* Bytes that it has not read. */
size_t worker_process_waiting(const struct worker_process *process);

#endif
