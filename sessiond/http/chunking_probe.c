/*
 * See chunking_test.h. A stream with a timetable instead of a session.
 */
#include "sessiond/http/chunking_probe.h"

#include "sessiond/http/http_request.h"
#include "sessiond/http/http_server.h"
#include "sockjs/chunking.h"

#include <stdlib.h>
#include <uv.h>

struct chunking_test {
	uv_timer_t timer;
	struct http_request *request;
	unsigned step;
};

static void on_time(uv_timer_t *timer);

static void
wait_for_next(struct chunking_test *test)
{
	uv_timer_start(&test->timer, on_time, chunking_delay(test->step), 0);
}

static void
on_time(uv_timer_t *timer)
{
	struct chunking_test *test = timer->data;
	struct http_request *request = test->request;

	chunking_append(test->step++, &request->out);
	if (test->step < CHUNKING_STEPS)
		wait_for_next(test);
	else
		request->out_ended = true;
	http_request_wake(request);
}

void
chunking_test_start(struct http_request *request)
{
	struct chunking_test *test = calloc(1, sizeof *test);

	if (test == NULL)
		abort();
	request->chunking = test;
	test->request = request;
	uv_timer_init(request->server->loop, &test->timer);
	test->timer.data = test;
	wait_for_next(test);
	http_request_start_stream(request);
}

static void
on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void
chunking_test_stop(struct chunking_test **test)
{
	if (*test == NULL)
		return;
	uv_close((uv_handle_t *)&(*test)->timer, on_closed);
	*test = NULL;
}
