/*
 * See chunking.h. The timetable is sockjs/chunking's.
 */
#include "fcgi/chunking.h"

#include "fcgi/webserver/connection.h"
#include "fcgi/responder.h"
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
	bool ended;

	chunking_append(chunking->step++, &connection->out);
	ended = chunking->step == CHUNKING_STEPS;
	if (!ended)
		uv_timer_start(timer, on_time, chunking_delay(chunking->step), 0);
	/* The last one may free the connection's request, and this. */
	connection_push(connection, ended);
}

void
chunking_start(struct connection *connection)
{
	struct chunking *chunking = calloc(1, sizeof *chunking);

	if (chunking == NULL)
		abort();
	connection->chunking = chunking;
	chunking->connection = connection;
	uv_timer_init(&connection->responder->loop.uv, &chunking->timer);
	chunking->timer.data = chunking;
	uv_timer_start(&chunking->timer, on_time, chunking_delay(0), 0);
}

static void
on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void
chunking_stop(struct connection *connection)
{
	if (connection->chunking == NULL)
		return;
	uv_close((uv_handle_t *)&connection->chunking->timer, on_closed);
	connection->chunking = NULL;
}
