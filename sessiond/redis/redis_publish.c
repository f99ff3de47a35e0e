/* See redis_publish.h. */
#include "sessiond/redis/redis_publish.h"

#include "common/log_limit.h"
#include "common/memory.h"
#include "sessiond/limits/limits.h"
#include "sessiond/redis/redis_message.h"
#include "sessiond/service/service.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Who waits to hear what came of something. */
struct waiting {
	struct redis_engine *engine;
	struct channel_waiter *waiter; /* NULL: nobody */
	size_t bytes;		       /* of the engine's owed */
};

struct redis_held {
	STAILQ_ENTRY(redis_held) entry;
	struct redis_words words;
	struct waiting *waiting;
};

static struct waiting *
waiting_create(
    struct redis_engine *engine, const struct redis_words *words, struct channel_waiter *waiter)
{
	struct waiting *waiting = xcalloc(1, sizeof *waiting);

	*waiting = (struct waiting){engine, waiter, words->bytes.len + sizeof *waiting};
	engine->owed += waiting->bytes;
	return waiting;
}

static void
tell(struct waiting *waiting, enum channel_result result, const struct channel_position *position)
{
	waiting->engine->owed -= waiting->bytes;
	if (waiting->waiter != NULL)
		waiting->waiter->told(waiting->waiter, result, position);
	free(waiting);
}

static void
tell_away(struct waiting *waiting)
{
	static const struct channel_position none = {0, 0};

	tell(waiting, CHANNEL_AWAY, &none);
}

/* The server has no room, or has been set up so that it takes nothing. */
static void
refuse(struct waiting *waiting, const struct redis_reply *reply)
{
	static struct log_limit limit;
	static const struct channel_position none = {0, 0};
	const struct redis_client_ops *ops = waiting->engine->commands.ops;
	size_t len;
	const char *text = ops->text(reply, &len);

	log_limited(
	    &limit, SEVERITY_ERROR, "engine: nothing can be published: it says \"%.150s\"", text);
	tell(waiting, strncmp(text, "OOM", 3) == 0 ? CHANNEL_NO_ROOM : CHANNEL_AWAY, &none);
}

/* --- publications ----------------------------------------------------------------------------- */

static void
published(void *data, const struct redis_reply *reply)
{
	struct waiting *waiting = data;
	const struct redis_client_ops *ops = waiting->engine->commands.ops;
	struct channel_position position;
	size_t len;

	if (reply == NULL) {
		tell_away(waiting);
		return;
	}
	if (ops->type(reply) == REDIS_ERROR || ops->count(reply) != 2) {
		refuse(waiting, reply);
		return;
	}
	position.offset = strtoull(ops->text(ops->at(reply, 0), &len), NULL, 10);
	position.epoch = channel_epoch_parse(ops->text(ops->at(reply, 1), &len));
	waiting->engine->channels->published++;
	tell(waiting, CHANNEL_OK, &position);
}

static void
put_publication(struct redis_words *words, const struct redis_engine *engine,
    const struct channel_space *space, const struct publishing *publishing, uint32_t keeps)
{
	const struct service_options *options = &space->service->protocol.options;
	const char *name = publishing->name;
	size_t len = publishing->name_len;
	struct buffer body = BUFFER_INIT;
	char epoch[REDIS_ID_SIZE];

	redis_state_make_id(epoch);
	redis_words_text(words, "2");
	redis_state_put_key(words, engine, space, name, len, 'm');
	redis_state_put_key(words, engine, space, name, len, 's');
	redis_state_put_key(words, engine, space, name, len, '\0');
	redis_words_text(words, engine->run);
	redis_words_text(words, engine->durable);
	redis_words_text(words, epoch);
	redis_words_number(words, keeps);
	redis_words_number(words, (int64_t)options->history_limit);
	redis_words_number(words, (int64_t)options->history_ttl);
	redis_message_put(&body, publishing);
	if (buffer_failed(&body))
		words->bytes.failed = true;
	else
		redis_words_add(words, body.data, body.len);
	buffer_free(&body);
}

/* Also behind others that are, whoever they have waited for. */
static bool
is_held(const struct redis_channel *it)
{
	return it != NULL && it->engine->topics.is_ready &&
	    (it->channel->entrants.count > 0 || !STAILQ_EMPTY(&it->held));
}

static void
hold(struct redis_channel *it, struct redis_words *words, struct waiting *waiting)
{
	struct redis_held *held = xcalloc(1, sizeof *held);

	held->words = *words;
	held->waiting = waiting;
	STAILQ_INSERT_TAIL(&it->held, held, entry);
}

void
redis_publish_release(struct redis_channel *it, bool is_away)
{
	struct redis_held *held;

	while ((held = STAILQ_FIRST(&it->held)) != NULL) {
		STAILQ_REMOVE_HEAD(&it->held, entry);
		if (is_away) {
			tell_away(held->waiting);
			redis_words_clear(&held->words);
		} else {
			redis_link_run(&it->engine->commands, REDIS_PUBLISH, &held->words,
			    published, held->waiting);
		}
		free(held);
	}
}

/* More than a stopped server may be owed; what channels ask for is no publisher's to answer for. */
static bool
is_full(struct redis_engine *engine, size_t len)
{
	if (engine->owed + len <= engine->backlog)
		return false;
	channels_count_refusal(engine->channels, LIMIT_ENGINE_BACKLOG);
	return true;
}

enum channel_result
redis_publish(struct channel_engine *base, struct channel_space *space,
    const struct publishing *publishing, uint32_t keeps, struct channel_waiter *waiter)
{
	struct redis_engine *engine = redis_engine_of(base);
	const struct channel *channel =
	    channels_find(space, publishing->name, publishing->name_len);
	struct redis_words words = {.lens = NULL};
	struct waiting *waiting;

	if (!engine->commands.is_ready || is_full(engine, publishing->len))
		return CHANNEL_AWAY;
	put_publication(&words, engine, space, publishing, keeps);
	if (buffer_failed(&words.bytes)) {
		redis_words_clear(&words);
		return CHANNEL_NO_ROOM;
	}
	waiting = waiting_create(engine, &words, waiter);
	if (is_held(channel == NULL ? NULL : channel->shared))
		hold(channel->shared, &words, waiting);
	else
		redis_link_run(&engine->commands, REDIS_PUBLISH, &words, published, waiting);
	return CHANNEL_LATER;
}

/* --- what is not counted ---------------------------------------------------------------------- */

static void
passed_on(void *data, const struct redis_reply *reply)
{
	static const struct channel_position none = {0, 0};
	struct waiting *waiting = data;
	const struct redis_client_ops *ops = waiting->engine->commands.ops;

	if (reply == NULL)
		tell_away(waiting);
	else if (ops->type(reply) == REDIS_ERROR)
		refuse(waiting, reply);
	else
		tell(waiting, CHANNEL_OK, &none);
}

static void
pass_on(struct redis_engine *engine, const struct channel_space *space, const char *name,
    size_t name_len, const char *bytes, size_t len, struct channel_waiter *waiter)
{
	struct redis_words words = {.lens = NULL};
	struct waiting *waiting;

	redis_words_text(&words, "PUBLISH");
	redis_state_put_key(&words, engine, space, name, name_len, '\0');
	redis_words_add(&words, bytes, len);
	waiting = waiting_create(engine, &words, waiter);
	redis_link_call(&engine->commands, &words, passed_on, waiting);
}

void
redis_send(struct channel_engine *base, const struct channel *channel, const char *text, size_t len,
    const char *except)
{
	struct redis_engine *engine = redis_engine_of(base);
	struct buffer bytes = BUFFER_INIT;

	if (!engine->commands.is_ready || is_full(engine, len))
		return;
	redis_message_put_text(&bytes, text, len, except);
	if (!buffer_failed(&bytes))
		pass_on(engine, channel->space, channel->name, channel->by_name.len, bytes.data,
		    bytes.len, NULL);
	buffer_free(&bytes);
}

enum channel_result
redis_signal(struct channel_engine *base, struct channel_space *space, const char *name, size_t len,
    struct channel_waiter *waiter)
{
	struct redis_engine *engine = redis_engine_of(base);

	if (!engine->commands.is_ready || is_full(engine, 1))
		return CHANNEL_AWAY;
	pass_on(engine, space, name, len, "X", 1, waiter);
	return CHANNEL_LATER;
}
