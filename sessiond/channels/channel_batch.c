/* See channel_batch.h. */
#include "sessiond/channels/channel_batch.h"

#include "common/memory.h"

#include <stdlib.h>

struct channel_batch *
channel_batch_create(size_t n, void (*done)(struct channel_batch *batch), void *context)
{
	struct channel_batch *batch = xcalloc(1, sizeof *batch + n * sizeof batch->items[0]);

	batch->done = done;
	batch->context = context;
	return batch;
}

static void
told(struct channel_waiter *waiter, enum channel_result result,
    const struct channel_position *position)
{
	struct channel_batch_item *item = (struct channel_batch_item *)waiter;
	struct channel_batch *batch = item->batch;

	item->result = result;
	item->position = *position;
	if (--batch->waits == 0)
		batch->done(batch);
}

struct channel_batch_item *
channel_batch_next(struct channel_batch *batch)
{
	struct channel_batch_item *item = &batch->items[batch->count++];

	item->waiter.told = told;
	item->batch = batch;
	return item;
}

bool
channel_batch_note(struct channel_batch_item *item, enum channel_result result)
{
	item->result = result;
	item->batch->waits += result == CHANNEL_LATER;
	return result == CHANNEL_OK || result == CHANNEL_LATER;
}

bool
channel_batch_is_complete(const struct channel_batch *batch)
{
	return batch->waits == 0;
}

enum channel_result
channel_batch_result(const struct channel_batch *batch, size_t *published)
{
	enum channel_result failed = CHANNEL_OK;
	size_t i;

	*published = 0;
	for (i = 0; i < batch->count; i++) {
		if (batch->items[i].result == CHANNEL_OK)
			++*published;
		else if (failed == CHANNEL_OK)
			failed = batch->items[i].result;
	}
	return failed;
}
