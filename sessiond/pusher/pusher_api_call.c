/*
 * See pusher_api_call.h.
 */
#include "sessiond/pusher/pusher_api_call.h"

#include "common/memory.h"
#include "sessiond/channels/channel_publish.h"
#include "sessiond/channels/channel_shared.h"
#include "sessiond/service/service.h"
#include "sessiond/session/message.h"
#include "sockjs/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OK = 200, BAD_REQUEST = 400, UNAVAILABLE = 503 };

void
pusher_api_wait(struct pusher_api_call *call)
{
	service_hold(call->app->service);
	call->is_later = true;
	call->request = NULL;
}

void
pusher_api_came(struct pusher_api_call *call)
{
	sockjs_service *service = call->app->service;

	if (!call->is_later)
		return;
	call->answer->came(call->answer);
	service_drop(&service);
	free(call->name);
	free(call);
}

void
pusher_api_fail(struct pusher_api_call *call, unsigned status, const char *format, ...)
{
	struct api_answer *answer = call->answer;
	char text[600];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text - 1, format, args);
	va_end(args);
	utf8_mask_invalid(text);
	buffer_clear(&answer->body);
	answer->status = status;
	answer->content_type = "text/plain; charset=UTF-8";
	buffer_append_str(&answer->body, text);
	buffer_append_char(&answer->body, '\n');
}

void
pusher_api_answer(struct pusher_api_call *call, json_t *object)
{
	char *text = object == NULL ? NULL : json_dumps(object, JSON_COMPACT);

	json_decref(object);
	if (text == NULL) {
		pusher_api_fail(call, UNAVAILABLE, "out of memory");
		return;
	}
	call->answer->status = OK;
	call->answer->content_type = "application/json";
	buffer_append_str(&call->answer->body, text);
	free(text);
}

/* --- attributes ------------------------------------------------------------------------------- */

static bool
is_word(const char *text, size_t len, const char *word)
{
	return strlen(word) == len && memcmp(text, word, len) == 0;
}

int
pusher_api_read_info(
    struct pusher_api_call *call, const char *text, size_t len, struct pusher_api_info *info)
{
	const char *end, *comma;

	*info = (struct pusher_api_info){false};
	if (text == NULL)
		return 0;
	for (end = text + len; text < end; text = comma + 1) {
		comma = memchr(text, ',', (size_t)(end - text));
		if (comma == NULL)
			comma = end;
		len = (size_t)(comma - text);
		if (is_word(text, len, "user_count")) {
			info->user_count = true;
		} else if (is_word(text, len, "subscription_count")) {
			info->subscription_count = true;
		} else if (is_word(text, len, "cache")) {
			info->cache = true;
		} else {
			pusher_api_fail(call, BAD_REQUEST,
			    "info is a list of user_count, subscription_count and cache");
			return -1;
		}
	}
	return 0;
}

/* s until the history forgets what was published then. */
static json_int_t
ttl_of(const struct pusher_api_call *call, uint64_t published)
{
	uint64_t ttl = call->app->service->protocol.options.history_ttl,
		 age = pusher_app_channels(call->app)->all->clock() - published;

	return age < ttl ? (json_int_t)((ttl - age) / 1000) : 0;
}

/* What subscribers got last, as it was published; null: nothing is kept. */
static json_t *
describe_cache(const struct pusher_api_call *call, const struct channel_facts *facts)
{
	json_t *event, *cache;

	if (facts->last == NULL)
		return json_null();
	event = json_loadb(facts->last->data, facts->last->len, JSON_ALLOW_NUL, NULL);
	cache = event == NULL ? json_null()
			      : json_pack("{sO sI}", "data", json_object_get(event, "data"), "ttl",
				    ttl_of(call, facts->time));
	json_decref(event);
	return cache;
}

json_t *
pusher_api_describe(const struct pusher_api_call *call, const struct channel_facts *facts,
    const struct pusher_api_info *info)
{
	json_t *object = json_object();

	if (info->user_count)
		json_object_set_new(object, "user_count", json_integer((json_int_t)facts->members));
	if (info->subscription_count)
		json_object_set_new(
		    object, "subscription_count", json_integer((json_int_t)facts->subscribers));
	if (info->cache)
		json_object_set_new(object, "cache", describe_cache(call, facts));
	return object;
}

/* --- asking ----------------------------------------------------------------------------------- */

void
pusher_api_fail_away(struct pusher_api_call *call)
{
	pusher_api_fail(call, UNAVAILABLE, "%s", channels_publish_reason(CHANNEL_AWAY));
}

struct pusher_api_survey *
pusher_api_survey_create(struct pusher_api_call *call, size_t n,
    void (*done)(struct pusher_api_survey *survey), void *context)
{
	struct pusher_api_survey *survey = xcalloc(1, sizeof *survey + n * sizeof survey->items[0]);

	survey->call = call;
	survey->done = done;
	survey->context = context;
	return survey;
}

void
pusher_api_survey_free(struct pusher_api_survey *survey)
{
	size_t i;

	for (i = 0; i < survey->count; i++)
		json_decref(survey->items[i].object);
	free(survey);
}

static void
found(struct channel_question *question, const char *name, size_t len,
    const struct channel_facts *facts)
{
	struct pusher_api_item *item = (struct pusher_api_item *)question;

	(void)name;
	(void)len;
	item->is_occupied = facts->subscribers > 0;
	json_decref(item->object);
	item->object = pusher_api_describe(item->survey->call, facts, &item->info);
}

static void
ended(struct channel_question *question, bool is_answered)
{
	struct pusher_api_item *item = (struct pusher_api_item *)question;
	struct pusher_api_survey *survey = item->survey;

	survey->has_failed = survey->has_failed || !is_answered;
	if (--survey->waits == 0)
		survey->done(survey);
}

void
pusher_api_survey_add(struct pusher_api_survey *survey, const char *name, size_t len,
    const struct pusher_api_info *info)
{
	static const struct channel_facts nobody = {0, 0, NULL, 0};
	struct pusher_api_item *item = &survey->items[survey->count++];

	*item = (struct pusher_api_item){
	    .question = {CHANNEL_ASK_ONE, info->cache, name, len, found, ended},
	    .survey = survey,
	    .info = *info,
	    .object = pusher_api_describe(survey->call, &nobody, info),
	};
}

/* The last answer frees the survey. */
void
pusher_api_ask(struct pusher_api_survey *survey)
{
	struct channel_space *space = pusher_app_channels(survey->call->app);
	size_t i, count = survey->waits = survey->count;

	for (i = 0; i < count; i++)
		channels_ask(space, &survey->items[i].question);
}
