/*
 * See run_queue.h. Everything static is under the lock, but for what only the loop's thread touches: the handle and is_bound.
 *
 * A turn takes the whole list and runs it: what is handed over meanwhile has to wait for the next turn, so that a function which
 * puts itself off again and again does not keep the loop from its sockets.
 */
#include "sessiond/api/api_run.h"

#include "sessiond/api/api.h"
#include "common/live_set.h"

#include <pthread.h>
#include <stdlib.h>

struct run {
	struct run *next;
	const sockjs_service *service;
	void (*run)(void *data);
	void *data;
};

struct run_list {
	struct run *first, **last;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct live_set open_services;
static struct run_list waiting = {NULL, &waiting.first};
static uv_async_t wake;
static bool is_bound;

static void
append(struct run_list *list, struct run *run)
{
	run->next = NULL;
	*list->last = run;
	list->last = &run->next;
}

/* Runs and frees a list that nobody else knows of. */
static void
run_all(struct run *first)
{
	struct run *run;

	while ((run = first) != NULL) {
		first = run->next;
		run->run(run->data);
		free(run);
	}
}

static void
on_wake(uv_async_t *async)
{
	struct run *first;

	(void)async;
	pthread_mutex_lock(&lock);
	first = waiting.first;
	waiting.first = NULL;
	waiting.last = &waiting.first;
	pthread_mutex_unlock(&lock);
	run_all(first);
}

void
run_queue_bind(uv_loop_t *loop)
{
	if (is_bound)
		uv_close((uv_handle_t *)&wake, NULL);
	is_bound = loop != NULL;
	if (is_bound && uv_async_init(loop, &wake, on_wake) != 0)
		abort();
}

void
run_queue_open(const sockjs_service *service)
{
	pthread_mutex_lock(&lock);
	live_set_add(&open_services, service);
	pthread_mutex_unlock(&lock);
}

/* Ends the service's time here. The list of what it had left. */
static struct run *
close_service(const sockjs_service *service)
{
	struct run_list own = {NULL, &own.first}, others = {NULL, &others.first};
	struct run *run, *next;

	pthread_mutex_lock(&lock);
	if (live_set_has(&open_services, service))
		live_set_remove(&open_services, service);
	for (run = waiting.first; run != NULL; run = next) {
		next = run->next;
		append(run->service == service ? &own : &others, run);
	}
	waiting.first = others.first;
	waiting.last = others.first == NULL ? &waiting.first : others.last;
	pthread_mutex_unlock(&lock);
	return own.first;
}

void
run_queue_close(const sockjs_service *service)
{
	run_all(close_service(service));
}

void
run_queue_drop(const sockjs_service *service)
{
	struct run *run, *next;

	for (run = close_service(service); run != NULL; run = next) {
		next = run->next;
		free(run);
	}
}

int
sockjs_run(sockjs_service *service, void (*run)(void *data), void *data)
{
	struct run *entry;
	int result = SOCKJS_STOPPED;

	if (service == NULL || run == NULL) {
		api_refuse(NULL, __func__, service == NULL ? "service is NULL" : "run is NULL");
		return SOCKJS_INVALID;
	}
	entry = malloc(sizeof *entry);
	if (entry == NULL)
		abort();
	*entry = (struct run){NULL, service, run, data};
	pthread_mutex_lock(&lock);
	if (live_set_has(&open_services, service)) {
		/* Under the lock, so that the loop cannot close the handle meanwhile. */
		if (waiting.first == NULL)
			uv_async_send(&wake);
		append(&waiting, entry);
		result = SOCKJS_OK;
	}
	pthread_mutex_unlock(&lock);
	if (result != SOCKJS_OK)
		free(entry);
	return result;
}
