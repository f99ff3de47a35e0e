/*
 * See chunking_probe.h. A stream with a timetable instead of a session.
 */
#include "sessiond/http/chunking_probe.h"

#include "sessiond/http/http_request.h"
#include "sessiond/http/http_server.h"
#include "sockjs/chunking.h"

#include <stdlib.h>
#include <uv.h>

struct chunking_probe {
	uv_timer_t timer;
	struct http_request *request;
	unsigned step;
};

static void on_time(uv_timer_t *timer);

static void
wait_for_next(struct chunking_probe *probe)
{
	uv_timer_start(&probe->timer, on_time, chunking_delay(probe->step), 0);
}

static void
on_time(uv_timer_t *timer)
{
	struct chunking_probe *probe = timer->data;
	struct http_request *request = probe->request;

	chunking_append(probe->step++, &request->out);
	if (probe->step < CHUNKING_STEPS)
		wait_for_next(probe);
	else
		request->out_ended = true;
	http_request_wake(request);
}

void
chunking_probe_start(struct http_request *request)
{
	struct chunking_probe *probe = calloc(1, sizeof *probe);

	if (probe == NULL)
		abort();
	request->chunking = probe;
	probe->request = request;
	uv_timer_init(request->server->loop, &probe->timer);
	probe->timer.data = probe;
	wait_for_next(probe);
	http_request_start_stream(request);
}

static void
on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void
chunking_probe_stop(struct chunking_probe **probe)
{
	if (*probe == NULL)
		return;
	uv_close((uv_handle_t *)&(*probe)->timer, on_closed);
	*probe = NULL;
}
