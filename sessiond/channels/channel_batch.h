/*
 * Several publications that are answered together, some of them later. They are published in their
 * order; what follows one that could not be is not published.
 *
 *	batch = channel_batch_create(n, done, context);
 *	for (...) {
 *		struct channel_batch_item *item = channel_batch_next(batch);
 *
 *		if (!channel_batch_note(
 *			item, channels_publish(..., &item->waiter, &item->position)))
 *			break;
 *	}
 *	if (channel_batch_is_complete(batch))
 *		it is answered at once
 */
#ifndef SESSIOND_CHANNEL_BATCH_H
#define SESSIOND_CHANNEL_BATCH_H

#include "sessiond/channels/channels.h"

#include <stdbool.h>
#include <stddef.h>

struct channel_batch;

struct channel_batch_item {
	struct channel_waiter waiter;
	struct channel_batch *batch;
	enum channel_result result; /* CHANNEL_LATER: not known yet */
	struct channel_position position;
};

struct channel_batch {
	size_t count; /* of items that were begun */
	size_t waits; /* of these, whose result is not known yet */
	/* All is known, later: not called while channel_batch_note returns. */
	void (*done)(struct channel_batch *batch);
	void *context; /* the owner's */
	struct channel_batch_item items[];
};

/* For at most n publications. */
struct channel_batch *
channel_batch_create(size_t n, void (*done)(struct channel_batch *batch), void *context);

/* The next item, whose waiter and position are given to channels_publish. */
struct channel_batch_item *channel_batch_next(struct channel_batch *batch);

/* What channels_publish returned. False: it was not published. */
bool channel_batch_note(struct channel_batch_item *item, enum channel_result result);

/* True if nothing of it has to be waited for. */
bool channel_batch_is_complete(const struct channel_batch *batch);

/*
 * Why the first of those that were not published was not; CHANNEL_OK: all were that were begun.
 * *published: how many were.
 */
enum channel_result channel_batch_result(const struct channel_batch *batch, size_t *published);

#endif
