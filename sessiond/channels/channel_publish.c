/* See channel_publish.h. */
#include "sessiond/channels/channel_publish.h"

#include "sessiond/channels/channel_engine.h"
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
keep(struct channel *channel, struct message *message, uint64_t time)
{
	struct channels *all = channel->space->all;
	size_t before = channel->history.bytes;

	history_push(&channel->history, message, time);
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
		keep(channel, message, space->all->clock());
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

/* --- with an engine --------------------------------------------------------------------------- */

void
channels_send_shared(const struct channel *channel, struct message *message, const char *except)
{
	struct channel_engine *engine = channel->space->all->engine;

	if (engine == NULL)
		channels_send(channel, message, except);
	else
		engine->calls->send(engine, channel, message->data, message->len, except);
}

enum channel_result
channels_signal(
    struct channel_space *space, const char *name, size_t len, struct channel_waiter *waiter)
{
	struct channel_engine *engine = space->all->engine;
	struct channel *channel;

	if (engine != NULL)
		return engine->calls->signal(engine, space, name, len, waiter);
	channel = channels_find(space, name, len);
	if (channel != NULL)
		space->kind->signalled(channel);
	return CHANNEL_OK;
}

/* What is kept here is a copy: without room for it, or for the message, there is none. */
void
channels_deliver(struct channel *channel, const struct publishing *publishing, uint64_t time)
{
	const struct channel_space *space = channel->space;
	struct channels *all = space->all;
	struct channel_position position = channel_position(channel);
	struct message *message;
	bool is_kept;

	position.offset++;
	message = space->kind->compose(space, publishing, &position);
	is_kept =
	    message != NULL && channels_keeps(space, publishing->name, publishing->name_len) > 0;
	if (message != NULL)
		channels_send(channel, message, publishing->except);
	if (is_kept && all->history_bytes + message->len + MESSAGE_COST <= all->limits.history) {
		keep(channel, message, time);
	} else {
		all->history_bytes -= channel->history.bytes;
		history_clear(&channel->history);
		channel->history.first++;
		if (is_kept || channel->is_counted)
			channel_journal_mark(&all->journal, channel);
	}
	message_unref(&message);
}

static enum channel_result
publish_shared(
    struct channel_space *space, const struct publishing *publishing, struct channel_waiter *waiter)
{
	struct channel_engine *engine = space->all->engine;
	uint32_t keeps = channels_keeps(space, publishing->name, publishing->name_len);
	enum channel_result result;

	if (!channel_name_is_valid(publishing->name, publishing->name_len))
		return CHANNEL_BAD_NAME;
	if (keeps > 0 &&
	    publishing->len + MESSAGE_COST > space->service->protocol.options.history_limit) {
		channels_count_refusal(space->all, LIMIT_HISTORY);
		return CHANNEL_NO_ROOM;
	}
	result = engine->calls->publish(engine, space, publishing, keeps, waiter);
	if (result == CHANNEL_LATER)
		watch(space, publishing);
	return result;
}

/* --- publishing, with or without -------------------------------------------------------------- */

enum channel_result
channels_publish(struct channel_space *space, const struct publishing *publishing,
    struct channel_waiter *waiter, struct channel_position *position)
{
	enum channel_result result;
	struct channel *channel;

	*position = (struct channel_position){0, 0};
	if (space->all->engine != NULL)
		return publish_shared(space, publishing, waiter);
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
