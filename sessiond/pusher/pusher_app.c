/* See pusher_app.h. */
#include "sessiond/pusher/pusher_app.h"

#include "common/memory.h"
#include "sessiond/channels/channel_publish.h"
#include "sessiond/channels/channel_subscribe.h"
#include "sessiond/pusher/pusher_channel.h"
#include "sessiond/pusher/pusher_message.h"
#include "sessiond/pusher/webhook.h"
#include "sessiond/service/service.h"
#include "sessiond/session/message.h"
#include "sessiond/session/session.h"
#include "sessiond/session/session_set.h"
#include "sessiond/session/session_write.h"
#include "sockjs/utf8.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { RECOUNT_DELAY = 200 }; /* ms: many who come at once are one number */
enum { UNAVAILABLE = 503 };

static struct channels *bound;
static LIST_HEAD(, pusher_app) apps = LIST_HEAD_INITIALIZER(apps);

static const struct channel_kind kind;

void
pusher_bind(struct channels *channels)
{
	bound = channels;
}

/* The latest: one that was replaced is still there while it has sessions. */
struct pusher_app *
pusher_app_find(const char *name)
{
	struct pusher_app *app;

	LIST_FOREACH(app, &apps, entry)
		if (app->service->app != NULL && strcmp(app->service->app, name) == 0 &&
		    !app->service->is_retired)
			break;
	return app;
}

/* Its webhook is that of the latest: if a reload fails, it is again the one that it was. */
static void
set_webhook(const char *name)
{
	const struct pusher_app *app = name == NULL ? NULL : pusher_app_find(name);
	const struct app_options *options = app == NULL ? NULL : &app->service->app_options;

	if (name == NULL)
		return;
	if (app == NULL)
		webhook_set(name, NULL, NULL, NULL);
	else
		webhook_set(name, options->webhook, options->key, options->secret);
}

struct pusher_app *
pusher_app_create(sockjs_service *service)
{
	struct pusher_app *app = xcalloc(1, sizeof *app);

	app->service = service;
	service->channel_kind = &kind;
	LIST_INSERT_HEAD(&apps, app, entry);
	set_webhook(service->app);
	return app;
}

void
pusher_app_destroy(struct pusher_app **app)
{
	LIST_REMOVE(*app, entry);
	set_webhook((*app)->service->app);
	free(*app);
	*app = NULL;
}

struct channel_space *
pusher_app_channels(const struct pusher_app *app)
{
	return channels_of(bound, app->service);
}

/* --- to one client ---------------------------------------------------------------------------- */

/* NULL: without memory, for what a peer has made large. Frees the text. */
static struct message *
message_of(struct buffer *text)
{
	struct message *message =
	    buffer_failed(text) ? NULL : message_create(text->data, text->len, false);

	buffer_free(text);
	return message;
}

void
pusher_send(struct session *session, struct buffer *text)
{
	struct message *message = message_of(text);

	if (message == NULL)
		session_close_too_slow(session);
	else
		session_write(session, message);
	message_unref(&message);
}

void
pusher_refuse(struct session *session, int code, const char *text)
{
	struct buffer error = BUFFER_INIT;

	if (session->transport->id == TRANSPORT_WEBSOCKET_RAW) {
		pusher_append_error(&error, code, text);
		pusher_send(session, &error);
	}
	session_close(session, code, text, strlen(text));
}

static void
end_retired(void *object, void *context)
{
	struct session *session = object;

	(void)context;
	if (session->service->is_retired && session->service->app != NULL)
		pusher_refuse(session, PUSHER_NO_APP, "There is no app with that key any more");
}

void
pusher_end_retired(struct sessions *sessions)
{
	sessions_each(sessions, end_retired, NULL);
}

/* --- what channels tell ----------------------------------------------------------------------- */

static bool
has_history(const struct channel_space *space)
{
	return space->service->protocol.options.history > 0;
}

static struct message *
compose(const struct channel_space *space, const struct publishing *publishing,
    const struct channel_position *position)
{
	struct buffer text = BUFFER_INIT;

	pusher_append_published(&text, publishing, has_history(space) ? position : NULL);
	return message_of(&text);
}

static uint32_t
keeps(const struct channel_space *space, const char *name, size_t len)
{
	uint32_t history = space->service->protocol.options.history;

	return history == 0 && pusher_channel_type(name, len).is_cache ? 1 : history;
}

/* To all but one (uuid NULL: to all), an event that is not counted. */
static void
tell_all(struct channel *channel, const char *event, struct buffer *data, const char *uuid)
{
	struct buffer text = BUFFER_INIT;
	struct message *message;

	pusher_append_event(&text, event, channel->name, data->data, data->len);
	text.failed = text.failed || buffer_failed(data);
	buffer_free(data);
	message = message_of(&text);
	if (message != NULL)
		channels_send(channel, message, uuid);
	message_unref(&message);
}

/* With an engine, one of all daemons tells the webhook: `happened`. */
static bool
is_shared(const struct channel *channel)
{
	return channel->space->all->engine != NULL;
}

static void
joined(struct channel *channel, const struct presence_member *member, const struct session *session)
{
	struct buffer data = BUFFER_INIT;

	if (pusher_channel_type(channel->name, channel->by_name.len).is_user)
		return;
	pusher_append_member(&data, member);
	tell_all(
	    channel, "pusher_internal:member_added", &data, session == NULL ? NULL : session->uuid);
	if (!is_shared(channel))
		webhook_tell(channel->space->service, "member_added", channel->name, member->id);
}

static void
parted(struct channel *channel, const struct presence_member *member)
{
	struct buffer data = BUFFER_INIT;

	if (pusher_channel_type(channel->name, channel->by_name.len).is_user)
		return;
	pusher_append_member_id(&data, member);
	tell_all(channel, "pusher_internal:member_removed", &data, NULL);
	if (!is_shared(channel))
		webhook_tell(channel->space->service, "member_removed", channel->name, member->id);
}

static void
tell_count(struct channel *channel)
{
	struct buffer data = BUFFER_INIT;

	LIST_REMOVE(channel, recounted_entry);
	channel->is_recounted = false;
	buffer_printf(&data, "{\"subscription_count\":%zu}", channel_subscribers(channel));
	tell_all(channel, "pusher_internal:subscription_count", &data, NULL);
}

static void
tell_counts(void *data)
{
	struct pusher_app *app = data;
	struct channel_space *space = pusher_app_channels(app);

	sockjs_timer_stop(&app->recount);
	while (!LIST_EMPTY(&space->recounted))
		tell_count(LIST_FIRST(&space->recounted));
}

static void
recount(struct channel *channel)
{
	sockjs_service *service = channel->space->service;
	struct pusher_app *app = sockjs_service_user_data(service);
	struct pusher_channel_type type = pusher_channel_type(channel->name, channel->by_name.len);

	if (!service->app_options.subscription_count || type.is_presence || type.is_user)
		return;
	if (!channel->is_recounted)
		LIST_INSERT_HEAD(&channel->space->recounted, channel, recounted_entry);
	channel->is_recounted = true;
	if (app->recount == NULL)
		app->recount = sockjs_timer_start(service, RECOUNT_DELAY, 0, tell_counts, app);
}

/* pusher_internal:subscription_succeeded; recovered NULL: it has not asked for what it missed. */
static void
tell_subscribed(const struct channel *channel, struct session *session, const bool *recovered)
{
	struct buffer data = BUFFER_INIT, text = BUFFER_INIT;
	struct channel_position position = channel_position(channel);

	if (pusher_channel_type(channel->name, channel->by_name.len).is_presence)
		pusher_append_members(&data, channel->presence);
	else
		buffer_append_str(&data, "{}");
	pusher_append_succeeded(
	    &text, channel, &data, has_history(channel->space) ? &position : NULL, recovered);
	buffer_free(&data);
	pusher_send(session, &text);
}

/* What a webhook was told is stored, so that it hears of the end also if a kill has caused that. */
static void
tell_occupation(struct channel *channel, bool is_occupied)
{
	struct channel_space *space = channel->space;

	if (pusher_channel_type(channel->name, channel->by_name.len).is_user ||
	    (space->service->app_options.webhook == NULL && !channel->is_occupied))
		return;
	channel->is_occupied = is_occupied;
	channel_journal_mark(&space->all->journal, channel);
	webhook_tell(space->service, is_occupied ? "channel_occupied" : "channel_vacated",
	    channel->name, NULL);
}

static void
unsubscribed(struct channel *channel)
{
	if (channel->subscribers.count == 0)
		tell_occupation(channel, false);
	recount(channel);
}

/* The last event of a cache channel, or that there is none. */
static void
tell_cached(const struct channel *channel, struct session *session)
{
	const struct history *history = &channel->history;
	struct buffer text = BUFFER_INIT;

	if (history->count > 0) {
		session_write(session, history_at(history, history_end(history) - 1)->message);
		return;
	}
	pusher_append_event(&text, "pusher:cache_miss", channel->name, "{}", 2);
	pusher_send(session, &text);
	webhook_tell(channel->space->service, "cache_miss", channel->name, NULL);
}

static void
tell_signed_in(struct session *session, const struct channel_member *user)
{
	struct buffer text = BUFFER_INIT;

	pusher_append_signed_in(&text, user->info, user->info_len);
	pusher_send(session, &text);
}

/* To have signed in is a subscription, too. */
static void
subscribed(struct channel *channel, struct session *session, const struct subscribing *subscribing,
    bool recovered)
{
	struct pusher_channel_type type = pusher_channel_type(channel->name, channel->by_name.len);

	if (!type.is_user)
		tell_subscribed(channel, session, subscribing->from == NULL ? NULL : &recovered);
	else if (subscribing->member != NULL)
		tell_signed_in(session, subscribing->member);
	if (!is_shared(channel) && channel->subscribers.count == 1)
		tell_occupation(channel, true);
	if (!is_shared(channel))
		recount(channel);
	if (type.is_cache && !recovered)
		tell_cached(channel, session);
}

/* --- with an engine --------------------------------------------------------------------------- */

static void
refused(struct channel *channel, struct session *session, enum channel_result why)
{
	struct buffer error = BUFFER_INIT;

	pusher_append_refusal(
	    &error, channel->name, "SubscriptionError", channels_publish_reason(why), UNAVAILABLE);
	pusher_send(session, &error);
}

/* What was missed cannot be had: a client hears what one hears that asks for it in vain. */
static void
lost(struct channel *channel)
{
	static const bool recovered = false;
	size_t i;

	if (!has_history(channel->space) ||
	    pusher_channel_type(channel->name, channel->by_name.len).is_user)
		return;
	for (i = 0; i < channel->subscribers.count; i++)
		tell_subscribed(channel, channel->subscribers.items[i]->session, &recovered);
}

/* Terminated. A session leaves its channels later, when its client has been told. */
static void
signalled(struct channel *channel)
{
	static const char reason[] = "Terminated by the application";
	size_t i;

	for (i = 0; i < channel->subscribers.count; i++)
		pusher_refuse(channel->subscribers.items[i]->session, PUSHER_UNAUTHORIZED, reason);
}

static void
happened(const struct channel_space *space, const char *channel,
    const struct channel_member *member, bool is_there)
{
	if (pusher_channel_type(channel, strlen(channel)).is_user)
		return;
	if (member != NULL)
		webhook_tell(space->service, is_there ? "member_added" : "member_removed", channel,
		    member->id);
	else
		webhook_tell(space->service, is_there ? "channel_occupied" : "channel_vacated",
		    channel, NULL);
}

static const struct channel_kind kind = {
    .compose = compose,
    .keeps = keeps,
    .subscribed = subscribed,
    .unsubscribed = unsubscribed,
    .joined = joined,
    .parted = parted,
    .refused = refused,
    .lost = lost,
    .signalled = signalled,
    .recounted = recount,
    .happened = happened,
};

/* --- subscribing ------------------------------------------------------------------------------ */

enum channel_result
pusher_subscribe(
    struct pusher_app *app, struct session *session, const struct subscribing *subscribing)
{
	struct channel_space *space = pusher_app_channels(app);
	const struct channel *channel =
	    channels_find(space, subscribing->name, subscribing->name_len);
	bool recovered;

	if (channel != NULL &&
	    membership_find(&channel->subscribers, &session->memberships) != NULL) {
		tell_subscribed(channel, session, NULL);
		return CHANNEL_OK;
	}
	return channels_subscribe(space, subscribing, session, &recovered);
}

/* --- publishing ------------------------------------------------------------------------------- */

static enum pusher_result
fail(enum pusher_result result, const char *text, const char **why)
{
	*why = text;
	return result;
}

enum pusher_result
pusher_check(const struct pusher_event *event, size_t limit, const char **why)
{
	char uuid[PUSHER_UUID_SIZE];

	*why = NULL;
	if (!pusher_channel_name_is_valid(event->channel, event->channel_len))
		return fail(PUSHER_BAD_REQUEST,
		    "the name of a channel is 1 to 164 of A-Z a-z 0-9 _ - = @ , . ;", why);
	if (event->event_len == 0)
		return fail(PUSHER_BAD_REQUEST,
		    "the event has no name: \"event\" in /publish, \"name\" in the HTTP API, "
		    "--event in sockjsctl",
		    why);
	if (event->event_len > PUSHER_EVENT_MAX)
		return fail(PUSHER_BAD_REQUEST, "the name of an event has 1 to 200 bytes", why);
	if (event->socket_id != NULL && !pusher_socket_uuid(event->socket_id, uuid))
		return fail(PUSHER_BAD_REQUEST, "socket_id is none of this server's", why);
	if (!utf8_is_valid_wtf8(event->data, event->len))
		return fail(PUSHER_BAD_REQUEST, "data is not UTF-8", why);
	if (event->len > limit)
		return fail(
		    PUSHER_TOO_LARGE, "data is longer than an event may be (publish_limit)", why);
	return PUSHER_OK;
}

enum channel_result
pusher_publish(const struct pusher_app *app, const struct pusher_event *event,
    struct channel_waiter *waiter, struct channel_position *position)
{
	char uuid[PUSHER_UUID_SIZE];
	const struct publishing publishing = {
	    .name = event->channel,
	    .name_len = event->channel_len,
	    .event = event->event,
	    .event_len = event->event_len,
	    .data = event->data,
	    .len = event->len,
	    .except = event->socket_id != NULL && pusher_socket_uuid(event->socket_id, uuid) ? uuid
											     : NULL,
	};

	return channels_publish(pusher_app_channels(app), &publishing, waiter, position);
}

/* --- users ------------------------------------------------------------------------------------ */

const struct presence_member *
pusher_user(const struct session *session)
{
	const struct membership *membership;

	LIST_FOREACH(membership, &session->memberships, entry) {
		const struct presence_member *member = membership->data;

		if (channels_is_group(membership->group) && member != NULL &&
		    pusher_channel_type(member->channel->name, member->channel->by_name.len)
			.is_user)
			return member;
	}
	return NULL;
}

enum channel_result
pusher_terminate_user(
    const struct pusher_app *app, const char *user, size_t len, struct channel_waiter *waiter)
{
	struct buffer name = BUFFER_INIT;
	enum channel_result result = CHANNEL_NO_ROOM;

	buffer_append_str(&name, PUSHER_USER_CHANNEL);
	buffer_append(&name, user, len);
	if (!buffer_failed(&name))
		result = channels_signal(pusher_app_channels(app), name.data, name.len, waiter);
	buffer_free(&name);
	return result;
}
