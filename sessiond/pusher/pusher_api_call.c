/*
 * See pusher_api_call.h.
 */
#include "sessiond/pusher/pusher_api_call.h"

#include "sessiond/channels/channels.h"
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
ttl_of(const struct channel *channel, uint64_t published)
{
	uint64_t ttl = channel->space->service->protocol.options.history_ttl,
		 age = channel->space->all->clock() - published;

	return age < ttl ? (json_int_t)((ttl - age) / 1000) : 0;
}

/* What subscribers got last, as it was published; null: nothing is kept. */
static json_t *
describe_cache(const struct channel *channel)
{
	const struct history *history = channel == NULL ? NULL : &channel->history;
	const struct publication *last;
	json_t *event, *cache;

	if (history == NULL || history->count == 0)
		return json_null();
	last = history_at(history, history_end(history) - 1);
	event = json_loadb(last->message->data, last->message->len, JSON_ALLOW_NUL, NULL);
	cache = event == NULL ? json_null()
			      : json_pack("{sO sI}", "data", json_object_get(event, "data"), "ttl",
				    ttl_of(channel, last->time));
	json_decref(event);
	return cache;
}

json_t *
pusher_api_describe(const struct pusher_api_call *call, const char *name, size_t len,
    const struct pusher_api_info *info)
{
	const struct channel *channel = channels_find(pusher_app_channels(call->app), name, len);
	json_t *object = json_object();

	if (info->user_count)
		json_object_set_new(object, "user_count",
		    json_integer(
			channel == NULL ? 0 : (json_int_t)presence_count(channel->presence)));
	if (info->subscription_count)
		json_object_set_new(object, "subscription_count",
		    json_integer(channel == NULL ? 0 : (json_int_t)channel->subscribers.count));
	if (info->cache)
		json_object_set_new(object, "cache", describe_cache(channel));
	return object;
}
