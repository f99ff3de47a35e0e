/*
 * See in_flight.h.
 */
#include "sessiond/session/in_flight.h"

#include <assert.h>
#include <stdlib.h>

struct in_flight *
in_flight_create(struct message_queue *queue, uint32_t count)
{
	struct in_flight *flight = calloc(1, sizeof *flight + count * sizeof flight->messages[0]);
	uint32_t i;

	assert(count <= queue->count);
	if (flight == NULL)
		return NULL;
	flight->first = queue->first;
	flight->bytes = queue->bytes + queue->paged;
	flight->count = count;
	flight->is_open = count == 0;
	for (i = 0; i < count; i++)
		flight->messages[i] = message_queue_shift(queue);
	flight->bytes -= queue->bytes + queue->paged;
	return flight;
}

void
in_flight_await(struct in_flight *flight, struct in_flight_list *list)
{
	if (flight->owner != NULL)
		*flight->owner = NULL;
	flight->owner = NULL;
	LIST_INSERT_HEAD(list, flight, await);
}

void
in_flight_put_back(struct in_flight **flight, struct message_queue *queue)
{
	message_queue_put_back(queue, (*flight)->messages, (*flight)->count);
	(*flight)->count = 0;
	in_flight_destroy(flight);
}

void
in_flight_destroy(struct in_flight **flight)
{
	struct in_flight *f = *flight;
	uint32_t i;

	*flight = NULL;
	if (f == NULL)
		return;
	if (f->owner != NULL)
		*f->owner = NULL;
	else
		LIST_REMOVE(f, await);
	timer_stop(&f->timer);
	for (i = 0; i < f->count; i++)
		message_unref(&f->messages[i]);
	free(f);
}
