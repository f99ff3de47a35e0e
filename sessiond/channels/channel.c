/*
 * See channel.h.
 */
#include "sessiond/channels/channel.h"

#include "common/memory.h"
#include "sockjs/utf8.h"

#include <stdlib.h>
#include <string.h>

bool
channel_name_is_valid(const char *name, size_t len)
{
	return len > 0 && len <= CHANNEL_NAME_MAX && memchr(name, '\0', len) == NULL &&
	    utf8_is_valid(name, len);
}

struct channel *
channel_create(const char *name, size_t len, uint64_t number, uint64_t epoch)
{
	struct channel *channel = xcalloc(1, sizeof *channel + len + 1);

	channel->number = number;
	channel->epoch = epoch;
	channel->history.first = 1;
	memcpy(channel->name, name, len);
	channel->by_name = (struct hash_entry){.key = channel->name, .len = len};
	return channel;
}

void
channel_destroy(struct channel *channel)
{
	channel->is_ending = true;
	if (channel->is_recounted)
		LIST_REMOVE(channel, recounted_entry);
	membership_dissolve(&channel->entrants);
	membership_dissolve(&channel->subscribers);
	presence_destroy(&channel->presence);
	history_clear(&channel->history);
	free(channel);
}

struct channel_position
channel_position(const struct channel *channel)
{
	return (struct channel_position){history_end(&channel->history) - 1, channel->epoch};
}

size_t
channel_trim(struct channel *channel, const struct channel_keeps *keeps, uint64_t now)
{
	struct history *history = &channel->history;
	size_t before = history->bytes;

	while (history->count > 0 &&
	    (history->count > keeps->messages || history->bytes > keeps->bytes ||
		history_at(history, history->first)->time + keeps->ms <= now))
		history_shift(history);
	return before - history->bytes;
}

bool
channel_can_recover(const struct channel *channel, const struct channel_position *from)
{
	const struct history *history = &channel->history;

	return from->epoch == channel->epoch && from->offset + 1 >= history->first &&
	    from->offset < history_end(history);
}
