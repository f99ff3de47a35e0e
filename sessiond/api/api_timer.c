/*
 * See api_timer.h. Each is a timer of libuv's: delays are arbitrary, and the queues of
 * common/timer_queue.h have one delay each.
 */
#include "sessiond/api/api_timer.h"

#include "common/loop.h"
#include "common/memory.h"
#include "sessiond/api/api.h"
#include "sessiond/service/live_set.h"
#include "sessiond/service/service.h"

#include <stdlib.h>

static uv_loop_t *bound;
static struct live_set live;

/* Public as sockjs_timer. */
struct sockjs_timer {
	uv_timer_t uv;
	const sockjs_service *service;
	LIST_ENTRY(sockjs_timer) entry; /* of the service's timers */
	void (*fire)(void *data);
	void *data;
};

void
api_timer_bind(uv_loop_t *loop)
{
	bound = loop;
}

static void
on_fire(uv_timer_t *uv)
{
	struct sockjs_timer *timer = uv->data;
	struct callback_call outer = service_call(timer->service, CALLBACK_TIMER);

	loop_note_work();
	timer->fire(timer->data);
	callback_end(outer);
}

static void
on_closed(uv_handle_t *uv)
{
	free(uv->data);
}

sockjs_timer *
sockjs_timer_start(sockjs_service *service, uint64_t delay_ms, uint64_t repeat_ms,
    void (*fire)(void *data), void *data)
{
	struct sockjs_timer *timer;

	if (!api_is_service(service, __func__))
		return NULL;
	if (fire == NULL || bound == NULL) {
		api_refuse(
		    NULL, __func__, fire == NULL ? "fire is NULL" : "the daemon has stopped");
		return NULL;
	}
	timer = xcalloc(1, sizeof *timer);
	timer->service = service;
	timer->fire = fire;
	timer->data = data;
	timer->uv.data = timer;
	LIST_INSERT_HEAD(&service->timers, timer, entry);
	live_set_add(&live, timer);
	uv_timer_init(bound, &timer->uv);
	uv_timer_start(&timer->uv, on_fire, delay_ms, repeat_ms);
	return timer;
}

static void
stop(sockjs_timer *timer)
{
	live_set_remove(&live, timer);
	LIST_REMOVE(timer, entry);
	uv_close((uv_handle_t *)&timer->uv, on_closed);
}

int
sockjs_timer_stop(sockjs_timer **timer)
{
	sockjs_timer *t;

	if (!api_is_loop(__func__))
		return SOCKJS_WRONG_THREAD;
	if (timer == NULL)
		return api_refuse(NULL, __func__, "timer is NULL");
	t = *timer;
	*timer = NULL;
	if (t == NULL)
		return SOCKJS_OK;
	if (!live_set_has(&live, t)) {
		api_refuse(NULL, __func__, "the timer was stopped before");
		return SOCKJS_GONE;
	}
	stop(t);
	return SOCKJS_OK;
}

void
api_timer_stop_all(sockjs_service *service)
{
	while (!LIST_EMPTY(&service->timers))
		stop(LIST_FIRST(&service->timers));
}
