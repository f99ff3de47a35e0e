/*
 * See channel_list.h. A page is so many buckets of the spaces' tables. `next` is the space, counted
 * from the oldest, in its high half and the bucket in its low half. A table only grows, and what
 * then leaves a bucket goes to one further behind: nothing is missed.
 */
#include "sessiond/control/channel_list.h"

#include "common/memory.h"
#include "sessiond/channels/channels.h"
#include "sessiond/control/control_answer.h"
#include "sessiond/http/http_request.h"
#include "sessiond/service/service.h"

/* Where a page stands. */
struct cursor {
	const struct control_page *page;
	uint32_t space, bucket;
	uint32_t left; /* buckets to be looked at */
	json_t *list;
};

/* What is told of one. */
static json_t *
describe(const struct channel *channel)
{
	const struct channel_position position = channel_position(channel);
	char epoch[CHANNEL_EPOCH_SIZE];

	channel_epoch_text(position.epoch, epoch);
	return json_pack("{ss ss sI sI sI ss sI sI}", "name", channel->name, "service",
	    channel->space->service->name, "subscribers", (json_int_t)channel->subscribers.count,
	    "members", (json_int_t)presence_count(channel->presence), "offset",
	    (json_int_t)position.offset, "epoch", epoch, "messages",
	    (json_int_t)channel->history.count, "bytes", (json_int_t)channel->history.bytes);
}

/* Tells of channels until the space or the page ends. True: the space does. */
static bool
list_space(const struct channel_space *space, struct cursor *cursor)
{
	const struct hash_table *table = &space->table;
	const struct hash_entry *entry;

	if (!control_means(cursor->page->service, space->service))
		return true;
	for (; cursor->bucket < table->room && cursor->left > 0; cursor->bucket++, cursor->left--)
		SLIST_FOREACH(entry, &table->buckets[cursor->bucket], next)
			json_array_append_new(cursor->list,
			    describe(container_of(entry, const struct channel, by_name)));
	return cursor->bucket >= table->room;
}

/* New spaces come first in the list. */
static const struct channel_space *
space_at(const struct channels *channels, uint32_t number)
{
	const struct channel_space *space;
	uint32_t count = 0;

	LIST_FOREACH(space, &channels->spaces, entry)
		count++;
	LIST_FOREACH(space, &channels->spaces, entry)
		if (--count == number)
			return space;
	return NULL;
}

static json_t *
make(const struct channels *channels, const struct control_page *page)
{
	struct cursor cursor = {
	    page, (uint32_t)(page->after >> 32), (uint32_t)page->after, page->limit, json_array()};
	const struct channel_space *space;

	while ((space = space_at(channels, cursor.space)) != NULL && list_space(space, &cursor)) {
		cursor.space++;
		cursor.bucket = 0;
	}
	return json_pack("{so so}", "channels", cursor.list, "next",
	    space == NULL
		? json_null()
		: json_integer((json_int_t)((uint64_t)cursor.space << 32 | cursor.bucket)));
}

void
channel_list_answer(
    struct http_request *request, const struct services *services, const struct channels *channels)
{
	struct control_page page;
	struct error err = ERROR_INIT;

	if (control_page_read(request->query, services, &page, &err) == -1)
		control_refuse(request, &err);
	else
		control_answer(request, make(channels, &page));
	control_page_clear(&page);
}
