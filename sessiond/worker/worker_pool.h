/*
 * The processes of a service: those that the daemon starts (worker_programs.h), and those that
 * connect to it (worker_serve.h). Each connection has its seat in one of them, or waits for one.
 */
#ifndef SESSIOND_WORKER_POOL_H
#define SESSIOND_WORKER_POOL_H

#include "sessiond/worker/worker_process.h"
#include "sessiond/worker/worker_service.h"

struct worker_slot;

struct worker_pool {
	struct worker_service *service;
	LIST_HEAD(, worker_process) processes;
	struct worker_seat_list unseated;
	struct worker_timeouts timeouts;
	/* worker_programs.h's */
	struct worker_slot **slots;
	size_t slot_count;
};

/* The pool of a service that has one. */
static inline struct worker_pool *
worker_pool_of(const struct worker_service *service)
{
	return service->carried;
}

/* The service gets a pool, and loses it but for its connections' seats. */
void worker_pool_open(struct worker_service *service);
void worker_pool_close(struct worker_pool *pool);

/* Timeouts are others now. */
void worker_pool_change(struct worker_pool *pool);

/* A process joins, which does not run yet; gone and owner as in worker_process.h. */
struct worker_process *worker_pool_add(struct worker_pool *pool, const char *kind,
    const struct worker_process_calls *calls, void *owner);

/* It is freed: whoever is seated there waits, or gets another. Sets *process NULL. */
void worker_pool_remove(struct worker_process **process);

/* For worker_process_calls. changed: whether there is an application; who waits gets a seat. */
void worker_pool_changed(struct worker_process *process);

/* Has a leaving process's connections served by others; once it waits for nothing, it ends. */
void worker_pool_move(struct worker_process *process);

/* --- for the carrier -------------------------------------------------------------------------- */

void worker_pool_wake(struct worker_connection *connection);
void worker_pool_forget(struct worker_connection *connection);
void worker_pool_drain(struct worker_connection *connection);
bool worker_pool_give(struct worker_service *service);
void worker_pool_write(struct worker_service *service);
bool worker_pool_finish(struct worker_service *service);

#endif
