/*
 * See worker_service.h.
 */
#include "sessiond/worker/worker_service.h"

#include "common/log_limit.h"
#include "common/memory.h"
#include "sessiond/service/service.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static struct workers *bound;

/* --- all -------------------------------------------------------------------------------------- */

void
workers_init(struct workers *all, uv_loop_t *loop, struct timers *timers,
    uint64_t (*clock)(void *context), void *context)
{
	*all = (struct workers){
	    .loop = loop, .timers = timers, .clock = clock, .clock_context = context};
	LIST_INIT(&all->services);
	LIST_INIT(&all->guests);
	hash_table_init(&all->by_id);
}

void
workers_bind(struct workers *all)
{
	bound = all;
}

struct workers *
workers_bound(void)
{
	return bound;
}

void
workers_clear(struct workers *all)
{
	worker_journal_clear(&all->journal);
	hash_table_clear(&all->by_id);
}

uint64_t
workers_now(const struct workers *all)
{
	return all->clock(all->clock_context);
}

bool
workers_give(struct workers *all)
{
	struct worker_service *service;
	bool any = false;

	LIST_FOREACH(service, &all->services, entry)
		any = service->carrier->give(service) || any;
	return any;
}

void
workers_write(struct workers *all)
{
	struct worker_service *service;

	all->journal.has_handled = false;
	LIST_FOREACH(service, &all->services, entry)
		service->carrier->write(service);
}

bool
workers_finish(struct workers *all)
{
	struct worker_service *service;
	bool is_done = true;

	all->is_ending = true;
	LIST_FOREACH(service, &all->services, entry)
		is_done = service->carrier->finish(service) && is_done;
	return is_done;
}

/* --- a service -------------------------------------------------------------------------------- */

void
worker_log_write(const void *place, const struct worker_service *service, const char *format, ...)
{
	const char *section = service->service->section;
	char text[512];
	va_list args;

	if (!log_is_enabled(SEVERITY_ERROR))
		return;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	log_limited_write(log_limit_for(place, section), SEVERITY_ERROR, "[%s]: %s", section, text);
}

static void
wait_fire(struct timer *timer, void *context)
{
	struct worker_service *service = context;

	(void)timer;
	service->is_away = true;
	worker_log(service,
	    "its application has not been there for worker_timeout (%llu ms): "
	    "clients and sends get 503",
	    (unsigned long long)service->service->worker_options.worker_timeout);
	worker_service_judge(service);
}

void
worker_service_is_here(struct worker_service *service, bool is_here)
{
	if (service->is_here == is_here)
		return;
	service->is_here = is_here;
	if (is_here) {
		timer_stop(&service->wait);
		if (service->is_away)
			worker_log(service, "its application is there again");
		service->is_away = false;
	} else {
		timer_start(&service->waits, &service->wait, workers_now(service->all));
	}
	worker_service_judge(service);
}

void
worker_service_judge(struct worker_service *service)
{
	size_t limit = service->service->worker_options.worker_queue_limit;
	bool is_full = service->queued > limit ||
	    /* Once refused, some of it has to be worked off first. */
	    (service->is_full && service->queued > limit - limit / 4);

	if (is_full && !service->is_full)
		worker_log(service,
		    "worker_queue_limit (%zu bytes) reached by events that its application has "
		    "not handled: clients and sends get 503",
		    limit);
	service->is_full = is_full;
	service_refuse_sends(service->service, is_full || service->is_away);
}

struct worker_service *
worker_service_create(sockjs_service *service, const struct worker_carrier *carrier)
{
	struct worker_service *created = xcalloc(1, sizeof *created);

	created->all = bound;
	created->service = service;
	created->carrier = carrier;
	created->acks = bound->is_kept && service->worker_options.ack;
	LIST_INIT(&created->connections);
	LIST_INSERT_HEAD(&bound->services, created, entry);
	timer_queue_add(bound->timers, &created->waits, service->worker_options.worker_timeout,
	    wait_fire, created);
	timer_start(&created->waits, &created->wait, workers_now(bound));
	return created;
}

void
worker_service_destroy(struct worker_service **service)
{
	struct worker_service *ended = *service;

	if (ended == NULL)
		return;
	timer_queue_remove(ended->all->timers, &ended->waits);
	LIST_REMOVE(ended, entry);
	free(ended->carried);
	free(ended);
	*service = NULL;
}

void
workers_changed(struct workers *all)
{
	struct worker_service *service;

	LIST_FOREACH(service, &all->services, entry) {
		const struct worker_options *options = &service->service->worker_options;

		service->acks = all->is_kept && options->ack;
		timer_queue_set_delay(&service->waits, options->worker_timeout);
		service->carrier->change(service);
		worker_service_judge(service);
	}
}
