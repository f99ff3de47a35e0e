/* See redis_ask.h. */
#include "sessiond/redis/redis_ask.h"

#include "common/memory.h"
#include "sessiond/redis/redis_message.h"
#include "sessiond/service/service.h"
#include "sessiond/session/message.h"

#include <stdlib.h>
#include <string.h>

/* A question, for each of whose channels two calls are made. */
struct search {
	struct redis_engine *engine;
	struct sockjs_service *service; /* held */
	struct channel_question *question;
	bool has_failed;
	size_t waits; /* calls */
};

/* One of its channels. */
struct searched {
	struct search *search;
	char *name;
	size_t len;
	struct channel_facts facts;
	struct message *last; /* what facts.last is */
};

static const struct redis_client_ops *
ops_of(const struct search *search)
{
	return search->engine->commands.ops;
}

/* A call was answered. The last ends the question. */
static void
settle(struct search *search, bool is_answered)
{
	search->has_failed = search->has_failed || !is_answered;
	if (--search->waits > 0)
		return;
	search->question->ended(search->question, !search->has_failed);
	service_drop(&search->service);
	free(search);
}

static bool
is_answer(const struct search *search, const struct redis_reply *reply)
{
	return reply != NULL && ops_of(search)->type(reply) == REDIS_LIST;
}

static uint64_t
number_at(const struct search *search, const struct redis_reply *list, size_t i)
{
	const struct redis_reply *item = ops_of(search)->at(list, i);
	size_t len;

	return item == NULL ? 0 : strtoull(ops_of(search)->text(item, &len), NULL, 10);
}

/* --- one channel ------------------------------------------------------------------------------ */

static struct message *
compose_last(const struct searched *searched, const struct redis_reply *entry, uint64_t *time)
{
	const struct search *search = searched->search;
	const struct channel_space *space = search->service->channels;
	const struct redis_reply *fields = ops_of(search)->at(entry, 1);
	const struct redis_reply *field = fields == NULL ? NULL : ops_of(search)->at(fields, 1);
	struct redis_publication publication = {.time = 0};
	const char *text;
	size_t len;

	if (field == NULL || space == NULL)
		return NULL;
	text = ops_of(search)->text(field, &len);
	if (!redis_message_read_entry(text, len, &publication))
		return NULL;
	publication.publishing.name = searched->name;
	publication.publishing.name_len = searched->len;
	*time = publication.time;
	return space->kind->compose(space, &publication.publishing, &publication.position);
}

/* The first of the two. */
static void
found_last(void *data, const struct redis_reply *reply)
{
	struct searched *searched = data;
	struct search *search = searched->search;
	bool is_answered = is_answer(search, reply);
	const struct redis_reply *entry = is_answered ? ops_of(search)->at(reply, 0) : NULL;

	if (entry != NULL)
		searched->last = compose_last(searched, entry, &searched->facts.time);
	searched->facts.last = searched->last;
	settle(search, is_answered);
}

static void
found_numbers(void *data, const struct redis_reply *reply)
{
	struct searched *searched = data;
	struct search *search = searched->search;
	bool is_answered = is_answer(search, reply);

	if (is_answered) {
		searched->facts.subscribers = (size_t)number_at(search, reply, 0);
		searched->facts.members = (size_t)number_at(search, reply, 1);
		search->question->found(
		    search->question, searched->name, searched->len, &searched->facts);
	}
	settle(search, is_answered);
	message_unref(&searched->last);
	free(searched->name);
	free(searched);
}

static void
look_for(struct search *search, const char *name, size_t len)
{
	struct redis_engine *engine = search->engine;
	const struct channel_space *space = search->service->channels;
	struct searched *searched = xcalloc(1, sizeof *searched);
	struct redis_words words = {.lens = NULL};

	*searched = (struct searched){search, xmalloc(len + 1), len, {0}, NULL};
	memcpy(searched->name, name, len);
	searched->name[len] = '\0';
	search->waits += 1 + search->question->wants_last;
	if (search->question->wants_last) {
		redis_words_text(&words, "XREVRANGE");
		redis_state_put_key(&words, engine, space, name, len, 's');
		redis_words_text(&words, "+");
		redis_words_text(&words, "-");
		redis_words_text(&words, "COUNT");
		redis_words_text(&words, "1");
		redis_link_call(&engine->commands, &words, found_last, searched);
	}
	redis_words_text(&words, "HMGET");
	redis_state_put_key(&words, engine, space, name, len, 'p');
	redis_words_text(&words, "t");
	redis_words_text(&words, "n");
	redis_link_call(&engine->commands, &words, found_numbers, searched);
}

/* --- all, and members ------------------------------------------------------------------------- */

static void
found_channels(void *data, const struct redis_reply *reply)
{
	struct search *search = data;
	const struct channel_question *question = search->question;
	const struct redis_client_ops *ops = ops_of(search);
	bool is_answered = is_answer(search, reply);
	size_t i, count = is_answered && search->service->channels != NULL ? ops->count(reply) : 0;

	for (i = 0; i < count; i++) {
		size_t len;
		const char *name = ops->text(ops->at(reply, i), &len);

		if (!channel_name_is_valid(name, len) || len < question->len ||
		    memcmp(name, question->name, question->len) != 0)
			continue;
		look_for(search, name, len);
	}
	free((char *)(uintptr_t)question->name);
	settle(search, is_answered);
}

static void
found_members(void *data, const struct redis_reply *reply)
{
	struct search *search = data;
	const struct redis_client_ops *ops = ops_of(search);
	bool is_answered = is_answer(search, reply);
	size_t i, count = is_answered ? ops->count(reply) : 0;

	for (i = 0; i < count; i++) {
		size_t len;
		const char *field = ops->text(ops->at(reply, i), &len);

		if (len > 1 && field[0] == '+')
			search->question->found(search->question, field + 1, len - 1, NULL);
	}
	settle(search, is_answered);
}

void
redis_ask(
    struct channel_engine *base, struct channel_space *space, struct channel_question *question)
{
	struct redis_engine *engine = redis_engine_of(base);
	struct search *search = xcalloc(1, sizeof *search);
	struct redis_words words = {.lens = NULL};
	const char *name = question->name;
	size_t len = question->len;
	char *prefix;

	*search = (struct search){engine, service_hold(space->service), question, false, 0};
	if (question->kind == CHANNEL_ASK_ONE) {
		look_for(search, name, len);
		return;
	}
	search->waits = 1;
	if (question->kind == CHANNEL_ASK_MEMBERS) {
		redis_words_text(&words, "HKEYS");
		redis_state_put_key(&words, engine, space, name, len, 'p');
		redis_link_call(&engine->commands, &words, found_members, search);
		return;
	}
	prefix = xmalloc(len + 1);
	memcpy(prefix, name, len);
	question->name = prefix;
	redis_words_text(&words, "ZRANGE");
	redis_state_put_list(&words, engine, space);
	redis_words_text(&words, "0");
	redis_words_text(&words, "-1");
	redis_link_call(&engine->commands, &words, found_channels, search);
}
