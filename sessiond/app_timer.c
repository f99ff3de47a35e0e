/*
 * See app_timer.h. Each is a libuv timer: delays are arbitrary, so the FIFO queues of sessions would not do.
 */
#include "sessiond/app_timer.h"

#include "sessiond/service.h"

#include <stdlib.h>

static uv_loop_t *bound;

/* Public as sockjs_timer. */
struct sockjs_timer {
	uv_timer_t uv;
	struct sockjs_timer *next, **link; /* of the service's timers */
	void (*fire)(void *data);
	void *data;
};

void
app_timer_bind(uv_loop_t *loop)
{
	bound = loop;
}

static void
on_fire(uv_timer_t *uv)
{
	struct sockjs_timer *timer = uv->data;

	timer->fire(timer->data);
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
	struct sockjs_timer *timer = calloc(1, sizeof *timer);

	if (timer == NULL || bound == NULL)
		abort();
	timer->fire = fire;
	timer->data = data;
	timer->uv.data = timer;
	timer->next = service->timers;
	timer->link = &service->timers;
	if (timer->next != NULL)
		timer->next->link = &timer->next;
	service->timers = timer;
	uv_timer_init(bound, &timer->uv);
	uv_timer_start(&timer->uv, on_fire, delay_ms, repeat_ms);
	return timer;
}

void
sockjs_timer_stop(sockjs_timer **timer)
{
	sockjs_timer *t = *timer;

	*timer = NULL;
	if (t == NULL)
		return;
	*t->link = t->next;
	if (t->next != NULL)
		t->next->link = t->link;
	uv_close((uv_handle_t *)&t->uv, on_closed);
}

void
app_timer_stop_all(sockjs_service *service)
{
	while (service->timers != NULL) {
		struct sockjs_timer *timer = service->timers;

		sockjs_timer_stop(&timer);
	}
}
