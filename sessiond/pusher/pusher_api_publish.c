/*
 * See pusher_api_publish.h. What goes to one channel is a pusher_event: an event to several
 * channels is several of them, and so is a batch. All are checked before the first is published.
 */
#include "sessiond/pusher/pusher_api_publish.h"

#include "sessiond/channels/channel_batch.h"
#include "sessiond/channels/channel_publish.h"
#include "sessiond/limits/limits.h"
#include "sessiond/pusher/pusher_api_call.h"
#include "sessiond/pusher/pusher_channel.h"

#include <stdlib.h>
#include <string.h>

enum { BAD_REQUEST = 400, UNAVAILABLE = 503 };

/* What is to be published: it borrows from the JSON, which it has until it is answered. */
struct publication_list {
	struct pusher_api_call *call;
	json_t *body;
	struct channel_batch *batch; /* NULL: nothing is being published yet */
	json_t *(*told)(
	    const struct publication_list *list, const struct pusher_api_survey *survey);
	struct pusher_event events[PUSHER_API_CHANNELS_MAX];
	struct pusher_api_info info[PUSHER_API_CHANNELS_MAX];
	size_t count;
};

/* --- reading ---------------------------------------------------------------------------------- */

/* NULL: an error was answered. */
static json_t *
read_body(struct pusher_api_call *call)
{
	json_error_t wrong;
	json_t *body =
	    json_loadb(call->request->body, call->request->body_len, JSON_ALLOW_NUL, &wrong);

	if (body == NULL)
		pusher_api_fail(call, BAD_REQUEST, "the body is no JSON: %s", wrong.text);
	else if (json_is_object(body))
		return body;
	else
		pusher_api_fail(call, BAD_REQUEST, "the body is to be a JSON object");
	json_decref(body);
	return NULL;
}

/* A member that is a string. NULL and length 0: there is none, or it is null. */
static int
read_string(struct pusher_api_call *call, const json_t *from, const char *key, const char **text,
    size_t *len)
{
	const json_t *value = json_object_get(from, key);

	*text = NULL;
	*len = 0;
	if (value == NULL || json_is_null(value))
		return 0;
	if (!json_is_string(value)) {
		pusher_api_fail(call, BAD_REQUEST, "%s is to be a string", key);
		return -1;
	}
	*text = json_string_value(value);
	*len = json_string_length(value);
	return 0;
}

static int
require_string(struct pusher_api_call *call, const json_t *from, const char *key, const char **text,
    size_t *len)
{
	if (read_string(call, from, key, text, len) == -1)
		return -1;
	if (*text != NULL)
		return 0;
	pusher_api_fail(call, BAD_REQUEST, "%s is missing", key);
	return -1;
}

/* All but the channel. */
static int
read_event(struct pusher_api_call *call, const json_t *from, struct pusher_event *event,
    struct pusher_api_info *info)
{
	const char *wanted;
	size_t len;

	if (require_string(call, from, "name", &event->event, &event->event_len) == -1 ||
	    require_string(call, from, "data", &event->data, &event->len) == -1 ||
	    read_string(call, from, "socket_id", &event->socket_id, &len) == -1)
		return -1;
	if (event->socket_id != NULL && strlen(event->socket_id) != len) {
		pusher_api_fail(call, BAD_REQUEST, "socket_id has a NUL in it");
		return -1;
	}
	return read_string(call, from, "info", &wanted, &len) == -1
	    ? -1
	    : pusher_api_read_info(call, wanted, len, info);
}

static int
add(struct pusher_api_call *call, struct publication_list *list, const struct pusher_event *event,
    const struct pusher_api_info *info, const char *channel, size_t channel_len)
{
	struct pusher_event *added = &list->events[list->count];
	enum pusher_result result;
	const char *why;

	*added = *event;
	added->channel = channel;
	added->channel_len = channel_len;
	list->info[list->count++] = *info;
	result = pusher_check(added, call->publish_limit, &why);
	if (result == PUSHER_OK)
		return 0;
	if (result == PUSHER_TOO_LARGE)
		channels_count_refusal(pusher_app_channels(call->app)->all, LIMIT_PUBLISH);
	pusher_api_fail(call, result, "channel \"%.*s\": %s", (int)channel_len, channel, why);
	return -1;
}

static int
read_channels(struct pusher_api_call *call, struct publication_list *list, const json_t *channels,
    const struct pusher_event *event, const struct pusher_api_info *info)
{
	size_t i, count = json_array_size(channels);

	if (!json_is_array(channels) || count == 0 || count > PUSHER_API_CHANNELS_MAX) {
		pusher_api_fail(call, BAD_REQUEST,
		    "channels is to be an array of 1 to %d names, and has %zu",
		    PUSHER_API_CHANNELS_MAX, count);
		return -1;
	}
	for (i = 0; i < count; i++) {
		const json_t *name = json_array_get(channels, i);

		if (!json_is_string(name)) {
			pusher_api_fail(call, BAD_REQUEST, "a channel's name is to be a string");
			return -1;
		}
		if (add(call, list, event, info, json_string_value(name),
			json_string_length(name)) == -1)
			return -1;
	}
	return 0;
}

/* Only those who subscribe to it have its key. */
static int
check_encrypted(struct pusher_api_call *call, const struct publication_list *list)
{
	size_t i;

	for (i = 0; list->count > 1 && i < list->count; i++) {
		const struct pusher_event *event = &list->events[i];

		if (!pusher_channel_type(event->channel, event->channel_len).is_encrypted)
			continue;
		pusher_api_fail(call, BAD_REQUEST,
		    "what is encrypted for channel \"%s\" is for no other", event->channel);
		return -1;
	}
	return 0;
}

/* To `channels`, or to `channel`. */
static int
read_one(struct pusher_api_call *call, const json_t *body, struct publication_list *list)
{
	const json_t *channels = json_object_get(body, "channels");
	struct pusher_event event = {NULL};
	struct pusher_api_info info;
	const char *channel;
	size_t len;

	if (read_event(call, body, &event, &info) == -1)
		return -1;
	if (channels != NULL)
		return read_channels(call, list, channels, &event, &info) == -1
		    ? -1
		    : check_encrypted(call, list);
	return require_string(call, body, "channel", &channel, &len) == -1
	    ? -1
	    : add(call, list, &event, &info, channel, len);
}

static int
read_batch(struct pusher_api_call *call, const json_t *body, struct publication_list *list)
{
	const json_t *batch = json_object_get(body, "batch");
	size_t i, count = json_array_size(batch), len;

	if (!json_is_array(batch) || count == 0 || count > PUSHER_API_BATCH_MAX) {
		pusher_api_fail(call, BAD_REQUEST,
		    "batch is to be an array of 1 to %d events, and has %zu", PUSHER_API_BATCH_MAX,
		    count);
		return -1;
	}
	for (i = 0; i < count; i++) {
		const json_t *from = json_array_get(batch, i);
		struct pusher_event event = {NULL};
		struct pusher_api_info info;
		const char *channel;

		if (read_event(call, from, &event, &info) == -1 ||
		    require_string(call, from, "channel", &channel, &len) == -1 ||
		    add(call, list, &event, &info, channel, len) == -1)
			return -1;
	}
	return 0;
}

/* --- what is told ----------------------------------------------------------------------------- */

static bool
wants_info(const struct pusher_api_info *info)
{
	return info->user_count || info->subscription_count || info->cache;
}

/* {}, or what was asked for of each channel. */
static json_t *
describe_channels(const struct publication_list *list, const struct pusher_api_survey *survey)
{
	json_t *answer = json_object(), *channels;
	size_t i;

	if (!wants_info(&list->info[0]))
		return answer;
	channels = json_object();
	for (i = 0; i < list->count; i++)
		json_object_set(channels, list->events[i].channel, survey->items[i].object);
	json_object_set_new(answer, "channels", channels);
	return answer;
}

/* The same of each event, in their order. */
static json_t *
describe_batch(const struct publication_list *list, const struct pusher_api_survey *survey)
{
	json_t *answer = json_object(), *batch = json_array();
	bool is_wanted = false;
	size_t i;

	for (i = 0; i < list->count; i++) {
		is_wanted = is_wanted || wants_info(&list->info[i]);
		json_array_append(batch, survey->items[i].object);
	}
	if (is_wanted)
		json_object_set(answer, "batch", batch);
	json_decref(batch);
	return answer;
}

/* --- publishing ------------------------------------------------------------------------------- */

static void
clear(struct publication_list *list)
{
	json_decref(list->body);
	free(list->batch);
	free(list);
}

/* All that is asked for is known. It was published, whether or not. */
static void
surveyed(struct pusher_api_survey *survey)
{
	struct publication_list *list = survey->context;
	struct pusher_api_call *call = list->call;

	pusher_api_answer(call, list->told(list, survey));
	pusher_api_survey_free(survey);
	clear(list);
	pusher_api_came(call);
}

static void
survey(struct publication_list *list)
{
	struct pusher_api_survey *survey =
	    pusher_api_survey_create(list->call, list->count, surveyed, list);
	bool is_wanted = false;
	size_t i;

	for (i = 0; i < list->count; i++) {
		const struct pusher_event *event = &list->events[i];

		is_wanted = is_wanted || wants_info(&list->info[i]);
		pusher_api_survey_add(survey, event->channel, event->channel_len, &list->info[i]);
	}
	if (is_wanted)
		pusher_api_ask(survey);
	else
		surveyed(survey);
}

/* All of it was published, or something was not. */
static void
tell_outcome(struct publication_list *list)
{
	struct pusher_api_call *call = list->call;
	size_t published;
	enum channel_result result = channel_batch_result(list->batch, &published);

	if (result == CHANNEL_OK) {
		survey(list);
		return;
	}
	pusher_api_fail(call, UNAVAILABLE, "%zu of %zu were published: %s", published, list->count,
	    channels_publish_reason(result));
	clear(list);
	pusher_api_came(call);
}

static void
all_told(struct channel_batch *batch)
{
	tell_outcome(batch->context);
}

static void
publish(struct publication_list *list)
{
	struct pusher_api_call *call = list->call;
	size_t i;

	call->answer->acknowledges = true;
	list->batch = channel_batch_create(list->count, all_told, list);
	for (i = 0; i < list->count; i++) {
		struct channel_batch_item *item = channel_batch_next(list->batch);

		if (!channel_batch_note(item,
			pusher_publish(
			    call->app, &list->events[i], &item->waiter, &item->position)))
			break;
	}
	if (channel_batch_is_complete(list->batch))
		tell_outcome(list);
	if (call->answer->status == 0)
		pusher_api_wait(call);
}

/* --- the two ---------------------------------------------------------------------------------- */

static void
take(struct pusher_api_call *call,
    int (*read)(struct pusher_api_call *call, const json_t *body, struct publication_list *list),
    json_t *(*told)(const struct publication_list *list, const struct pusher_api_survey *survey))
{
	struct publication_list *list = calloc(1, sizeof *list);

	if (list == NULL) {
		pusher_api_fail(call, UNAVAILABLE, "out of memory");
		return;
	}
	list->call = call;
	list->told = told;
	list->body = read_body(call);
	if (list->body != NULL && read(call, list->body, list) == 0)
		publish(list);
	else
		clear(list);
}

void
pusher_api_events(struct pusher_api_call *call)
{
	take(call, read_one, describe_channels);
}

void
pusher_api_batch_events(struct pusher_api_call *call)
{
	take(call, read_batch, describe_batch);
}
