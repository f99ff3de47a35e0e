/*
 * See redis_presence.h. Each change of members has a version, one more than that before. So who
 * has missed one notices, and asks for all.
 */
#include "sessiond/redis/redis_presence.h"

#include "common/memory.h"
#include "sessiond/channels/channel_shared.h"
#include "sessiond/service/service.h"
#include "sessiond/session/session_set.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- what is here ----------------------------------------------------------------------------- */

struct redis_touched {
	struct hash_entry by_id;
	STAILQ_ENTRY(redis_touched) next;
	char id[];
};

static void
touch(struct redis_channel *it, const char *id, size_t len)
{
	struct redis_touched *touched;

	if (hash_table_find(&it->touched_ids, id, len) != NULL)
		return;
	if (it->touched_ids.room == 0)
		hash_table_init(&it->touched_ids);
	touched = xmalloc(sizeof *touched + len);
	memcpy(touched->id, id, len);
	touched->by_id = (struct hash_entry){.key = touched->id, .len = len};
	hash_table_add(&it->touched_ids, &touched->by_id);
	STAILQ_INSERT_TAIL(&it->touched, touched, next);
}

void
redis_presence_touch(struct redis_channel *it, const char *id, size_t len)
{
	touch(it, id, len);
	redis_state_mark(it, true);
}

static void
touch_own(struct presence_member *member, void *it)
{
	if (member->connections > 0)
		touch(it, member->id, member->by_id.len);
}

void
redis_presence_touch_all(struct redis_channel *it)
{
	presence_each(it->channel->presence, touch_own, it);
	redis_state_mark(it, true);
}

void
redis_presence_forget(struct redis_channel *it)
{
	struct redis_touched *touched;

	while ((touched = STAILQ_FIRST(&it->touched)) != NULL) {
		STAILQ_REMOVE_HEAD(&it->touched, next);
		free(touched);
	}
	hash_table_clear(&it->touched_ids);
}

/* Those who wait to be let in as members, by their ids; of one id, one. */
static void
list_entering(const struct channel *channel, struct hash_table *entering)
{
	size_t i;

	for (i = 0; i < channel->entrants.count; i++) {
		struct channel_entrant *entrant = channel->entrants.items[i]->data;

		if (entrant == NULL || !entrant->is_member)
			continue;
		entrant->by_id =
		    (struct hash_entry){.key = entrant->member.id, .len = entrant->member.id_len};
		if (entering->room == 0)
			hash_table_init(entering);
		if (hash_table_find(entering, entrant->member.id, entrant->member.id_len) == NULL)
			hash_table_add(entering, &entrant->by_id);
	}
}

/* What is known of a member that is here, or enters. False: it is not. */
static bool
find_here(const struct channel *channel, const struct hash_table *entering,
    const struct redis_touched *touched, struct channel_member *found)
{
	const char *id = touched->id;
	size_t len = touched->by_id.len;
	const struct presence_member *member = presence_find(channel->presence, id, len);
	const struct hash_entry *entry;

	if (member != NULL && member->connections > 0) {
		*found = (struct channel_member){id, len, member->info, member->info_len};
		return true;
	}
	entry = hash_table_find(entering, id, len);
	if (entry != NULL)
		*found = container_of(entry, const struct channel_entrant, by_id)->member;
	return entry != NULL;
}

/* --- telling ---------------------------------------------------------------------------------- */

static void
put_keys(struct redis_words *words, const struct redis_engine *engine,
    const struct channel_space *space, const char *name, size_t len)
{
	redis_words_text(words, "3");
	redis_state_put_key(words, engine, space, name, len, 'x');
	redis_state_put_key(words, engine, space, name, len, 'p');
	redis_state_put_list(words, engine, space);
	redis_state_put_key(words, engine, space, name, len, '\0');
	redis_words_add(words, name, len);
}

static void
put_touched(const struct redis_channel *it, struct redis_words *words)
{
	struct redis_words joins = {.lens = NULL};
	struct redis_words parts = {.lens = NULL};
	const struct redis_touched *touched;
	struct hash_table entering = {.room = 0};
	struct channel_member member;
	const char *at;
	size_t i;

	if (!STAILQ_EMPTY(&it->touched))
		list_entering(it->channel, &entering);
	STAILQ_FOREACH(touched, &it->touched, next) {
		size_t len = touched->by_id.len;

		if (find_here(it->channel, &entering, touched, &member)) {
			redis_words_add(&joins, touched->id, len);
			redis_words_add(&joins, member.info, member.info_len);
		} else {
			redis_words_add(&parts, touched->id, len);
		}
	}
	hash_table_clear(&entering);
	redis_words_number(words, (int64_t)parts.count);
	for (i = 0, at = parts.bytes.data; i < parts.count; at += parts.lens[i++])
		redis_words_add(words, at, parts.lens[i]);
	for (i = 0, at = joins.bytes.data; i < joins.count; at += joins.lens[i++])
		redis_words_add(words, at, joins.lens[i]);
	redis_words_clear(&parts);
	redis_words_clear(&joins);
}

void
redis_presence_put(struct redis_channel *it, struct redis_words *words)
{
	const struct channel *channel = it->channel;
	char version[24], me[REDIS_ID_SIZE];

	channel_epoch_text(channel->shared_id, me);
	it->told = channel->subscribers.count + channel->entrants.count;
	put_keys(words, it->engine, channel->space, channel->name, channel->by_name.len);
	redis_words_text(words, me);
	redis_words_number(words, (int64_t)it->told);
	redis_words_number(words, REDIS_EXPIRY);
	snprintf(version, sizeof version, "%" PRIu64, it->version);
	redis_words_text(words, version);
	put_touched(it, words);
	redis_presence_forget(it);
}

/* --- what is known ---------------------------------------------------------------------------- */

/* One that is here is there: it is told again. */
static void
drop(struct redis_channel *it, const char *id, size_t len)
{
	const struct presence_member *member = presence_find(it->channel->presence, id, len);

	if (member != NULL && member->connections > 0)
		redis_presence_touch(it, id, len);
	channels_drop_member(it->channel, id, len);
}

static void
add(struct redis_channel *it, const char *id, size_t len, const char *info, size_t info_len)
{
	const struct channel_member member = {id, len, info, info_len};

	if (len > 0)
		channels_add_member(it->channel, &member);
}

/* A text of a list; "" if there is none. */
static const char *
text_at(const struct redis_engine *engine, const struct redis_reply *list, size_t i, size_t *len)
{
	const struct redis_client_ops *ops = engine->commands.ops;
	const struct redis_reply *item = ops->at(list, i);

	*len = 0;
	return item == NULL ? "" : ops->text(item, len);
}

/* A list has the id of each, and what is known of it. */
static void
mark_listed(const struct redis_channel *it, const struct redis_reply *users)
{
	size_t i, len, count = it->engine->commands.ops->count(users);

	for (i = 0; i + 1 < count; i += 2) {
		const char *id = text_at(it->engine, users, i, &len);
		struct presence_member *member = presence_find(it->channel->presence, id, len);

		if (member != NULL)
			member->is_listed = true;
	}
}

static void
drop_unlisted(struct presence_member *member, void *it)
{
	if (!member->is_listed)
		drop(it, member->id, member->by_id.len);
	else
		member->is_listed = false;
}

static void
take_all(struct redis_channel *it, const struct redis_reply *users)
{
	size_t i, count = it->engine->commands.ops->count(users);

	mark_listed(it, users);
	presence_each(it->channel->presence, drop_unlisted, it);
	for (i = 0; i + 1 < count; i += 2) {
		size_t len, info_len;
		const char *id = text_at(it->engine, users, i, &len),
			   *info = text_at(it->engine, users, i + 1, &info_len);

		add(it, id, len, info, info_len);
	}
}

/* A thing that has happened, of a list of them: what, and who. */
static const char *
event_at(const struct redis_engine *engine, const struct redis_reply *events, size_t i,
    struct channel_member *member)
{
	size_t len;

	member->id = text_at(engine, events, i + 1, &member->id_len);
	member->info = text_at(engine, events, i + 2, &member->info_len);
	return text_at(engine, events, i, &len);
}

/* One of all daemons hears of each: webhooks, and modules. */
static void
tell_kind(const struct channel_space *space, const char *name, const char *what,
    const struct channel_member *member)
{
	bool is_member = *what == '+' || *what == '-';

	if (space->kind->happened != NULL && strlen(member->id) == member->id_len)
		space->kind->happened(
		    space, name, is_member ? member : NULL, *what == '+' || *what == 'O');
}

static void
take_events(struct redis_channel *it, const struct redis_reply *events, bool is_news)
{
	size_t i, count = it->engine->commands.ops->count(events);

	for (i = 0; i + 2 < count; i += 3) {
		struct channel_member member;
		const char *what = event_at(it->engine, events, i, &member);

		if (is_news && *what == '+')
			add(it, member.id, member.id_len, member.info, member.info_len);
		else if (is_news && *what == '-')
			drop(it, member.id, member.id_len);
		tell_kind(it->channel->space, it->channel->name, what, &member);
	}
}

bool
redis_presence_take(struct redis_channel *it, const struct redis_reply *reply)
{
	const struct redis_client_ops *ops = it->engine->commands.ops;
	size_t len;
	uint64_t version = strtoull(text_at(it->engine, reply, 0, &len), NULL, 10);
	bool is_news = version >= it->version || version == 0;

	if (ops->count(reply) != 5)
		return false;
	take_events(it, ops->at(reply, 2), is_news);
	if (is_news && ops->number(ops->at(reply, 3)) == 1)
		take_all(it, ops->at(reply, 4));
	if (is_news)
		it->version = version;
	channels_set_subscribers(
	    it->channel, (size_t)strtoull(text_at(it->engine, reply, 1, &len), NULL, 10));
	return true;
}

void
redis_presence_hear(struct redis_channel *it, const struct redis_message *message)
{
	if (it->state < REDIS_CHANNEL_OPENING || message->number <= it->version)
		return;
	if (it->version == 0 || message->number != it->version + 1) {
		redis_state_mark(it, true);
		return;
	}
	it->version = message->number;
	if (message->kind == REDIS_JOINED)
		add(it, message->text, message->len, message->info, message->info_len);
	else
		drop(it, message->text, message->len);
}

/* --- daemons that have died ------------------------------------------------------------------- */

struct sweep {
	struct redis_engine *engine;
	struct sockjs_service *service; /* held */
	char *name; /* of a channel; of the list of all: the first that was found, NULL: none yet */
	int64_t now; /* the server's, ms since 1970 */
};

enum { SWEEP = 100 }; /* channels that are looked for at once */

static struct sweep *
sweep_create(struct redis_engine *engine, struct sockjs_service *service, const char *name)
{
	struct sweep *sweep = xcalloc(1, sizeof *sweep);

	sweep->engine = engine;
	sweep->service = service_hold(service);
	sweep->name = name == NULL ? NULL : xstrdup(name);
	return sweep;
}

static void
sweep_free(struct sweep *sweep)
{
	service_drop(&sweep->service);
	free(sweep->name);
	free(sweep);
}

static void
swept(void *data, const struct redis_reply *reply)
{
	struct sweep *sweep = data;
	const struct redis_client_ops *ops = sweep->engine->commands.ops;
	const struct redis_reply *events = reply == NULL ? NULL : ops->at(reply, 2);
	size_t i, count = events == NULL ? 0 : ops->count(events);

	for (i = 0; i + 2 < count && sweep->service->channels != NULL; i += 3) {
		struct channel_member member;
		const char *what = event_at(sweep->engine, events, i, &member);

		tell_kind(sweep->service->channels, sweep->name, what, &member);
	}
	sweep_free(sweep);
}

static void
sweep_channel(struct redis_engine *engine, struct channel_space *space, const char *name)
{
	struct redis_words words = {.lens = NULL};
	char nobody[REDIS_ID_SIZE];

	redis_state_make_id(nobody);
	put_keys(&words, engine, space, name, strlen(name));
	redis_words_text(&words, nobody);
	redis_words_text(&words, "-");
	redis_words_number(&words, REDIS_EXPIRY);
	redis_words_text(&words, "-");
	redis_words_text(&words, "0");
	redis_link_run(&engine->commands, REDIS_SYNC, &words, swept,
	    sweep_create(engine, space->service, name));
}

/* The same first one again: nothing comes of it, or it has more members than go at once. */
static bool
has_moved_on(struct sweep *sweep, const char *first)
{
	bool is_new = sweep->name == NULL || strcmp(sweep->name, first) != 0;

	free(sweep->name);
	sweep->name = xstrdup(first);
	return is_new;
}

static void look_for_expired(struct sweep *sweep);

static void
found_expired(void *data, const struct redis_reply *reply)
{
	struct sweep *sweep = data;
	const struct redis_client_ops *ops = sweep->engine->commands.ops;
	size_t i, count = reply == NULL ? 0 : ops->count(reply), len;

	for (i = 0; i < count && sweep->service->channels != NULL; i++) {
		const char *name = text_at(sweep->engine, reply, i, &len);

		if (strlen(name) == len && channel_name_is_valid(name, len))
			sweep_channel(sweep->engine, sweep->service->channels, name);
	}
	if (count == SWEEP && sweep->service->channels != NULL &&
	    has_moved_on(sweep, text_at(sweep->engine, reply, 0, &len)))
		look_for_expired(sweep);
	else
		sweep_free(sweep);
}

/* It is answered when those that were found before have been swept, and left the list. */
static void
look_for_expired(struct sweep *sweep)
{
	struct redis_words words = {.lens = NULL};

	redis_words_text(&words, "ZRANGEBYSCORE");
	redis_state_put_list(&words, sweep->engine, sweep->service->channels);
	redis_words_text(&words, "-inf");
	redis_words_number(&words, sweep->now);
	redis_words_text(&words, "LIMIT");
	redis_words_text(&words, "0");
	redis_words_number(&words, SWEEP);
	redis_link_call(&sweep->engine->commands, &words, found_expired, sweep);
}

static void
told_time(void *data, const struct redis_reply *reply)
{
	struct sweep *sweep = data;
	size_t len;

	if (reply == NULL || sweep->engine->commands.ops->count(reply) != 2 ||
	    sweep->service->channels == NULL) {
		sweep_free(sweep);
		return;
	}
	sweep->now = strtoll(text_at(sweep->engine, reply, 0, &len), NULL, 10) * 1000;
	look_for_expired(sweep);
}

void
redis_presence_sweep(struct redis_engine *engine, struct channel_space *space)
{
	struct redis_words words = {.lens = NULL};

	redis_words_text(&words, "TIME");
	redis_link_call(
	    &engine->commands, &words, told_time, sweep_create(engine, space->service, NULL));
}
