/*
 * See chunking.h. The timetable is sockjs/chunking's.
 */
#include "fcgi/chunking.h"

#include "common/memory.h"
#include "fcgi/webserver/connection.h"
#include "sockjs/chunking.h"

#include <stdlib.h>

struct chunking {
	uv_timer_t timer;
	struct connection *connection;
	unsigned step;
};

static void
on_time(uv_timer_t *timer)
{
	struct chunking *chunking = timer->data;
	struct connection *connection = chunking->connection;
	bool ends;

	chunking_append(chunking->step++, connection_output(connection));
	ends = chunking->step == CHUNKING_STEPS;
	if (!ends)
		uv_timer_start(timer, on_time, chunking_delay(chunking->step), 0);
	/* The last one may end the request, and this with it. */
	connection_push(connection, NULL, 0, ends);
}

struct chunking *
chunking_create(uv_loop_t *loop, struct connection *connection)
{
	struct chunking *chunking = xcalloc(1, sizeof *chunking);

	chunking->connection = connection;
	uv_timer_init(loop, &chunking->timer);
	chunking->timer.data = chunking;
	uv_timer_start(&chunking->timer, on_time, chunking_delay(0), 0);
	return chunking;
}

static void
on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void
chunking_destroy(struct chunking **chunking)
{
	if (*chunking != NULL)
		uv_close((uv_handle_t *)&(*chunking)->timer, on_closed);
	*chunking = NULL;
}
