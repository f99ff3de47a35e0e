/*
 * The carrier of services whose application are processes: those that the daemon starts
 * (worker_programs.h), and those that connect to it (worker_serve.h). Each connection has its seat
 * in one of them, or waits for one.
 */
#ifndef SESSIOND_WORKER_POOL_H
#define SESSIOND_WORKER_POOL_H

#include "sessiond/worker/worker_process.h"
#include "sessiond/worker/worker_service.h"

extern const struct worker_carrier worker_pool_carrier;

struct worker_slot;

struct worker_pool {
	struct worker_service *service;
	LIST_HEAD(, worker_process) processes;
	struct worker_seat_list unseated;
	struct timer_queue ack_timeouts, settles;
	/* worker_programs.h's */
	struct worker_slot **slots;
	size_t slot_count;
};

/* The pool of a service whose carrier is this one. */
static inline struct worker_pool *
worker_pool_of(const struct worker_service *service)
{
	return service->carried;
}

/* A process has begun, has settled, or has ended: whether there is an application. */
void worker_pool_look(struct worker_pool *pool);

/* Seats who waits for a process, if there is one. */
void worker_pool_seat_all(struct worker_pool *pool);

/* Has a leaving process's connections served by others, those for which it has no event. */
void worker_pool_move(struct worker_process *process);

/* A process is to be freed: whoever is seated there waits, or gets another. */
void worker_pool_remove(struct worker_process **process);

#endif
