/*
 * See pusher_api_channels.h.
 */
#include "sessiond/pusher/pusher_api_channels.h"

#include "common/buffer.h"
#include "common/memory.h"
#include "sessiond/channels/channel_shared.h"
#include "sessiond/pusher/pusher_api_call.h"
#include "sessiond/pusher/pusher_channel.h"
#include "sockjs/form.h"

#include <stdlib.h>
#include <string.h>

enum { BAD_REQUEST = 400 };

/* Appends a parameter, decoded. False: there is none. */
static bool
get_parameter(const struct pusher_api_call *call, const char *name, struct buffer *to)
{
	const char *query = call->request->query, *value;
	size_t len;

	if (query == NULL || !form_find(query, strlen(query), name, &value, &len))
		return false;
	buffer_append(to, value, len);
	if (to->len > 0 && !buffer_failed(to))
		buffer_truncate(to, form_decode(to->data, to->len));
	return true;
}

/* user_count is of presence channels, cache of one cache channel. */
static int
check_info(struct pusher_api_call *call, const char *name, size_t len, const char *what,
    const struct pusher_api_info *info)
{
	struct pusher_channel_type type = pusher_channel_type(name, len);

	if (info->user_count && !type.is_presence) {
		pusher_api_fail(
		    call, BAD_REQUEST, "user_count is of presence channels: %s presence-", what);
		return -1;
	}
	if (info->cache && !type.is_cache) {
		pusher_api_fail(call, BAD_REQUEST, "cache is of cache channels: %s cache-", what);
		return -1;
	}
	return 0;
}

static int
read_info(struct pusher_api_call *call, struct pusher_api_info *info)
{
	struct buffer text = BUFFER_INIT;
	int status;

	get_parameter(call, "info", &text);
	status = pusher_api_read_info(call, text.data, text.len, info);
	buffer_free(&text);
	return status;
}

/* --- all channels ----------------------------------------------------------------------------- */

/* A question about an app's channels, and the answer to the call. */
struct listing {
	struct channel_question question;
	struct pusher_api_call *call;
	struct pusher_api_info info;
	const char *name; /* of what is told */
	json_t *told;
	bool has_ended;
};

static struct listing *
listing_create(struct pusher_api_call *call, const char *name, json_t *told)
{
	struct listing *listing = xcalloc(1, sizeof *listing);

	listing->call = call;
	listing->name = name;
	listing->told = told;
	return listing;
}

/* Of a call that does not wait, listing_ask frees it. */
static void
list_ended(struct channel_question *question, bool is_answered)
{
	struct listing *listing = (struct listing *)question;
	struct pusher_api_call *call = listing->call;

	if (is_answered)
		pusher_api_answer(call, json_pack("{sO}", listing->name, listing->told));
	else
		pusher_api_fail_away(call);
	json_decref(listing->told);
	listing->has_ended = true;
	if (!call->is_later)
		return;
	free(listing);
	pusher_api_came(call);
}

static void
listing_ask(struct listing *listing)
{
	listing->question.ended = list_ended;
	channels_ask(pusher_app_channels(listing->call->app), &listing->question);
	if (listing->has_ended)
		free(listing);
	else
		pusher_api_wait(listing->call);
}

static void
list_channel(struct channel_question *question, const char *name, size_t len,
    const struct channel_facts *facts)
{
	struct listing *listing = (struct listing *)question;
	char *text;

	if (pusher_channel_type(name, len).is_user)
		return;
	text = xmalloc(len + 1);
	memcpy(text, name, len);
	text[len] = '\0';
	json_object_set_new(
	    listing->told, text, pusher_api_describe(listing->call, facts, &listing->info));
	free(text);
}

void
pusher_api_channels(struct pusher_api_call *call)
{
	struct buffer prefix = BUFFER_INIT;
	struct pusher_api_info info;
	struct listing *listing;

	get_parameter(call, "filter_by_prefix", &prefix);
	if (read_info(call, &info) == 0 &&
	    check_info(call, prefix.len == 0 ? "" : prefix.data, prefix.len,
		"filter_by_prefix is to begin with", &info) == 0) {
		listing = listing_create(call, "channels", json_object());
		listing->info = info;
		listing->question = (struct channel_question){CHANNEL_ASK_ALL, info.cache,
		    prefix.len == 0 ? "" : prefix.data, prefix.len, list_channel, NULL};
		listing_ask(listing);
	}
	buffer_free(&prefix);
}

/* --- one channel ------------------------------------------------------------------------------ */

static int
check_name(struct pusher_api_call *call)
{
	if (pusher_channel_name_is_valid(call->name, call->name_len))
		return 0;
	pusher_api_fail(call, BAD_REQUEST, "no channel has that name");
	return -1;
}

static void
surveyed(struct pusher_api_survey *survey)
{
	struct pusher_api_call *call = survey->call;
	const struct pusher_api_item *item = &survey->items[0];

	json_object_set_new(item->object, "occupied", json_boolean(item->is_occupied));
	if (survey->has_failed)
		pusher_api_fail_away(call);
	else
		pusher_api_answer(call, json_incref(item->object));
	pusher_api_survey_free(survey);
	pusher_api_came(call);
}

void
pusher_api_channel(struct pusher_api_call *call)
{
	struct pusher_api_survey *survey;
	struct pusher_api_info info;

	if (check_name(call) == -1 || read_info(call, &info) == -1 ||
	    check_info(call, call->name, call->name_len, "the name is to begin with", &info) == -1)
		return;
	survey = pusher_api_survey_create(call, 1, surveyed, NULL);
	pusher_api_survey_add(survey, call->name, call->name_len, &info);
	pusher_api_ask(survey);
	if (call->answer->status == 0)
		pusher_api_wait(call);
}

static void
list_user(struct channel_question *question, const char *id, size_t len,
    const struct channel_facts *facts)
{
	struct listing *listing = (struct listing *)question;

	(void)facts;
	json_array_append_new(listing->told, json_pack("{ss%}", "id", id, len));
}

void
pusher_api_users(struct pusher_api_call *call)
{
	struct listing *listing;

	if (check_name(call) == -1)
		return;
	if (!pusher_channel_type(call->name, call->name_len).is_presence) {
		pusher_api_fail(call, BAD_REQUEST, "users are in presence channels only");
		return;
	}
	listing = listing_create(call, "users", json_array());
	listing->question = (struct channel_question){
	    CHANNEL_ASK_MEMBERS, false, call->name, call->name_len, list_user, NULL};
	listing_ask(listing);
}
