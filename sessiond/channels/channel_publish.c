/* See channel_publish.h. */
#include "sessiond/channels/channel_publish.h"

#include "sessiond/limits/limits.h"
#include "sessiond/service/service.h"
#include "sessiond/service/watch.h"
#include "sessiond/session/message.h"
#include "sessiond/session/session.h"
#include "sessiond/session/session_set.h"
#include "sessiond/session/session_write.h"

#include <string.h>

/* --- histories -------------------------------------------------------------------------------- */

/* Room for a message more, with what is dropped for it. */
static bool
has_room(struct channel *channel, size_t len)
{
	const struct channels *all = channel->space->all;
	const struct service_options *options = &channel->space->service->protocol.options;
	size_t cost = len + MESSAGE_COST;

	channels_trim(channel);
	if (cost > options->history_limit)
		channels_count_refusal(all, LIMIT_HISTORY);
	else if (all->history_bytes + cost > all->limits.history)
		channels_count_refusal(all, LIMIT_HISTORIES);
	else
		return true;
	return false;
}

static void
keep(struct channel *channel, struct message *message)
{
	struct channels *all = channel->space->all;
	size_t before = channel->history.bytes;

	history_push(&channel->history, message, all->clock());
	all->history_bytes += channel->history.bytes - before;
	channels_trim(channel);
	channels_start_ttl(channel);
	channel_journal_mark(&all->journal, channel);
}

/*
 * A message that is counted and not kept. The store is not told of each: once it has heard of the
 * first, offsets count anew after a restart. A reload may have left an old history.
 */
static void
pass_by(struct channel *channel)
{
	channels_trim(channel);
	channel->history.first++;
	if (channel->is_counted)
		channel_journal_mark(&channel->space->all->journal, channel);
}

/* --- publishing ------------------------------------------------------------------------------- */

void
channels_send(const struct channel *channel, struct message *message, const char *except)
{
	const struct member_array *subscribers = &channel->subscribers;
	size_t i;

	for (i = 0; i < subscribers->count; i++) {
		struct session *session = subscribers->items[i]->session;

		if (except == NULL || strcmp(session->uuid, except) != 0)
			session_write(session, message);
	}
}

static enum channel_result
publish_to(
    struct channel *channel, const struct publishing *publishing, struct channel_position *position)
{
	const struct channel_space *space = channel->space;
	uint32_t keeps = channels_keeps(space, publishing->name, publishing->name_len);
	struct message *message;

	*position = channel_position(channel);
	position->offset++;
	message = space->kind->compose(space, publishing, position);
	if (message == NULL || (keeps > 0 && !has_room(channel, message->len))) {
		message_unref(&message);
		return CHANNEL_NO_ROOM;
	}
	channels_send(channel, message, publishing->except);
	if (keeps > 0)
		keep(channel, message);
	else
		pass_by(channel);
	message_unref(&message);
	space->all->published++;
	return CHANNEL_OK;
}

/* Whom nobody hears, and what nobody keeps, needs no channel. */
static bool
is_for_nobody(const struct channel_space *space, const struct publishing *publishing)
{
	return channels_keeps(space, publishing->name, publishing->name_len) == 0 &&
	    channels_find(space, publishing->name, publishing->name_len) == NULL &&
	    channel_name_is_valid(publishing->name, publishing->name_len);
}

static void
watch(const struct channel_space *space, const struct publishing *publishing)
{
	if (watch_is_on())
		watch_publication(space->service, publishing->name, publishing->name_len,
		    publishing->data, publishing->len);
}

enum channel_result
channels_publish(struct channel_space *space, const struct publishing *publishing,
    struct channel_waiter *waiter, struct channel_position *position)
{
	enum channel_result result;
	struct channel *channel;

	(void)waiter;
	*position = (struct channel_position){0, 0};
	if (is_for_nobody(space, publishing)) {
		watch(space, publishing);
		return CHANNEL_OK;
	}
	if (space->all->sessions->journal.is_failing)
		return CHANNEL_NO_STORE;
	result = channels_find_or_make(space, publishing->name, publishing->name_len, &channel);
	if (result != CHANNEL_OK)
		return result;
	result = publish_to(channel, publishing, position);
	if (result == CHANNEL_OK)
		watch(space, publishing);
	channels_end_if_unused(channel);
	return result;
}

const char *
channels_publish_reason(enum channel_result result)
{
	switch (result) {
	case CHANNEL_TOO_MANY:
		return "there are too many channels (channels_limit)";
	case CHANNEL_NO_STORE:
		return "the store cannot be written";
	case CHANNEL_AWAY:
		return "the server that the daemons share (engine) cannot be reached";
	case CHANNEL_NO_ROOM:
	case CHANNEL_BAD_NAME:
	case CHANNEL_BAD_MEMBER:
	case CHANNEL_OK:
	case CHANNEL_LATER:
		break;
	}
	return "there is no room for it (history_limit, histories_limit, memory)";
}
