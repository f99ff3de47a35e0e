/*
 * See worker_list.h. They are few: one page has them all.
 */
#include "sessiond/control/worker_list.h"

#include "sessiond/control/control_answer.h"
#include "sessiond/http/http_request.h"
#include "sessiond/modules/services.h"
#include "sessiond/service/service.h"
#include "sessiond/worker/worker_each.h"
#include "sessiond/worker/worker_pool.h"
#include "sessiond/worker/worker_programs.h"

static const char *
state_of(const struct worker_process *process)
{
	if (!worker_process_runs(process))
		return process->service->is_away ? "away" : "stopped";
	if (process->is_leaving || process->is_stopped)
		return "ending";
	return process->is_settled ? "running" : "starting";
}

static json_t *
describe_process(const struct worker_process *process)
{
	bool runs = worker_process_runs(process);
	uint64_t ms = runs ? workers_now(process->service->all) - process->began : 0;

	return json_pack("{ss ss so ss sI sI sI sI sI}", "service", process->service->service->name,
	    "kind", process->kind, "pid",
	    runs && process->pid != 0 ? json_integer(process->pid) : json_null(), "state",
	    state_of(process), "connections", (json_int_t)process->seat_count, "in_flight",
	    (json_int_t)process->given_count, "unread_bytes",
	    (json_int_t)worker_process_waiting(process), "begun", (json_int_t)process->begun,
	    "age_seconds", (json_int_t)(ms / 1000));
}

/* All that is there together. */
static json_t *
describe_service(const struct worker_service *service, const char *kind)
{
	return json_pack("{ss ss sn ss sI sI sI sI sI}", "service", service->service->name, "kind",
	    kind, "pid", "state",
	    service->is_here	   ? "running"
		: service->is_away ? "away"
				   : "stopped",
	    "connections", (json_int_t)service->count, "in_flight",
	    (json_int_t)(service->given - service->handled - service->repeated), "unread_bytes",
	    (json_int_t)0, "begun", (json_int_t)0, "age_seconds", (json_int_t)0);
}

static void
list_processes(json_t *list, const struct worker_service *service)
{
	const struct worker_process *process;

	LIST_FOREACH(process, &worker_pool_of(service)->processes, entry)
		json_array_append_new(list, describe_process(process));
	if (LIST_EMPTY(&worker_pool_of(service)->processes))
		json_array_append_new(list, describe_service(service, "connected"));
}

/* A process for each connection. */
static void
list_each(json_t *list, const struct services *services, const char *name)
{
	size_t i;

	for (i = 0; i < services->count; i++) {
		const struct sockjs_service *service = services->items[i];

		if (service->application == &worker_each_module && control_means(name, service))
			json_array_append_new(list,
			    json_pack("{ss ss sn ss sI sI sI sI sI}", "service", service->name,
				"kind", "each", "pid", "state", "running", "connections",
				(json_int_t)worker_each_count(service), "in_flight", (json_int_t)0,
				"unread_bytes", (json_int_t)0, "begun", (json_int_t)0,
				"age_seconds", (json_int_t)0));
	}
}

static json_t *
make(const struct services *services, const struct workers *workers, const char *name)
{
	const struct worker_service *service;
	json_t *list = json_array();

	LIST_FOREACH(service, &workers->services, entry) {
		if (!control_means(name, service->service))
			continue;
		if (service->carrier == &worker_programs_carrier)
			list_processes(list, service);
		else
			json_array_append_new(
			    list, describe_service(service, service->carrier->name));
	}
	list_each(list, services, name);
	return json_pack("{so sn}", "workers", list, "next");
}

void
worker_list_answer(
    struct http_request *request, const struct services *services, const struct workers *workers)
{
	struct control_page page;
	struct error err = ERROR_INIT;

	if (control_page_read(request->query, services, &page, &err) == -1)
		control_refuse(request, &err);
	else
		control_answer(request, make(services, workers, page.service));
	control_page_clear(&page);
}
