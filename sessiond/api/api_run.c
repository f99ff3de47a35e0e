/*
 * See api_run.h. Everything static is under the lock, but for what only the loop's thread touches:
 * the handle and is_bound.
 *
 * A turn takes the whole list and runs it. What is handed over meanwhile waits for the next turn,
 * so that a function that hands itself over again and again does not keep the loop from its
 * sockets.
 */
#include "sessiond/api/api_run.h"

#include "common/loop.h"
#include "common/memory.h"
#include "sessiond/api/api.h"
#include "sessiond/service/live_set.h"
#include "sessiond/service/service.h"

#include <pthread.h>
#include <stdlib.h>

#include <sys/queue.h>

struct run {
	STAILQ_ENTRY(run) entry;
	const sockjs_service *service;
	void (*run)(void *data);
	void *data;
};

STAILQ_HEAD(run_list, run);

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct live_set open_services;
static struct run_list waiting = STAILQ_HEAD_INITIALIZER(waiting);
static uv_async_t wake;
static bool is_bound;

static struct run *
shift(struct run_list *list)
{
	struct run *first = STAILQ_FIRST(list);

	if (first != NULL)
		STAILQ_REMOVE_HEAD(list, entry);
	return first;
}

/* Runs and frees a list that nobody else knows of. */
static void
run_all(struct run_list *list)
{
	struct callback_call outer;
	struct run *run;

	while ((run = shift(list)) != NULL) {
		outer = service_call(run->service, CALLBACK_RUN);
		run->run(run->data);
		callback_end(outer);
		free(run);
	}
}

static void
on_wake(uv_async_t *async)
{
	struct run_list list = STAILQ_HEAD_INITIALIZER(list);

	loop_note_wake(async->loop);
	pthread_mutex_lock(&lock);
	STAILQ_CONCAT(&list, &waiting);
	pthread_mutex_unlock(&lock);
	run_all(&list);
}

void
api_run_bind(uv_loop_t *loop)
{
	if (is_bound)
		uv_close((uv_handle_t *)&wake, NULL);
	is_bound = loop != NULL;
	if (is_bound && uv_async_init(loop, &wake, on_wake) != 0)
		abort();
}

void
api_run_open(const sockjs_service *service)
{
	pthread_mutex_lock(&lock);
	live_set_add(&open_services, service);
	pthread_mutex_unlock(&lock);
}

/* Ends the service's time here: what it had left moves to list. */
static void
close_service(const sockjs_service *service, struct run_list *list)
{
	struct run_list others = STAILQ_HEAD_INITIALIZER(others);
	struct run *run;

	pthread_mutex_lock(&lock);
	if (live_set_has(&open_services, service))
		live_set_remove(&open_services, service);
	while ((run = shift(&waiting)) != NULL)
		STAILQ_INSERT_TAIL(run->service == service ? list : &others, run, entry);
	STAILQ_CONCAT(&waiting, &others);
	pthread_mutex_unlock(&lock);
}

void
api_run_close(const sockjs_service *service)
{
	struct run_list list = STAILQ_HEAD_INITIALIZER(list);

	close_service(service, &list);
	run_all(&list);
}

void
api_run_drop(const sockjs_service *service)
{
	struct run_list list = STAILQ_HEAD_INITIALIZER(list);
	struct run *run;

	close_service(service, &list);
	while ((run = shift(&list)) != NULL)
		free(run);
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
	entry = xcalloc(1, sizeof *entry);
	entry->service = service;
	entry->run = run;
	entry->data = data;
	pthread_mutex_lock(&lock);
	if (live_set_has(&open_services, service)) {
		/* Under the lock, so that the loop cannot close the handle meanwhile. */
		if (STAILQ_EMPTY(&waiting))
			uv_async_send(&wake);
		STAILQ_INSERT_TAIL(&waiting, entry, entry);
		result = SOCKJS_OK;
	}
	pthread_mutex_unlock(&lock);
	if (result != SOCKJS_OK)
		free(entry);
	return result;
}
