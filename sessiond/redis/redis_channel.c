/* See redis_channel.h. */
#include "sessiond/redis/redis_channel.h"

#include "common/log_limit.h"
#include "common/memory.h"
#include "common/random.h"
#include "sessiond/channels/channel_publish.h"
#include "sessiond/channels/channel_shared.h"
#include "sessiond/channels/channel_subscribe.h"
#include "sessiond/redis/redis_found.h"
#include "sessiond/redis/redis_presence.h"
#include "sessiond/redis/redis_publish.h"
#include "sessiond/service/service.h"
#include "sessiond/session/message.h"
#include "sessiond/session/session_set.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- it begins and ends ----------------------------------------------------------------------- */

static void
free_if_unused(struct redis_channel *it)
{
	if (it->channel != NULL || it->refs > 0)
		return;
	redis_presence_forget(it);
	free(it->topic);
	free(it);
}

static void
set_topic(struct redis_channel *it)
{
	struct redis_words words = {.lens = NULL};

	redis_state_put_key(&words, it->engine, it->channel->space, it->channel->name,
	    it->channel->by_name.len, '\0');
	it->topic_len = words.bytes.len;
	it->topic = xmalloc(it->topic_len);
	memcpy(it->topic, words.bytes.data, it->topic_len);
	redis_words_clear(&words);
}

void
redis_channel_begin(struct redis_engine *engine, struct channel *channel)
{
	struct redis_channel *it = xcalloc(1, sizeof *it);

	it->engine = engine;
	it->channel = channel;
	STAILQ_INIT(&it->held);
	STAILQ_INIT(&it->touched);
	while (channel->shared_id == 0)
		random_bytes(&channel->shared_id, sizeof channel->shared_id);
	set_topic(it);
	channel->shared = it;
	TAILQ_INSERT_TAIL(&engine->all, it, entry);
	engine->count++;
	redis_state_mark(it, true);
}

/* Another one of that name may be there: of a service that a reload has replaced. */
static bool
is_only(const struct redis_channel *it)
{
	const struct channel_space *space;

	LIST_FOREACH(space, &it->engine->channels->spaces, entry) {
		const struct channel *channel =
		    channels_find(space, it->channel->name, it->channel->by_name.len);
		const struct redis_channel *other = channel == NULL ? NULL : channel->shared;

		if (other != NULL && other != it && other->topic_len == it->topic_len &&
		    memcmp(other->topic, it->topic, it->topic_len) == 0)
			return false;
	}
	return true;
}

static void
unsubscribe(const struct redis_channel *it)
{
	struct redis_words words = {.lens = NULL};

	redis_words_text(&words, "UNSUBSCRIBE");
	redis_words_add(&words, it->topic, it->topic_len);
	redis_link_say(&it->engine->topics, &words);
}

static void
unmark(struct redis_channel *it)
{
	if (it->is_dirty)
		LIST_REMOVE(it, dirty_entry);
	it->is_dirty = it->is_due = false;
}

void
redis_channel_end(struct redis_channel *it)
{
	timer_stop(&it->linger);
	redis_publish_release(it, !it->engine->commands.is_ready);
	if (it->state != REDIS_CHANNEL_AWAY && is_only(it))
		unsubscribe(it);
	unmark(it);
	TAILQ_REMOVE(&it->engine->all, it, entry);
	it->engine->count--;
	it->channel->shared = NULL;
	it->channel = NULL;
	free_if_unused(it);
}

/* What it had asked for is to be asked for anew. */
static void
leave_off(struct redis_channel *it, enum redis_channel_state state)
{
	size_t i;

	it->state = state;
	it->version = 0;
	for (i = 0; i < it->channel->entrants.count; i++) {
		struct channel_entrant *entrant = it->channel->entrants.items[i]->data;

		if (entrant != NULL)
			entrant->ticket = 0;
	}
}

void
redis_channel_lose(struct redis_channel *it)
{
	leave_off(it, REDIS_CHANNEL_AWAY);
	redis_publish_release(it, true);
}

/* The server refuses it, for a while perhaps. */
static void
fail(struct redis_channel *it, const struct redis_reply *reply)
{
	static struct log_limit limit;
	struct redis_engine *engine = it->engine;
	size_t len;

	log_limited(&limit, SEVERITY_ERROR,
	    "engine: a channel waits until it can be asked for: it says \"%.150s\"",
	    engine->commands.ops->text(reply, &len));
	leave_off(it, REDIS_CHANNEL_FAILED);
	timer_start(&engine->lingers, &it->linger, sessions_now(engine->channels->sessions));
	redis_publish_release(it, false);
}

/* --- what it was told ------------------------------------------------------------------------- */

/* All that was read and is not known yet. */
static void
deliver_from(struct redis_channel *it, const struct redis_found *found, uint64_t offset)
{
	for (; offset <= found->position.offset; offset++) {
		const struct redis_publication *part = &found->parts[offset - found->first];

		channels_deliver(it->channel, &part->publishing, part->time);
	}
}

static void
put_before(struct redis_channel *it, const struct redis_found *found)
{
	uint64_t first = it->channel->history.first;

	if (found->count > 0 && found->first < first && first <= found->position.offset + 1)
		channels_put_before(
		    it->channel, found->publications, (uint32_t)(first - found->first));
}

/* Nothing is kept, so what is not here yet is on its way as messages: they set the position. */
static bool
comes_by_itself(const struct redis_channel *it)
{
	const struct channel *channel = it->channel;

	return channel->subscribers.count > 0 &&
	    channels_keeps(channel->space, channel->name, channel->by_name.len) == 0;
}

/* What comes next says where it is. Until then its epoch is new: nobody has a part of it. */
static void
lose_position(struct redis_channel *it)
{
	struct channel_position nowhere = {0, 0};

	while (nowhere.epoch == 0)
		random_bytes(&nowhere.epoch, sizeof nowhere.epoch);
	channels_set_position(it->channel, &nowhere);
}

/*
 * The same epoch: what was missed is told, if all of it is there. Where it comes by itself, a part
 * may have been published before the topic was heard.
 */
static void
go_on(struct redis_channel *it, const struct redis_found *found)
{
	struct channel_position here = channel_position(it->channel);

	if (found->position.offset <= here.offset)
		return;
	if (found->first <= here.offset + 1)
		deliver_from(it, found, here.offset + 1);
	else if (!comes_by_itself(it))
		channels_set_position(it->channel, &found->position);
	else if (it->state != REDIS_CHANNEL_LIVE)
		lose_position(it);
}

/* Another epoch. Subscribers get all of it, if it is there, or what is on its way. */
static void
begin_epoch(struct redis_channel *it, const struct redis_found *found)
{
	struct channel_position begin = {0, found->position.epoch};

	if (found->first == 1 && it->channel->subscribers.count > 0) {
		channels_set_position(it->channel, &begin);
		deliver_from(it, found, 1);
	} else if (comes_by_itself(it)) {
		lose_position(it);
	} else {
		channels_set_position(it->channel, &found->position);
	}
}

static void
adopt(struct redis_channel *it, const struct redis_found *found)
{
	if (it->has_position && found->position.epoch == it->channel->epoch)
		go_on(it, found);
	else
		begin_epoch(it, found);
	it->has_position = true;
	put_before(it, found);
}

/* --- asking ----------------------------------------------------------------------------------- */

/* What was asked for, and for whom. */
struct asking {
	struct redis_channel *it;
	uint64_t ticket;
	bool is_read;
};

static struct asking *
asking_create(struct redis_channel *it, uint64_t ticket, bool is_read)
{
	struct asking *asking = xcalloc(1, sizeof *asking);

	*asking = (struct asking){it, ticket, is_read};
	it->refs++;
	return asking;
}

/* What entrants wait for is there: those that came meanwhile ask, others enter. */
static void
let_in(struct redis_channel *it)
{
	if (it->state != REDIS_CHANNEL_LIVE)
		return;
	channels_admit(it->channel, it->answered);
	redis_publish_release(it, false);
	if (it->channel->entrants.count > 0)
		redis_state_mark(it, true);
}

static bool
is_behind(const struct redis_channel *it)
{
	return it->seen.offset != 0 &&
	    (it->seen.epoch != it->channel->epoch ||
		it->seen.offset > channel_position(it->channel).offset);
}

static void
take_read(struct redis_channel *it, const struct redis_reply *reply)
{
	struct redis_found found;

	if (!redis_found_read(it, reply, &found)) {
		redis_found_clear(&found);
		redis_link_break(&it->engine->commands, "its reply to a read is none");
		return;
	}
	adopt(it, &found);
	redis_found_clear(&found);
	it->state = REDIS_CHANNEL_LIVE;
	if (is_behind(it))
		redis_state_mark(it, true);
}

static void
take(struct redis_channel *it, const struct asking *asking, const struct redis_reply *reply)
{
	if (asking->ticket > it->answered)
		it->answered = asking->ticket;
	if (asking->is_read)
		take_read(it, reply);
	else if (!redis_presence_take(it, reply))
		redis_link_break(&it->engine->commands, "its reply to a sync is none");
	let_in(it);
}

static void
answered(void *data, const struct redis_reply *reply)
{
	struct asking *asking = data;
	struct redis_channel *it = asking->it;
	const struct redis_client_ops *ops = it->engine->commands.ops;

	it->refs--;
	if (it->channel == NULL || reply == NULL || it->state < REDIS_CHANNEL_OPENING)
		;
	else if (ops->type(reply) == REDIS_ERROR)
		fail(it, reply);
	else
		take(it, asking, reply);
	free(asking);
	free_if_unused(it);
}

/* ticket 0: a question follows, whose answer entrants wait for. */
static void
ask_who(struct redis_channel *it, uint64_t ticket)
{
	struct redis_words words = {.lens = NULL};

	redis_presence_put(it, &words);
	redis_link_run(
	    &it->engine->commands, REDIS_SYNC, &words, answered, asking_create(it, ticket, false));
}

/* From where it is to be read: the earliest that somebody needs, of one epoch. */
static bool
find_start(const struct redis_channel *it, struct channel_position *from)
{
	bool is_found = it->has_position;
	size_t i;

	*from = channel_position(it->channel);
	for (i = 0; i < it->channel->entrants.count; i++) {
		const struct channel_entrant *entrant = it->channel->entrants.items[i]->data;

		if (entrant == NULL || !entrant->recovers ||
		    entrant->from.offset > REDIS_OFFSET_MAX)
			continue;
		if (!is_found ||
		    (entrant->from.epoch == from->epoch && entrant->from.offset < from->offset))
			*from = entrant->from;
		is_found = true;
	}
	return is_found;
}

static void
ask_where(struct redis_channel *it)
{
	const struct channel *channel = it->channel;
	struct redis_engine *engine = it->engine;
	struct redis_words words = {.lens = NULL};
	char id[REDIS_ID_SIZE];
	struct channel_position from;
	bool is_found = find_start(it, &from);

	redis_state_make_id(id);
	redis_words_text(&words, "2");
	redis_state_put_key(
	    &words, engine, channel->space, channel->name, channel->by_name.len, 'm');
	redis_state_put_key(
	    &words, engine, channel->space, channel->name, channel->by_name.len, 's');
	redis_words_text(&words, engine->run);
	redis_words_text(&words, engine->durable);
	redis_words_text(&words, id);
	redis_words_number(&words, (int64_t)channel->space->service->protocol.options.history_ttl);
	channel_epoch_text(from.epoch, id);
	redis_words_text(&words, id);
	if (is_found)
		redis_words_number(&words, (int64_t)from.offset);
	else
		redis_words_text(&words, "-");
	redis_words_text(&words, channel->subscribers.count > 0 ? "1" : "0");
	it->seen = (struct channel_position){0, 0};
	redis_link_run(
	    &engine->commands, REDIS_READ, &words, answered, asking_create(it, it->asked, true));
}

/* Those who need something from now on wait for what is asked for now. */
static void
issue_tickets(struct redis_channel *it, bool *reads)
{
	size_t i;

	for (i = 0; i < it->channel->entrants.count; i++) {
		struct channel_entrant *entrant = it->channel->entrants.items[i]->data;

		if (entrant == NULL || entrant->ticket != 0 ||
		    channels_entrant_is_ready(it->channel, entrant, it->answered))
			continue;
		entrant->ticket = it->asked;
		*reads = *reads ||
		    (entrant->recovers && !channel_can_recover(it->channel, &entrant->from));
		if (entrant->is_member)
			redis_presence_touch(it, entrant->member.id, entrant->member.id_len);
	}
}

/* --- the end of a turn ------------------------------------------------------------------------ */

static void
subscribe(struct redis_channel *it)
{
	struct redis_words words = {.lens = NULL};

	redis_words_text(&words, "SUBSCRIBE");
	redis_words_add(&words, it->topic, it->topic_len);
	redis_link_say(&it->engine->topics, &words);
	it->state = REDIS_CHANNEL_SUBSCRIBING;
}

/* Anew: others may have forgotten what is here. */
static void
begin_asking(struct redis_channel *it)
{
	it->state = REDIS_CHANNEL_OPENING;
	it->has_position = it->has_position || it->channel->is_stored;
	redis_presence_touch_all(it);
}

void
redis_channel_open(struct redis_channel *it)
{
	if (it->state == REDIS_CHANNEL_SUBSCRIBING)
		begin_asking(it);
}

void
redis_channel_retry(struct redis_channel *it)
{
	if (it->state == REDIS_CHANNEL_FAILED)
		begin_asking(it);
}

static void
ask(struct redis_channel *it)
{
	const struct channel *channel = it->channel;
	bool reads = it->state == REDIS_CHANNEL_OPENING || is_behind(it);
	bool syncs = it->state == REDIS_CHANNEL_OPENING || it->is_due ||
	    it->told != channel->subscribers.count + channel->entrants.count;

	it->asked++;
	issue_tickets(it, &reads);
	if (syncs || it->touched_ids.count > 0)
		ask_who(it, reads ? 0 : it->asked);
	if (reads)
		ask_where(it);
	if (it->state == REDIS_CHANNEL_OPENING)
		it->state = REDIS_CHANNEL_READING;
	let_in(it);
}

void
redis_channel_flush(struct redis_channel *it)
{
	struct redis_engine *engine = it->engine;

	if (!engine->commands.is_ready || !engine->topics.is_ready) {
		unmark(it);
		return;
	}
	if (it->state == REDIS_CHANNEL_AWAY)
		subscribe(it);
	if (it->state >= REDIS_CHANNEL_OPENING)
		ask(it);
	unmark(it);
}

/* --- publications ----------------------------------------------------------------------------- */

static void
tell(struct redis_channel *it, const struct redis_publication *publication)
{
	struct publishing publishing = publication->publishing;

	publishing.name = it->channel->name;
	publishing.name_len = it->channel->by_name.len;
	channels_deliver(it->channel, &publishing, publication->time);
}

/* Nothing is kept: what was missed is gone, and needs no looking for. */
static void
tell_unkept(struct redis_channel *it, const struct redis_publication *publication)
{
	struct channel_position before = publication->position;
	struct channel_position here = channel_position(it->channel);

	before.offset--;
	if (here.epoch == before.epoch && here.offset > before.offset)
		return;
	if (here.epoch != before.epoch || here.offset != before.offset)
		channels_set_position(it->channel, &before);
	it->has_position = true;
	tell(it, publication);
}

void
redis_channel_hear(struct redis_channel *it, const struct redis_publication *publication)
{
	struct channel *channel = it->channel;
	struct channel_position here = channel_position(channel);
	const struct channel_position *at = &publication->position;

	if (channels_keeps(channel->space, channel->name, channel->by_name.len) == 0) {
		tell_unkept(it, publication);
		return;
	}
	if (it->state == REDIS_CHANNEL_LIVE && at->epoch == here.epoch &&
	    at->offset <= here.offset + 1) {
		if (at->offset == here.offset + 1)
			tell(it, publication);
		return;
	}
	it->seen = *at;
	redis_state_mark(it, true);
}
