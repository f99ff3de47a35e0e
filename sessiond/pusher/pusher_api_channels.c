/*
 * See pusher_api_channels.h.
 */
#include "sessiond/pusher/pusher_api_channels.h"

#include "common/buffer.h"
#include "sessiond/channels/channels.h"
#include "sessiond/pusher/pusher_api_call.h"
#include "sessiond/pusher/pusher_channel.h"
#include "sockjs/form.h"

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

struct listing {
	const struct pusher_api_call *call;
	const struct buffer *prefix;
	const struct pusher_api_info *info;
	json_t *channels;
};

static void
list(struct channel *channel, void *context)
{
	struct listing *listing = context;
	size_t len = channel->by_name.len;

	if (channel->subscribers.count == 0 || pusher_channel_type(channel->name, len).is_user ||
	    (listing->prefix->len > 0 &&
		(len < listing->prefix->len ||
		    memcmp(channel->name, listing->prefix->data, listing->prefix->len) != 0)))
		return;
	json_object_set_new(listing->channels, channel->name,
	    pusher_api_describe(listing->call, channel->name, len, listing->info));
}

void
pusher_api_channels(struct pusher_api_call *call)
{
	struct buffer prefix = BUFFER_INIT;
	struct pusher_api_info info;
	struct listing listing = {call, &prefix, &info, NULL};

	get_parameter(call, "filter_by_prefix", &prefix);
	if (read_info(call, &info) == 0 &&
	    check_info(call, prefix.len == 0 ? "" : prefix.data, prefix.len,
		"filter_by_prefix is to begin with", &info) == 0) {
		listing.channels = json_object();
		channels_each(pusher_app_channels(call->app), list, &listing);
		pusher_api_answer(call, json_pack("{so}", "channels", listing.channels));
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

void
pusher_api_channel(struct pusher_api_call *call)
{
	const struct channel *channel;
	struct pusher_api_info info;
	json_t *object;

	if (check_name(call) == -1 || read_info(call, &info) == -1 ||
	    check_info(call, call->name, call->name_len, "the name is to begin with", &info) == -1)
		return;
	channel = channels_find(pusher_app_channels(call->app), call->name, call->name_len);
	object = pusher_api_describe(call, call->name, call->name_len, &info);
	json_object_set_new(
	    object, "occupied", json_boolean(channel != NULL && channel->subscribers.count > 0));
	pusher_api_answer(call, object);
}

static void
list_user(struct presence_member *member, void *context)
{
	json_array_append_new(context, json_pack("{ss}", "id", member->id));
}

void
pusher_api_users(struct pusher_api_call *call)
{
	const struct channel *channel;
	json_t *users;

	if (check_name(call) == -1)
		return;
	if (!pusher_channel_type(call->name, call->name_len).is_presence) {
		pusher_api_fail(call, BAD_REQUEST, "users are in presence channels only");
		return;
	}
	channel = channels_find(pusher_app_channels(call->app), call->name, call->name_len);
	users = json_array();
	if (channel != NULL)
		presence_each(channel->presence, list_user, users);
	pusher_api_answer(call, json_pack("{so}", "users", users));
}
