/* See pusher_protocol.h. */
#include "sessiond/pusher/pusher_protocol.h"

#include "common/memory.h"
#include "sessiond/channels/channel_message.h"
#include "sessiond/channels/channel_publish.h"
#include "sessiond/channels/channel_subscribe.h"
#include "sessiond/limits/rate.h"
#include "sessiond/pusher/pusher_auth.h"
#include "sessiond/pusher/pusher_channel.h"
#include "sessiond/pusher/pusher_message.h"
#include "sessiond/pusher/webhook.h"
#include "sessiond/service/service.h"
#include "sessiond/session/message.h"
#include "sessiond/session/session.h"
#include "sessiond/session/session_set.h"
#include "sockjs/form.h"
#include "sockjs/utf8.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Its rates are not a connection's, whose kinds these are. */
#define EVENT_OF_CLIENT RATE_MESSAGE
#define EVENT_JOIN	RATE_REQUEST

enum { UNAUTHORIZED = 401, BAD_REQUEST = 400, TOO_MANY = 429, UNAVAILABLE = 503 };

/* A message of a client. Borrowed, but for data. */
struct said {
	struct pusher_app *app;
	struct session *session;
	const char *event;
	const char *channel; /* beside the data, of client events; NULL: none */
	json_t *data;	     /* what it was, if it was a string with JSON in it */
};

/* A text in the data; NULL: there is none of that name. */
static const char *
text_of(const struct said *said, const char *name)
{
	return json_string_value(json_object_get(said->data, name));
}

static void
complain(const struct said *said, int code, const char *text)
{
	struct buffer error = BUFFER_INIT;

	pusher_append_error(&error, code, text);
	pusher_send(said->session, &error);
}

/* --- subscribing ------------------------------------------------------------------------------ */

static void
refuse(const struct said *said, const char *channel, int status, const char *text)
{
	struct buffer error = BUFFER_INIT;

	pusher_append_refusal(&error, channel,
	    status == UNAUTHORIZED ? "AuthError" : "SubscriptionError", text, status);
	pusher_send(said->session, &error);
}

static const struct app_options *
options_of(const struct said *said)
{
	return &said->app->service->app_options;
}

static bool
is_authorized(const struct said *said, const char *channel)
{
	char socket_id[PUSHER_SOCKET_ID_SIZE];

	pusher_socket_id(said->session->uuid, socket_id);
	return pusher_auth_channel_is_right(options_of(said)->key, options_of(said)->secret,
	    socket_id, channel, text_of(said, "channel_data"), text_of(said, "auth"));
}

/* Of channel_data, or of user_data with other names. Both to be freed. */
struct identity {
	char *id, *info;
};

static void
identity_clear(struct identity *identity)
{
	free(identity->id);
	free(identity->info);
}

/* False: it says no id, which is a string or a whole number. */
static bool
identity_read(
    const char *text, const char *id_name, const char *info_name, struct identity *identity)
{
	json_t *json = text == NULL ? NULL : json_loads(text, 0, NULL);
	const json_t *id = json_object_get(json, id_name), *info = json_object_get(json, info_name);

	*identity = (struct identity){NULL, NULL};
	if (json_is_string(id) && json_string_length(id) > 0)
		identity->id = xstrdup(json_string_value(id));
	else if (json_is_integer(id) &&
	    asprintf(&identity->id, "%lld", (long long)json_integer_value(id)) == -1)
		abort();
	if (identity->id != NULL)
		identity->info =
		    info == NULL ? xstrdup("{}") : json_dumps(info, JSON_COMPACT | JSON_ENCODE_ANY);
	json_decref(json);
	return identity->info != NULL;
}

/* Who comes to a presence channel: whom channel_data says, else who has signed in. */
static bool
find_identity(const struct said *said, struct identity *identity)
{
	const char *channel_data = text_of(said, "channel_data");
	const struct presence_member *user = pusher_user(said->session);

	if (channel_data != NULL || user == NULL)
		return identity_read(channel_data, "user_id", "user_info", identity);
	return identity_read(user->info, "id", "user_info", identity);
}

static const char *
reason_of(enum channel_result result)
{
	switch (result) {
	case CHANNEL_BAD_MEMBER:
		return "user_id and user_info are longer than a member may be (member_limit)";
	case CHANNEL_TOO_MANY:
		return "too many: members_per_channel, channels_per_connection or channels_limit";
	case CHANNEL_OK:
	case CHANNEL_BAD_NAME:
	case CHANNEL_NO_ROOM:
	case CHANNEL_NO_STORE:
	case CHANNEL_AWAY:
	case CHANNEL_LATER:
		break;
	}
	return "it is not possible now";
}

static void
subscribe(const struct said *said, const char *channel, const struct channel_member *member)
{
	const json_t *recover = json_object_get(said->data, "recover");
	const char *epoch = json_string_value(json_object_get(recover, "epoch"));
	struct channel_position from = {
	    (uint64_t)json_integer_value(json_object_get(recover, "offset")),
	    epoch == NULL ? 0 : channel_epoch_parse(epoch)};
	const struct subscribing subscribing = {
	    channel, strlen(channel), recover == NULL ? NULL : &from, member};
	enum channel_result result = pusher_subscribe(said->app, said->session, &subscribing);

	if (result != CHANNEL_OK && result != CHANNEL_LATER)
		refuse(said, channel, result == CHANNEL_BAD_MEMBER ? BAD_REQUEST : UNAVAILABLE,
		    reason_of(result));
}

/*
 * What a connection has others told, of each kind: its client events, and that its members come and
 * go. Who does such a thing remembers how often: its user data.
 */
static bool
is_within_rate(const struct said *said, enum rate_kind kind)
{
	struct session *session = said->session;
	struct rates rates = {{0}};

	rates.a_second[kind] = options_of(said)->client_event_rate;
	if (session->user_data == NULL)
		session->user_data = xcalloc(1, sizeof(struct rate_points));
	return rate_take(
	    &rates, session->user_data, kind, 1, sessions_now(session->service->sessions));
}

static void
join(const struct said *said, const char *channel)
{
	struct identity identity;

	if (!find_identity(said, &identity)) {
		refuse(said, channel, BAD_REQUEST,
		    "channel_data of a presence channel is JSON with a user_id, unless the user "
		    "has signed in");
	} else if (!is_within_rate(said, EVENT_JOIN)) {
		refuse(said, channel, TOO_MANY,
		    "too many subscriptions to presence channels a second (client_event_rate)");
	} else {
		const struct channel_member member = {
		    identity.id, strlen(identity.id), identity.info, strlen(identity.info)};

		subscribe(said, channel, &member);
	}
	identity_clear(&identity);
}

/* The channel of a user is its own: who has signed in has subscribed to it. */
static void
subscribe_to_user(const struct said *said, const char *channel)
{
	const struct presence_member *user = pusher_user(said->session);

	if (user == NULL || strcmp(user->channel->name, channel) != 0)
		refuse(said, channel, UNAUTHORIZED, "the user has not signed in");
	else
		subscribe(said, channel, NULL);
}

static void
on_subscribe(const struct said *said)
{
	const char *channel = text_of(said, "channel");
	struct pusher_channel_type type;

	if (channel == NULL || !pusher_channel_name_is_valid(channel, strlen(channel))) {
		refuse(said, channel == NULL ? "" : channel, BAD_REQUEST,
		    "the name of a channel is 1 to 164 of A-Z a-z 0-9 _ - = @ , . ;");
		return;
	}
	type = pusher_channel_type(channel, strlen(channel));
	if (type.is_user)
		subscribe_to_user(said, channel);
	else if (type.is_private && !is_authorized(said, channel))
		refuse(said, channel, UNAUTHORIZED,
		    "auth is not KEY:SIGNATURE of this connection and channel by the app's "
		    "secret");
	else if (type.is_presence)
		join(said, channel);
	else
		subscribe(said, channel, NULL);
}

/* Who has signed in stays so. */
static void
on_unsubscribe(const struct said *said)
{
	const char *channel = text_of(said, "channel");

	if (channel != NULL && !pusher_channel_type(channel, strlen(channel)).is_user)
		channels_unsubscribe(
		    pusher_app_channels(said->app), channel, strlen(channel), said->session);
}

/* --- users ------------------------------------------------------------------------------------ */

static void
refuse_signin(const struct said *said, const char *text)
{
	complain(said, PUSHER_UNAUTHORIZED, text);
}

static void
sign_in(const struct said *said, const struct identity *identity, const char *user_data)
{
	const struct channel_member member = {
	    identity->id, strlen(identity->id), user_data, strlen(user_data)};
	struct subscribing subscribing = {.member = &member};
	struct buffer name = BUFFER_INIT;
	enum channel_result result = CHANNEL_BAD_NAME;
	bool recovered;

	buffer_append_str(&name, PUSHER_USER_CHANNEL);
	buffer_append_str(&name, identity->id);
	if (buffer_failed(&name))
		abort();
	subscribing.name = name.data;
	subscribing.name_len = name.len;
	if (pusher_channel_name_is_valid(name.data, name.len))
		result = channels_subscribe(
		    pusher_app_channels(said->app), &subscribing, said->session, &recovered);
	if (result != CHANNEL_OK && result != CHANNEL_LATER)
		refuse_signin(said,
		    result == CHANNEL_BAD_NAME ? "the id of the user is too long"
					       : reason_of(result));
	buffer_free(&name);
}

static void
on_signin(const struct said *said)
{
	const char *user_data = text_of(said, "user_data");
	char socket_id[PUSHER_SOCKET_ID_SIZE];
	struct identity identity;

	pusher_socket_id(said->session->uuid, socket_id);
	if (pusher_user(said->session) != NULL) {
		refuse_signin(said, "this connection has signed in already");
		return;
	}
	if (user_data == NULL ||
	    !pusher_auth_user_is_right(options_of(said)->key, options_of(said)->secret, socket_id,
		user_data, text_of(said, "auth"))) {
		refuse_signin(said,
		    "auth is not KEY:SIGNATURE of this connection and user_data by the app's "
		    "secret");
		return;
	}
	if (identity_read(user_data, "id", "user_info", &identity))
		sign_in(said, &identity, user_data);
	else
		refuse_signin(said, "user_data is JSON with an id");
	identity_clear(&identity);
}

/* --- client events ---------------------------------------------------------------------------- */

/* NULL: the event may pass. */
static const char *
find_fault(const struct said *said, const struct channel *channel)
{
	struct pusher_channel_type type = pusher_channel_type(said->channel, strlen(said->channel));

	if (!options_of(said)->client_events)
		return "client events are not enabled for this app (client_events)";
	if (!type.is_private || type.is_encrypted)
		return "client events are for private and presence channels";
	if (strlen(said->event) > PUSHER_EVENT_MAX)
		return "the name of an event has 1 to 200 bytes";
	if (channel == NULL ||
	    membership_find(&channel->subscribers, &said->session->memberships) == NULL)
		return "the connection has not subscribed to the channel";
	return NULL;
}

static void
pass_on(const struct said *said, const struct channel *channel)
{
	const struct presence_member *member = channels_member(channel, said->session);
	char *data = json_dumps(said->data, JSON_COMPACT | JSON_ENCODE_ANY);
	struct buffer text = BUFFER_INIT;
	struct message *message = NULL;
	char socket_id[PUSHER_SOCKET_ID_SIZE];

	if (data != NULL)
		pusher_append_client_event(
		    &text, said->event, channel->name, data, member == NULL ? NULL : member->id);
	if (data != NULL && !buffer_failed(&text))
		message = message_create(text.data, text.len, false);
	if (message != NULL) {
		channels_send_shared(channel, message, said->session->uuid);
		pusher_socket_id(said->session->uuid, socket_id);
		webhook_tell_client_event(said->app->service, channel->name, said->event, data,
		    socket_id, member == NULL ? NULL : member->id);
	}
	message_unref(&message);
	buffer_free(&text);
	free(data);
}

static void
on_client_event(const struct said *said)
{
	const struct channel *channel = NULL;
	const char *fault = "a client event has a channel";

	if (said->channel != NULL) {
		channel = channels_find(
		    pusher_app_channels(said->app), said->channel, strlen(said->channel));
		fault = find_fault(said, channel);
	}
	if (fault != NULL)
		complain(said, 0, fault);
	else if (!is_within_rate(said, EVENT_OF_CLIENT))
		complain(said, PUSHER_CLIENT_EVENT_RATE,
		    "too many client events a second (client_event_rate)");
	else
		pass_on(said, channel);
}

/* --- everything ------------------------------------------------------------------------------- */

static void
on_ping(const struct said *said)
{
	struct buffer text = BUFFER_INIT;

	pusher_append_plain(&text, "pusher:pong", "{}");
	pusher_send(said->session, &text);
}

static void
on_pong(const struct said *said)
{
	(void)said;
}

static void
dispatch(const struct said *said)
{
	static const struct {
		const char *event;
		void (*handle)(const struct said *said);
	} table[] = {
	    {"pusher:subscribe", on_subscribe},
	    {"pusher:unsubscribe", on_unsubscribe},
	    {"pusher:signin", on_signin},
	    {"pusher:ping", on_ping},
	    {"pusher:pong", on_pong},
	};
	size_t i;

	if (strncmp(said->event, "client-", strlen("client-")) == 0) {
		on_client_event(said);
		return;
	}
	for (i = 0; i < sizeof table / sizeof table[0]; i++)
		if (strcmp(said->event, table[i].event) == 0) {
			table[i].handle(said);
			return;
		}
	complain(said, 0, "clients send pusher:... and client-... events; this one is none");
}

/* Some clients send what belongs to pusher: events as a string that holds it. */
static json_t *
read_data(json_t *message, const char *event)
{
	json_t *data = json_object_get(message, "data"), *inner = NULL;

	if (json_is_string(data) && strncmp(event, "pusher:", strlen("pusher:")) == 0)
		inner = json_loads(json_string_value(data), 0, NULL);
	if (inner != NULL)
		return inner;
	return data == NULL ? json_null() : json_incref(data);
}

void
pusher_receive(struct pusher_app *app, struct session *session, const char *data, size_t len)
{
	struct said said = {.app = app, .session = session};
	char text[JSON_ERROR_TEXT_LENGTH + 40];
	json_error_t wrong = {.text = "it is no object with an event"};
	json_t *message = json_loadb(data, len, 0, &wrong);

	said.event = json_string_value(json_object_get(message, "event"));
	said.channel = json_string_value(json_object_get(message, "channel"));
	if (said.event == NULL) {
		snprintf(text, sizeof text, "the message is not understood: %s",
		    message == NULL ? wrong.text : "it is no object with an event");
		/* jansson quotes what it has read, which may end within a character. */
		utf8_mask_invalid(text);
		complain(&said, 0, text);
	} else {
		said.data = read_data(message, said.event);
		dispatch(&said);
		json_decref(said.data);
	}
	json_decref(message);
}

/* --- the beginning ---------------------------------------------------------------------------- */

/* Without one, it is the present one. */
static bool
is_known_protocol(const struct session *session)
{
	const char *url = connection_info_url(session->info), *query = strchr(url, '?');
	const char *value;
	size_t len;

	if (query == NULL || !form_find(query + 1, strlen(query + 1), "protocol", &value, &len))
		return true;
	return len == 1 && value[0] >= '5' && value[0] <= '7';
}

/* The last of the daemon's sessions are for those who can be told that there are no more. */
static bool
is_over_capacity(const struct sessions *sessions)
{
	return sessions->limit > 0 && sessions->count > sessions->limit - sessions->limit / 16;
}

void
pusher_greet(struct pusher_app *app, struct session *session)
{
	const struct app_options *options = &app->service->app_options;
	char socket_id[PUSHER_SOCKET_ID_SIZE];
	struct buffer text = BUFFER_INIT;

	if (app->service->app == NULL) {
		pusher_refuse(session, PUSHER_NO_APP, "There is no app with that key");
	} else if (!is_known_protocol(session)) {
		pusher_refuse(session, PUSHER_BAD_PROTOCOL, "The protocol is to be 5, 6 or 7");
	} else if (options->app_connection_limit > 0 &&
	    app->connections > options->app_connection_limit) {
		pusher_refuse(
		    session, PUSHER_OVER_QUOTA, "The app has as many connections as it may");
	} else if (is_over_capacity(session->service->sessions)) {
		pusher_refuse(session, PUSHER_OVER_CAPACITY, "The server is full");
	} else {
		pusher_socket_id(session->uuid, socket_id);
		pusher_append_established(&text, socket_id, APP_ACTIVITY_TIMEOUT);
		pusher_send(session, &text);
	}
}
