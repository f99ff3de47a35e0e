/* See redis_link.h. */
#include "sessiond/redis/redis_link.h"

#include "common/log_limit.h"
#include "common/memory.h"

#include <inttypes.h>
#include <nettle/sha1.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct redis_call {
	STAILQ_ENTRY(redis_call) entry;
	redis_reply_fn *fn;
	void *data;
	int script;		  /* -1: none */
	struct redis_words words; /* until it cannot be needed again */
};

/* --- words ------------------------------------------------------------------------------------ */

void
redis_words_add(struct redis_words *words, const char *word, size_t len)
{
	words->lens = xgrow(words->lens, &words->room, words->count, sizeof *words->lens);
	words->lens[words->count++] = len;
	buffer_append(&words->bytes, word, len);
}

void
redis_words_text(struct redis_words *words, const char *word)
{
	redis_words_add(words, word, strlen(word));
}

void
redis_words_number(struct redis_words *words, int64_t number)
{
	char text[24];

	snprintf(text, sizeof text, "%" PRId64, number);
	redis_words_text(words, text);
}

void
redis_words_clear(struct redis_words *words)
{
	buffer_free(&words->bytes);
	free(words->lens);
	*words = (struct redis_words){.lens = NULL};
}

/* --- it begins and is lost -------------------------------------------------------------------- */

/* Ends the call. */
static void
tell(struct redis_call *call, const struct redis_reply *reply)
{
	if (call->fn != NULL)
		call->fn(call->data, reply);
	redis_words_clear(&call->words);
	free(call);
}

static void
tell_lost(struct redis_link *link)
{
	struct redis_calls *const lists[] = {&link->unknown, &link->pending, &link->held};
	struct redis_call *call;
	size_t i;

	for (i = 0; i < sizeof lists / sizeof *lists; i++)
		while ((call = STAILQ_FIRST(lists[i])) != NULL) {
			STAILQ_REMOVE_HEAD(lists[i], entry);
			tell(call, NULL);
		}
}

static void
lose(struct redis_link *link, const char *why)
{
	static struct log_limit limit;

	link->ops->destroy(&link->client);
	timer_stop(&link->timeout);
	timer_stop(&link->ping);
	if (link->is_ready || !link->was_told) {
		char *name = engine_address_name(link->address);

		log_limited(&limit, SEVERITY_ERROR,
		    "engine %s (%s): %s; channels wait until it is back", name, link->what, why);
		free(name);
	}
	link->was_told = true;
	link->is_connected = link->is_ready = false;
	tell_lost(link);
	link->calls->lost(link->owner);
	timer_start(&link->retries, &link->retry, link->now(link->clock));
}

void
redis_link_break(struct redis_link *link, const char *why)
{
	if (link->client != NULL)
		lose(link, why);
}

static void
timeout_fire(struct timer *timer, void *context)
{
	(void)timer;
	redis_link_break(context, "it does not answer");
}

/* A call was answered, or is the first. */
static void
watch_time(struct redis_link *link)
{
	timer_stop(&link->timeout);
	if (!STAILQ_EMPTY(&link->pending) || !link->is_connected)
		timer_start(&link->timeouts, &link->timeout, link->now(link->clock));
}

static void
ping_fire(struct timer *timer, void *context)
{
	struct redis_link *link = context;
	struct redis_words words = {.lens = NULL};

	timer_start(&link->pings, timer, link->now(link->clock));
	redis_words_text(&words, "PING");
	redis_link_call(link, &words, NULL, NULL);
}

void
redis_link_ready(struct redis_link *link)
{
	char *name = engine_address_name(link->address);

	link->is_ready = true;
	if (link->was_told)
		log_info("engine %s (%s): it is back", name, link->what);
	link->was_told = false;
	free(name);
	timer_start(&link->pings, &link->ping, link->now(link->clock));
}

/* --- calls ------------------------------------------------------------------------------------ */

/* False: nothing can be said. */
static bool
put(struct redis_link *link, const struct redis_words *words, const char *const *before, size_t n)
{
	const char **items = xcalloc(words->count + n, sizeof *items);
	size_t *lens = xcalloc(words->count + n, sizeof *lens), i;
	const char *at = words->bytes.data;
	bool is_put = false;

	for (i = 0; i < n; i++) {
		items[i] = before[i];
		lens[i] = strlen(before[i]);
	}
	for (i = 0; i < words->count; i++) {
		items[n + i] = words->lens[i] == 0 ? "" : at;
		lens[n + i] = words->lens[i];
		at += words->lens[i];
	}
	if (link->client != NULL && link->is_connected && !buffer_failed(&words->bytes))
		is_put = link->ops->put(link->client, (int)(words->count + n), items, lens) == 0;
	free(items);
	free(lens);
	return is_put;
}

/* What the server knows a script by: the SHA-1 of its text. */
static const char *
hash_of(enum redis_script script)
{
	static char texts[REDIS_SCRIPTS][2 * SHA1_DIGEST_SIZE + 1];
	uint8_t digest[SHA1_DIGEST_SIZE];
	struct sha1_ctx sha1;
	size_t i;

	if (texts[script][0] != '\0')
		return texts[script];
	sha1_init(&sha1);
	sha1_update(&sha1, strlen(redis_scripts[script]), (const uint8_t *)redis_scripts[script]);
	sha1_digest(&sha1, sizeof digest, digest);
	for (i = 0; i < sizeof digest; i++)
		snprintf(texts[script] + 2 * i, 3, "%02x", digest[i]);
	return texts[script];
}

/* as_text: the server gets to know its script, if it has one. */
static void
send_call(struct redis_link *link, struct redis_call *call, bool as_text)
{
	const char *before[2] = {NULL, NULL};

	if (call->script != -1) {
		before[0] = as_text ? "EVAL" : "EVALSHA";
		before[1] = as_text ? redis_scripts[call->script] : hash_of(call->script);
	}
	if (!put(link, &call->words, before, call->script == -1 ? 0 : 2)) {
		tell(call, NULL);
		return;
	}
	if (as_text)
		call->script = -1;
	if (call->script == -1)
		redis_words_clear(&call->words);
	STAILQ_INSERT_TAIL(&link->pending, call, entry);
	if (STAILQ_FIRST(&link->pending) == call)
		watch_time(link);
}

/* While a server has forgotten scripts, what is called goes behind what has to be repeated. */
static void
make(struct redis_link *link, int script, struct redis_words *words, redis_reply_fn *fn, void *data)
{
	struct redis_call *call = xcalloc(1, sizeof *call);

	*call = (struct redis_call){.fn = fn, .data = data, .script = script, .words = *words};
	*words = (struct redis_words){.lens = NULL};
	if (link->is_connected && !STAILQ_EMPTY(&link->unknown))
		STAILQ_INSERT_TAIL(&link->held, call, entry);
	else
		send_call(link, call, false);
}

void
redis_link_call(struct redis_link *link, struct redis_words *words, redis_reply_fn *fn, void *data)
{
	make(link, -1, words, fn, data);
}

void
redis_link_say(struct redis_link *link, struct redis_words *words)
{
	put(link, words, NULL, 0);
	redis_words_clear(words);
}

void
redis_link_run(struct redis_link *link, enum redis_script script, struct redis_words *words,
    redis_reply_fn *fn, void *data)
{
	make(link, (int)script, words, fn, data);
}

void
redis_link_load_scripts(struct redis_link *link)
{
	struct redis_words words = {.lens = NULL};
	size_t i;

	for (i = 0; i < REDIS_SCRIPTS; i++) {
		redis_words_text(&words, "SCRIPT");
		redis_words_text(&words, "LOAD");
		redis_words_text(&words, redis_scripts[i]);
		redis_link_call(link, &words, NULL, NULL);
	}
}

/*
 * All that was called before was answered: what was not run is, in the order of the calls. If only
 * the scripts of these were known then, calls with them would overtake others.
 */
static void
teach(struct redis_link *link)
{
	struct redis_calls calls = STAILQ_HEAD_INITIALIZER(calls);
	struct redis_call *call;

	if (STAILQ_EMPTY(&link->unknown))
		return;
	STAILQ_CONCAT(&calls, &link->unknown);
	STAILQ_CONCAT(&calls, &link->held);
	redis_link_load_scripts(link);
	while ((call = STAILQ_FIRST(&calls)) != NULL) {
		STAILQ_REMOVE_HEAD(&calls, entry);
		send_call(link, call, true);
	}
}

/* --- replies ---------------------------------------------------------------------------------- */

static bool
is_pushed(const struct redis_link *link, const struct redis_reply *reply)
{
	static const char *const kinds[] = {"message", "subscribe", "unsubscribe"};
	const struct redis_reply *kind = link->ops->at(reply, 0);
	size_t i, len;

	if (link->ops->count(reply) != 3)
		return false;
	for (i = 0; i < 3; i++)
		if (strcmp(link->ops->text(kind, &len), kinds[i]) == 0)
			return true;
	return false;
}

static bool
is_unknown(
    const struct redis_link *link, const struct redis_call *call, const struct redis_reply *reply)
{
	size_t len;

	return call->script != -1 && link->ops->type(reply) == REDIS_ERROR &&
	    strncmp(link->ops->text(reply, &len), "NOSCRIPT", 8) == 0;
}

/* A person has to change something. */
static void
refused(struct redis_link *link, const char *why)
{
	char text[200];

	snprintf(text, sizeof text, "it says \"%.150s\"", why);
	redis_link_break(link, text);
}

/* SUBSCRIBE has no reply of its own, but an error if the user may not. */
static void
complain(struct redis_link *link, const struct redis_reply *reply)
{
	size_t len;

	if (link->ops->type(reply) == REDIS_ERROR)
		refused(link, link->ops->text(reply, &len));
	else
		redis_link_break(link, "it says what it was not asked for");
}

static void
answer(struct redis_link *link, const struct redis_reply *reply)
{
	struct redis_call *call = STAILQ_FIRST(&link->pending);

	if (call == NULL) {
		complain(link, reply);
		return;
	}
	STAILQ_REMOVE_HEAD(&link->pending, entry);
	watch_time(link);
	if (is_unknown(link, call, reply))
		STAILQ_INSERT_TAIL(&link->unknown, call, entry);
	else
		tell(call, reply);
	if (STAILQ_EMPTY(&link->pending))
		teach(link);
}

static void
replied(void *owner, const struct redis_reply *reply)
{
	struct redis_link *link = owner;

	if (is_pushed(link, reply))
		link->calls->pushed(link->owner, reply);
	else
		answer(link, reply);
}

/* --- greeting --------------------------------------------------------------------------------- */

static void
greeted(void *data, const struct redis_reply *reply)
{
	struct redis_link *link = data;
	size_t len;

	if (reply != NULL && link->ops->type(reply) == REDIS_ERROR)
		refused(link, link->ops->text(reply, &len));
}

static void
connected(void *owner)
{
	struct redis_link *link = owner;
	const struct engine_address *address = link->address;
	struct redis_words words = {.lens = NULL};

	link->is_connected = true;
	if (address->password != NULL) {
		redis_words_text(&words, "AUTH");
		if (address->user != NULL)
			redis_words_text(&words, address->user);
		redis_words_text(&words, address->password);
		redis_link_call(link, &words, greeted, link);
	}
	redis_words_text(&words, "SELECT");
	redis_words_number(&words, address->db);
	redis_link_call(link, &words, greeted, link);
	link->calls->greets(link->owner);
}

static void
ended(void *owner, const char *why)
{
	lose(owner, why);
}

static void
try(struct redis_link *link)
{
	static const struct redis_client_calls calls = {connected, replied, ended};
	const struct engine_address *address = link->address;

	link->client = link->ops->create(
	    link->loop, address->host, address->port, address->path, &calls, link);
	watch_time(link);
}

static void
retry_fire(struct timer *timer, void *context)
{
	(void)timer;
	try(context);
}

void
redis_link_init(struct redis_link *link, struct timers *timers)
{
	STAILQ_INIT(&link->pending);
	STAILQ_INIT(&link->unknown);
	STAILQ_INIT(&link->held);
	timer_queue_add(timers, &link->timeouts, REDIS_TIMEOUT, timeout_fire, link);
	timer_queue_add(timers, &link->retries, REDIS_RETRY, retry_fire, link);
	timer_queue_add(timers, &link->pings, REDIS_PING, ping_fire, link);
	try(link);
}

void
redis_link_clear(struct redis_link *link)
{
	struct timers *timers = link->timeouts.set;

	timer_queue_remove(timers, &link->timeouts);
	timer_queue_remove(timers, &link->retries);
	timer_queue_remove(timers, &link->pings);
	link->is_connected = link->is_ready = false;
	link->ops->destroy(&link->client);
	tell_lost(link);
}
