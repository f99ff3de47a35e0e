/* See redis_engine.h. */
#include "sessiond/redis/redis_engine.h"

#include "common/log_limit.h"
#include "common/memory.h"
#include "sessiond/channels/channel_publish.h"
#include "sessiond/channels/channel_shared.h"
#include "sessiond/redis/redis_ask.h"
#include "sessiond/redis/redis_channel.h"
#include "sessiond/redis/redis_library.h"
#include "sessiond/redis/redis_presence.h"
#include "sessiond/redis/redis_publish.h"
#include "sessiond/redis/redis_rounds.h"
#include "sessiond/service/service.h"
#include "sessiond/session/message.h"
#include "sessiond/session/session_set.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

static uint64_t
now(void *context)
{
	const struct redis_engine *engine = context;

	return sessions_now(engine->channels->sessions);
}

/* --- what is passed on ------------------------------------------------------------------------ */

static void
tell_sent(struct channel *channel, const struct redis_message *sent)
{
	struct message *message = message_create(sent->text, sent->len, false);

	if (message != NULL)
		channels_send(channel, message, sent->publication.publishing.except);
	message_unref(&message);
}

static void
hear(struct redis_channel *it, const struct redis_message *message)
{
	const struct channel_kind *kind = it->channel->space->kind;

	switch (message->kind) {
	case REDIS_PUBLISHED:
		redis_channel_hear(it, &message->publication);
		break;
	case REDIS_SENT:
		tell_sent(it->channel, message);
		break;
	case REDIS_JOINED:
	case REDIS_PARTED:
		redis_presence_hear(it, message);
		break;
	case REDIS_COUNTED:
		channels_set_subscribers(it->channel, (size_t)message->number);
		break;
	case REDIS_SIGNALLED:
		if (kind->signalled != NULL)
			kind->signalled(it->channel);
		break;
	case REDIS_STRANGE:
		break;
	}
}

/* Channels of that topic: two, if a reload has replaced a service. */
static void
each_of(struct redis_engine *engine, const char *topic, size_t len,
    void (*each)(struct redis_channel *it, void *context), void *context)
{
	const char *tab = memchr(topic, '\t', len);
	size_t prefix = strlen(engine->prefix), name;
	struct channel_space *space;

	if (tab == NULL || len < prefix || memcmp(topic, engine->prefix, prefix) != 0)
		return;
	name = (size_t)(tab + 1 - topic);
	LIST_FOREACH(space, &engine->channels->spaces, entry) {
		struct buffer text = BUFFER_INIT;
		struct channel *channel = NULL;

		redis_state_append_space(&text, space);
		if (!buffer_failed(&text) && text.len == name - 1 - prefix &&
		    memcmp(text.data, topic + prefix, text.len) == 0)
			channel = channels_find(space, topic + name, len - name);
		if (channel != NULL && channel->shared != NULL)
			each(channel->shared, context);
		buffer_free(&text);
	}
}

static void
hear_message(struct redis_channel *it, void *message)
{
	hear(it, message);
}

static void
open_channel(struct redis_channel *it, void *context)
{
	(void)context;
	redis_channel_open(it);
}

static void
pushed(void *owner, const struct redis_reply *reply)
{
	static struct log_limit limit;
	struct redis_engine *engine = owner;
	const struct redis_client_ops *ops = engine->topics.ops;
	struct redis_message message;
	size_t kind_len, topic_len, len;
	const char *kind = ops->text(ops->at(reply, 0), &kind_len),
		   *topic = ops->text(ops->at(reply, 1), &topic_len),
		   *bytes = ops->text(ops->at(reply, 2), &len);

	if (strcmp(kind, "subscribe") == 0)
		each_of(engine, topic, topic_len, open_channel, NULL);
	if (strcmp(kind, "message") != 0)
		return;
	redis_message_read(bytes, len, &message);
	if (message.kind == REDIS_STRANGE)
		log_limited(&limit, SEVERITY_ERROR,
		    "engine: somebody publishes to our topics what is none of ours");
	else
		each_of(engine, topic, topic_len, hear_message, &message);
}

/* --- the server comes and goes ---------------------------------------------------------------- */

static void
lost(void *owner)
{
	struct redis_engine *engine = owner;
	struct redis_channel *it;

	TAILQ_FOREACH(it, &engine->all, entry)
		redis_channel_lose(it);
}

/* Each channel begins anew when both links are there. */
static void
go_on(struct redis_engine *engine)
{
	struct redis_channel *it;

	if (!engine->commands.is_ready || !engine->topics.is_ready)
		return;
	TAILQ_FOREACH(it, &engine->all, entry)
		redis_state_mark(it, true);
}

/* A line "run_id:..." of INFO. */
static void
read_run(struct redis_engine *engine, const char *text)
{
	const char *at = strstr(text, "run_id:");
	size_t len;

	engine->run[0] = '\0';
	if (at == NULL)
		return;
	at += strlen("run_id:");
	len = strcspn(at, "\r\n");
	if (len < sizeof engine->run)
		snprintf(engine->run, sizeof engine->run, "%.*s", (int)len, at);
}

static void
told_run(void *data, const struct redis_reply *reply)
{
	struct redis_engine *engine = data;
	size_t len;

	if (reply == NULL)
		return;
	read_run(engine, engine->commands.ops->text(reply, &len));
	if (engine->run[0] == '\0')
		redis_link_break(&engine->commands, "it does not say its run_id (INFO server)");
}

/* appendonly yes, appendfsync always. Who may not ask takes it for forgetful. */
static void
told_durability(void *data, const struct redis_reply *reply)
{
	struct redis_engine *engine = data;
	const struct redis_client_ops *ops = engine->commands.ops;
	size_t i, len, count = reply == NULL ? 0 : ops->count(reply);
	unsigned found = 0;

	if (reply == NULL)
		return;
	for (i = 0; i + 1 < count; i += 2) {
		const char *name = ops->text(ops->at(reply, i), &len),
			   *value = ops->text(ops->at(reply, i + 1), &len);

		found += (strcmp(name, "appendonly") == 0 && strcmp(value, "yes") == 0) ||
		    (strcmp(name, "appendfsync") == 0 && strcmp(value, "always") == 0);
	}
	strcpy(engine->durable, found == 2 ? "1" : "0");
	redis_link_ready(&engine->commands);
	go_on(engine);
}

static void
greet_commands(void *owner)
{
	struct redis_engine *engine = owner;
	struct redis_words words = {.lens = NULL};

	redis_words_text(&words, "INFO");
	redis_words_text(&words, "server");
	redis_link_call(&engine->commands, &words, told_run, engine);
	redis_words_text(&words, "CONFIG");
	redis_words_text(&words, "GET");
	redis_words_text(&words, "append*");
	redis_link_call(&engine->commands, &words, told_durability, engine);
	redis_link_load_scripts(&engine->commands);
}

static void
answered_ping(void *data, const struct redis_reply *reply)
{
	struct redis_engine *engine = data;

	if (reply == NULL)
		return;
	redis_link_ready(&engine->topics);
	go_on(engine);
}

static void
greet_topics(void *owner)
{
	struct redis_engine *engine = owner;
	struct redis_words words = {.lens = NULL};

	redis_words_text(&words, "PING");
	redis_link_call(&engine->topics, &words, answered_ping, engine);
}

/* --- timers ----------------------------------------------------------------------------------- */

/* Those whose turn it is say again what they have. */
static void
refresh_fire(struct timer *timer, void *context)
{
	struct redis_engine *engine = context;
	struct redis_channel *it;
	uint64_t at = now(engine);
	size_t due = redis_rounds_next(&engine->rounds, engine->count, at - engine->refreshed);

	engine->refreshed = at;
	timer_start(&engine->refreshes, timer, at);
	for (; due > 0 && (it = TAILQ_FIRST(&engine->all)) != NULL; due--) {
		TAILQ_REMOVE(&engine->all, it, entry);
		TAILQ_INSERT_TAIL(&engine->all, it, entry);
		if (it->state >= REDIS_CHANNEL_OPENING)
			redis_presence_touch_all(it);
	}
}

/* One that has yet to say who has left waits for the server. */
static void
linger_fire(struct timer *timer, void *context)
{
	struct redis_engine *engine = context;
	struct redis_channel *it = container_of(timer, struct redis_channel, linger);
	struct channel *channel = it->channel;
	bool is_unused = channel->subscribers.count == 0 && channel->entrants.count == 0;

	if (is_unused && it->touched_ids.count == 0) {
		channels_end_shared(channel);
		return;
	}
	redis_channel_retry(it);
	if (is_unused)
		timer_start(&engine->lingers, timer, now(engine));
}

static void
recount_fire(struct timer *timer, void *context)
{
	struct redis_engine *engine = context;

	(void)timer;
	engine->counts_are_due = true;
}

static void
sweep_fire(struct timer *timer, void *context)
{
	struct redis_engine *engine = context;
	struct channel_space *space;

	timer_start(&engine->sweeps, timer, now(engine));
	if (!engine->commands.is_ready)
		return;
	LIST_FOREACH(space, &engine->channels->spaces, entry)
		redis_presence_sweep(engine, space);
}

/* --- what channels ask for -------------------------------------------------------------------- */

static void
begun(struct channel_engine *engine, struct channel *channel)
{
	redis_channel_begin(redis_engine_of(engine), channel);
}

static void
entering(struct channel_engine *engine, struct channel *channel)
{
	(void)engine;
	redis_state_mark(channel->shared, true);
}

/* The first and the last cannot wait: webhooks hear of them. */
static void
changed(struct channel_engine *engine, struct channel *channel)
{
	struct redis_channel *it = channel->shared;
	size_t count = channel->subscribers.count + channel->entrants.count;

	(void)engine;
	if (count != it->told)
		redis_state_mark(it, count == 0 || it->told == 0);
}

static void
member(struct channel_engine *engine, struct channel *channel, const char *id, size_t len)
{
	(void)engine;
	redis_presence_touch(channel->shared, id, len);
}

static void
idle(struct channel_engine *base, struct channel *channel)
{
	struct redis_engine *engine = redis_engine_of(base);
	struct redis_channel *it = channel->shared;

	timer_start(&engine->lingers, &it->linger, now(engine));
}

static void
ended(struct channel_engine *engine, struct channel *channel)
{
	(void)engine;
	redis_channel_end(channel->shared);
}

static void
flush_list(struct redis_channel *it)
{
	struct redis_channel *next;

	for (; it != NULL; it = next) {
		next = LIST_NEXT(it, dirty_entry);
		redis_channel_flush(it);
	}
}

/* Those that may wait are not looked at each turn: there may be many. */
static void
flush_channels(struct redis_engine *engine, bool all)
{
	flush_list(LIST_FIRST(&engine->due));
	if (all || engine->counts_are_due)
		flush_list(LIST_FIRST(&engine->waiting));
}

static void
flush(struct channel_engine *base)
{
	struct redis_engine *engine = redis_engine_of(base);

	flush_channels(engine, false);
	engine->counts_are_due = false;
	if (engine->commands.client != NULL)
		engine->commands.ops->flush(engine->commands.client);
	if (engine->topics.client != NULL)
		engine->topics.ops->flush(engine->topics.client);
}

static void
ask(struct channel_engine *engine, struct channel_space *space, struct channel_question *question)
{
	flush_channels(redis_engine_of(engine), true);
	redis_ask(engine, space, question);
}

static bool
is_settled(const struct channel_engine *base)
{
	const struct redis_engine *engine = (const struct redis_engine *)base;

	return engine->commands.was_told || engine->topics.was_told ||
	    (engine->commands.is_ready && engine->topics.is_ready);
}

static bool
is_there(const struct channel_engine *base)
{
	const struct redis_engine *engine = (const struct redis_engine *)base;

	return engine->commands.is_ready && engine->topics.is_ready;
}

static void
stop(struct channel_engine *base)
{
	struct redis_engine *engine = redis_engine_of(base);

	redis_link_clear(&engine->commands);
	redis_link_clear(&engine->topics);
	lost(engine);
}

static void
destroy(struct channel_engine *base)
{
	struct redis_engine *engine = redis_engine_of(base);
	struct timers *timers = engine->sweeps.set;

	timer_queue_remove(timers, &engine->refreshes);
	timer_queue_remove(timers, &engine->lingers);
	timer_queue_remove(timers, &engine->recounts);
	timer_queue_remove(timers, &engine->sweeps);
	engine_address_clear(&engine->address);
	free(engine);
}

static const struct channel_engine_calls calls = {redis_publish, redis_send, redis_signal, ask,
    begun, entering, changed, member, idle, ended, flush, is_settled, is_there, stop, destroy};

/* --- the beginning ---------------------------------------------------------------------------- */

static struct redis_link
link_of(struct redis_engine *engine, const struct redis_client_ops *ops, uv_loop_t *loop,
    const struct redis_link_calls *link_calls, const char *what)
{
	return (struct redis_link){
	    .ops = ops,
	    .address = &engine->address,
	    .loop = loop,
	    .now = now,
	    .clock = engine,
	    .calls = link_calls,
	    .owner = engine,
	    .what = what,
	};
}

static struct redis_engine *
create(const struct engine_address *address, const struct redis_client_ops *ops, size_t backlog,
    uv_loop_t *loop, struct channels *channels)
{
	static const struct redis_link_calls for_commands = {greet_commands, lost, NULL},
					     for_topics = {greet_topics, lost, pushed};
	struct redis_engine *engine = xcalloc(1, sizeof *engine);
	struct timers *timers = &channels->sessions->timers;

	engine->base.calls = &calls;
	engine->channels = channels;
	engine->address = *address;
	engine->backlog = backlog;
	TAILQ_INIT(&engine->all);
	strcpy(engine->durable, "0");
	snprintf(engine->prefix, sizeof engine->prefix, "sockjs:%u:", address->db);
	timer_queue_add(timers, &engine->refreshes, REDIS_TICK, refresh_fire, engine);
	timer_queue_add(timers, &engine->lingers, REDIS_LINGER, linger_fire, engine);
	timer_queue_add(timers, &engine->recounts, REDIS_RECOUNT, recount_fire, engine);
	timer_queue_add(timers, &engine->sweeps, REDIS_SWEEP, sweep_fire, engine);
	timer_start(&engine->sweeps, &engine->sweep, now(engine));
	engine->refreshed = now(engine);
	timer_start(&engine->refreshes, &engine->refresh, engine->refreshed);
	engine->commands = link_of(engine, ops, loop, &for_commands, "commands");
	engine->topics = link_of(engine, ops, loop, &for_topics, "topics");
	redis_link_init(&engine->commands, timers);
	redis_link_init(&engine->topics, timers);
	return engine;
}

int
redis_engine_create(const char *option, size_t backlog, uv_loop_t *loop, struct channels *channels,
    struct channel_engine **engine, struct error *err)
{
	const struct redis_client_ops *ops;
	struct engine_address address;
	int status = engine_address_read(option, &address, err);

	*engine = NULL;
	if (status <= 0)
		return status;
	ops = redis_library_load(err);
	if (ops == NULL) {
		engine_address_clear(&address);
		return -1;
	}
	*engine = &create(&address, ops, backlog, loop, channels)->base;
	return 0;
}
