/* See channel_shared.h. */
#include "sessiond/channels/channel_shared.h"

#include "sessiond/session/message.h"
#include "sessiond/session/session_set.h"

#include <assert.h>
#include <string.h>

void
channels_share(struct channels *all, struct channel_engine *engine)
{
	assert(all->count == 0);
	all->engine = engine;
}

/* --- questions -------------------------------------------------------------------------------- */

static void
find_channel(struct channel *channel, void *context)
{
	struct channel_question *question = context;
	struct channel_facts facts = {
	    channel->subscribers.count, presence_count(channel->presence), NULL, 0};
	const struct history *history = &channel->history;

	if (question->wants_last && history->count > 0) {
		const struct publication *last = history_at(history, history_end(history) - 1);

		facts.last = last->message;
		facts.time = last->time;
	}
	question->found(question, channel->name, channel->by_name.len, &facts);
}

static void
find_beginning(struct channel *channel, void *context)
{
	const struct channel_question *question = context;

	if (channel->subscribers.count > 0 && channel->by_name.len >= question->len &&
	    (question->len == 0 || memcmp(channel->name, question->name, question->len) == 0))
		find_channel(channel, context);
}

static void
find_member(struct presence_member *member, void *context)
{
	struct channel_question *question = context;

	question->found(question, member->id, member->by_id.len, NULL);
}

static void
answer(struct channel_space *space, struct channel_question *question)
{
	struct channel *channel = question->kind == CHANNEL_ASK_ALL
	    ? NULL
	    : channels_find(space, question->name, question->len);

	if (question->kind == CHANNEL_ASK_ALL)
		channels_each(space, find_beginning, question);
	else if (channel != NULL && question->kind == CHANNEL_ASK_MEMBERS)
		presence_each(channel->presence, find_member, question);
	else if (channel != NULL)
		find_channel(channel, question);
	question->ended(question, true);
}

void
channels_ask(struct channel_space *space, struct channel_question *question)
{
	struct channel_engine *engine = space->all->engine;

	if (engine == NULL)
		answer(space, question);
	else
		engine->calls->ask(engine, space, question);
}

/* --- the history ------------------------------------------------------------------------------ */

static bool
has_room_for(const struct channels *all, const struct publication *publications, uint32_t count)
{
	size_t bytes = all->history_bytes;
	uint32_t i;

	for (i = 0; i < count; i++)
		bytes += publications[i].message->len + MESSAGE_COST;
	return bytes <= all->limits.history;
}

/* A history only grows at its end: a longer one takes its place, if there is room. */
void
channels_put_before(struct channel *channel, const struct publication *publications, uint32_t count)
{
	struct history *history = &channel->history, longer = {.first = history->first - count};
	struct channels *all = channel->space->all;
	uint64_t offset;
	uint32_t i;

	if (!has_room_for(all, publications, count))
		return;
	for (i = 0; i < count; i++)
		history_push(&longer, publications[i].message, publications[i].time);
	for (offset = history->first; offset < history_end(history); offset++) {
		const struct publication *publication = history_at(history, offset);

		history_push(&longer, publication->message, publication->time);
	}
	all->history_bytes += longer.bytes - history->bytes;
	history_clear(history);
	*history = longer;
	channels_trim(channel);
	if (history->count > 0)
		channels_start_ttl(channel);
}

void
channels_set_position(struct channel *channel, const struct channel_position *position)
{
	struct channels *all = channel->space->all;

	all->history_bytes -= channel->history.bytes;
	history_clear(&channel->history);
	channel->history.first = position->offset + 1;
	channel->epoch = position->epoch;
	channel_journal_mark(&all->journal, channel);
	if (channel->subscribers.count > 0 && channel->space->kind->lost != NULL)
		channel->space->kind->lost(channel);
}

/* --- who is there ----------------------------------------------------------------------------- */

void
channels_add_member(struct channel *channel, const struct channel_member *member)
{
	const struct channel_kind *kind = channel->space->kind;
	struct presence_member *added;

	if (presence_find(channel->presence, member->id, member->id_len) != NULL)
		return;
	added = presence_add(&channel->presence, channel, member,
	    channel->presence == NULL ? 1 : channel->presence->last_number + 1);
	channel_journal_join(&channel->space->all->journal, added);
	if (kind->joined != NULL)
		kind->joined(channel, added, NULL);
}

/* One with connections here is there, whatever is said. */
void
channels_drop_member(struct channel *channel, const char *id, size_t len)
{
	const struct channel_kind *kind = channel->space->kind;
	struct presence_member *member = presence_find(channel->presence, id, len);

	if (member == NULL || member->connections > 0)
		return;
	channel_journal_part(&channel->space->all->journal, channel->number, member->number);
	if (kind->parted != NULL)
		kind->parted(channel, member);
	presence_remove(channel->presence, member);
}

void
channels_set_subscribers(struct channel *channel, size_t count)
{
	size_t own = channel->subscribers.count + channel->entrants.count;

	channel->elsewhere = count > own ? count - own : 0;
	if (channel->space->kind->recounted != NULL)
		channel->space->kind->recounted(channel);
}
