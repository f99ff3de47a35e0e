/*
 * See chunking_probe.h. A stream with a timetable instead of a session.
 */
#include "sessiond/http/chunking_probe.h"

#include "common/memory.h"
#include "sessiond/http/http_request.h"
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
	struct http_response *response = &probe->request->response;

	size_t begin = http_response_begin_chunk(response);

	chunking_append(probe->step++, &response->out);
	http_response_end_chunk(response, begin);
	if (probe->step < CHUNKING_STEPS)
		wait_for_next(probe);
	else
		response->out_ended = true;
	http_response_flush(response);
}

void
chunking_probe_start(struct http_request *request)
{
	struct chunking_probe *probe = xcalloc(1, sizeof *probe);

	request->chunking = probe;
	probe->request = request;
	uv_timer_init(request->all->loop, &probe->timer);
	probe->timer.data = probe;
	wait_for_next(probe);
	http_response_stream(&request->response);
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
