/*
 * See worker_pool.h.
 */
#include "sessiond/worker/worker_pool.h"

#include "common/memory.h"
#include "sessiond/service/service.h"

#include <stdlib.h>

enum { SETTLE_MS = 1000 }; /* that a process runs before it counts as there */

static struct worker_seat *
seat_of(const struct worker_connection *connection)
{
	return connection->carried;
}

/* --- seats ------------------------------------------------------------------------------------ */

/* The one with the fewest connections, of those that run; else of those that will. */
static struct worker_process *
choose(const struct worker_pool *pool)
{
	struct worker_process *process, *best = NULL;

	LIST_FOREACH(process, &pool->processes, entry) {
		bool runs = worker_process_runs(process);

		if (process->is_leaving || process->is_stopped)
			continue;
		if (best == NULL || (runs && !worker_process_runs(best)) ||
		    (runs == worker_process_runs(best) && process->seat_count < best->seat_count))
			best = process;
	}
	return best;
}

static void
find_place(struct worker_pool *pool, struct worker_seat *seat)
{
	struct worker_process *process = choose(pool);

	if (process != NULL)
		worker_process_seat(process, seat);
	else
		LIST_INSERT_HEAD(&pool->unseated, seat, entry);
}

static void
seat_all(struct worker_pool *pool)
{
	struct worker_seat *seat;

	while ((seat = LIST_FIRST(&pool->unseated)) != NULL) {
		struct worker_process *process = choose(pool);

		if (process == NULL)
			return;
		LIST_REMOVE(seat, entry);
		worker_process_seat(process, seat);
	}
}

void
worker_pool_move(struct worker_process *process)
{
	struct worker_pool *pool = worker_pool_of(process->service);
	struct worker_seat *seat, *next;

	for (seat = LIST_FIRST(&process->seats); seat != NULL; seat = next) {
		next = LIST_NEXT(seat, entry);
		if (seat->connection->given > 0)
			continue;
		worker_process_unseat(seat);
		find_place(pool, seat);
	}
	if (process->given_count == 0)
		worker_process_stop(process);
}

/* --- processes -------------------------------------------------------------------------------- */

static void
look(struct worker_pool *pool)
{
	const struct worker_process *process;
	bool is_here = false;

	LIST_FOREACH(process, &pool->processes, entry)
		is_here = is_here ||
		    (worker_process_runs(process) && process->is_settled && !process->is_leaving);
	worker_service_is_here(pool->service, is_here);
}

void
worker_pool_changed(struct worker_process *process)
{
	look(worker_pool_of(process->service));
	seat_all(worker_pool_of(process->service));
}

struct worker_process *
worker_pool_add(struct worker_pool *pool, const char *kind,
    const struct worker_process_calls *calls, void *owner)
{
	struct worker_process *process =
	    worker_process_create(pool->service, &pool->timeouts, kind, calls, owner);

	LIST_INSERT_HEAD(&pool->processes, process, entry);
	return process;
}

void
worker_pool_remove(struct worker_process **process)
{
	struct worker_pool *pool = worker_pool_of((*process)->service);
	struct worker_seat *seat;

	(*process)->is_leaving = true;
	while ((seat = LIST_FIRST(&(*process)->seats)) != NULL) {
		worker_process_unseat(seat);
		find_place(pool, seat);
	}
	LIST_REMOVE(*process, entry);
	worker_process_destroy(process);
	look(pool);
}

/* --- life ------------------------------------------------------------------------------------- */

static void
settle_fire(struct timer *timer, void *context)
{
	struct worker_process *process = container_of(timer, struct worker_process, settle_timer);

	(void)context;
	process->is_settled = true;
	worker_pool_changed(process);
}

static void
ack_fire(struct timer *timer, void *context)
{
	struct worker_process *process = container_of(timer, struct worker_process, ack_timer);

	(void)context;
	worker_process_died(
	    process, "is ended: it has not acknowledged an event for ack_timeout", true);
}

void
worker_pool_open(struct worker_service *service)
{
	struct worker_pool *pool = xcalloc(1, sizeof *pool);
	struct timers *timers = service->all->timers;

	pool->service = service;
	service->carried = pool;
	LIST_INIT(&pool->processes);
	LIST_INIT(&pool->unseated);
	timer_queue_add(timers, &pool->timeouts.acks, service->service->worker_options.ack_timeout,
	    ack_fire, pool);
	timer_queue_add(timers, &pool->timeouts.settles, SETTLE_MS, settle_fire, pool);
}

void
worker_pool_close(struct worker_pool *pool)
{
	struct worker_process *process;

	while ((process = LIST_FIRST(&pool->processes)) != NULL) {
		process->is_leaving = true;
		process->calls->gone(process);
	}
	timer_queue_remove(pool->service->all->timers, &pool->timeouts.acks);
	timer_queue_remove(pool->service->all->timers, &pool->timeouts.settles);
}

void
worker_pool_change(struct worker_pool *pool)
{
	timer_queue_set_delay(
	    &pool->timeouts.acks, pool->service->service->worker_options.ack_timeout);
}

/* --- the carrier ------------------------------------------------------------------------------ */

void
worker_pool_wake(struct worker_connection *connection)
{
	struct worker_seat *seat = seat_of(connection);

	if (seat == NULL) {
		connection->carried = seat = xcalloc(1, sizeof *seat);
		seat->connection = connection;
		find_place(worker_pool_of(connection->service), seat);
	} else {
		worker_process_wake(seat);
	}
}

void
worker_pool_forget(struct worker_connection *connection)
{
	struct worker_seat *seat = seat_of(connection);

	if (seat == NULL)
		return;
	if (seat->process != NULL)
		worker_process_unseat(seat);
	else
		LIST_REMOVE(seat, entry);
	free(seat);
	connection->carried = NULL;
}

void
worker_pool_drain(struct worker_connection *connection)
{
	if (seat_of(connection) != NULL)
		worker_process_drain(seat_of(connection));
}

bool
worker_pool_give(struct worker_service *service)
{
	struct worker_process *process;
	bool any = false;

	LIST_FOREACH(process, &worker_pool_of(service)->processes, entry)
		any = worker_process_give(process) || any;
	return any;
}

void
worker_pool_write(struct worker_service *service)
{
	struct worker_process *process;

	LIST_FOREACH(process, &worker_pool_of(service)->processes, entry)
		worker_process_write(process);
}

bool
worker_pool_finish(struct worker_service *service)
{
	struct worker_process *process;
	bool is_done = true;

	LIST_FOREACH(process, &worker_pool_of(service)->processes, entry) {
		if (!worker_process_runs(process))
			continue;
		if (process->given_count == 0)
			worker_process_stop(process);
		is_done = false;
	}
	return is_done;
}
