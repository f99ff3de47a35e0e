/*
 * See api_channel.h and sockjs.h.
 */
#include "sessiond/api/api_channel.h"

#include "common/memory.h"
#include "sessiond/api/api.h"
#include "sessiond/channels/channel_message.h"
#include "sessiond/channels/channel_publish.h"
#include "sessiond/channels/channel_subscribe.h"
#include "sessiond/service/service.h"
#include "sessiond/session/membership.h"
#include "sessiond/session/session.h"
#include "sockjs/utf8.h"

#include <stdlib.h>
#include <string.h>

static struct channels *bound;

void
api_channel_bind(struct channels *channels)
{
	bound = channels;
}

void
api_channel_end_all(sockjs_service *service)
{
	channels_end_service(service);
}

/* --- who is there ----------------------------------------------------------------------------- */

struct presence_event {
	sockjs_service *service;
	sockjs_member member;
	bool is_there;
	char *channel; /* behind the member's id and info */
	char text[];
};

/* The service may have another callback by now, or none. */
static void
tell_presence(void *data)
{
	struct presence_event *event = data;

	if (event->service->presence != NULL)
		event->service->presence(
		    event->service, event->channel, &event->member, event->is_there);
	free(event);
}

/* A module is not called from within its own call: it hears of it afterwards. */
static void
note_presence(const struct channel_space *space, const char *channel,
    const struct channel_member *member, bool is_there)
{
	sockjs_service *service = space->service;
	size_t len = strlen(channel) + 1;
	struct presence_event *event;
	char *info;

	if (service->presence == NULL || member == NULL)
		return;
	event = xcalloc(1, sizeof *event + member->id_len + 1 + member->info_len + len);
	memcpy(event->text, member->id, member->id_len);
	info = event->text + member->id_len + 1;
	if (member->info_len > 0)
		memcpy(info, member->info, member->info_len);
	event->channel = info + member->info_len;
	memcpy(event->channel, channel, len);
	event->service = service;
	event->member = (sockjs_member){event->text, info, member->info_len};
	event->is_there = is_there;
	if (sockjs_run(service, tell_presence, event) != SOCKJS_OK)
		free(event);
}

/* With an engine, one of all daemons tells its module: `happened`. */
static void
note_own(const struct channel *channel, const struct presence_member *member, bool is_there)
{
	const struct channel_member told = {
	    member->id, member->by_id.len, member->info, member->info_len};

	if (channel->space->all->engine == NULL)
		note_presence(channel->space, channel->name, &told, is_there);
}

static void
joined(struct channel *channel, const struct presence_member *member, const struct session *session)
{
	(void)session;
	note_own(channel, member, true);
}

static void
parted(struct channel *channel, const struct presence_member *member)
{
	note_own(channel, member, false);
}

struct subscribed_event {
	sockjs_service *service;
	sockjs_connection connection;
	bool recovered;
	char channel[];
};

static void
tell_subscribed(void *data)
{
	struct subscribed_event *event = data;

	if (event->service->subscribed != NULL)
		event->service->subscribed(event->connection, event->channel, event->recovered);
	free(event);
}

static void
subscribed(struct channel *channel, struct session *session, const struct subscribing *subscribing,
    bool recovered)
{
	sockjs_service *service = channel->space->service;
	struct subscribed_event *event;

	(void)subscribing;
	if (service->subscribed == NULL)
		return;
	event = xmalloc(sizeof *event + channel->by_name.len + 1);
	*event = (struct subscribed_event){service, {session->handle}, recovered};
	memcpy(event->channel, channel->name, channel->by_name.len + 1);
	if (sockjs_run(service, tell_subscribed, event) != SOCKJS_OK)
		free(event);
}

static struct message *
compose(const struct channel_space *space, const struct publishing *publishing,
    const struct channel_position *position)
{
	return channel_message(
	    publishing, position, space->service->protocol.options.channel_envelope);
}

const struct channel_kind api_channel_kind = {.compose = compose,
    .subscribed = subscribed,
    .joined = joined,
    .parted = parted,
    .happened = note_presence};

/* --- subscribers ------------------------------------------------------------------------------ */

static int
result_of(const struct session *session, const char *call, enum channel_result result)
{
	switch (result) {
	case CHANNEL_OK:
		break;
	case CHANNEL_BAD_NAME:
		return api_refuse(
		    session, call, "the name of a channel is UTF-8 of 1 to 200 bytes");
	case CHANNEL_BAD_MEMBER:
		return api_refuse(session, call,
		    "the id of a member is UTF-8, not empty, and with its info within "
		    "`member_limit`");
	case CHANNEL_TOO_MANY:
	case CHANNEL_NO_ROOM:
	case CHANNEL_NO_STORE:
	case CHANNEL_AWAY:
		return SOCKJS_FULL;
	case CHANNEL_LATER:
		break;
	}
	return SOCKJS_OK;
}

/* What is no epoch is no channel's. */
static struct channel_position
position_of(const sockjs_position *from)
{
	char epoch[CHANNEL_EPOCH_SIZE];

	memcpy(epoch, from->epoch, sizeof epoch);
	epoch[sizeof epoch - 1] = '\0';
	return (struct channel_position){from->offset, channel_epoch_parse(epoch)};
}

static int
subscribe(struct session *session, const char *call, struct subscribing *subscribing,
    const sockjs_position *from, bool *recovered)
{
	struct channel_position position;

	if (session == NULL || session->close_told)
		return api_refuse_gone(session, call);
	if (subscribing->name == NULL)
		return api_refuse(session, call, "name is NULL");
	api_use(session->service, API_CHANNELS);
	subscribing->name_len = strlen(subscribing->name);
	if (from != NULL) {
		position = position_of(from);
		subscribing->from = &position;
	}
	return result_of(session, call,
	    channels_subscribe(
		channels_of(bound, session->service), subscribing, session, recovered));
}

int
sockjs_channel_subscribe(
    sockjs_connection connection, const char *name, const sockjs_position *from, bool *recovered)
{
	struct subscribing subscribing = {.name = name};
	bool ignored;
	struct session *session;

	recovered = recovered == NULL ? &ignored : recovered;
	*recovered = false;
	if (api_find(connection, __func__, &session) == SOCKJS_WRONG_THREAD)
		return SOCKJS_WRONG_THREAD;
	return subscribe(session, __func__, &subscribing, from, recovered);
}

int
sockjs_channel_join(sockjs_connection connection, const char *name, const sockjs_member *member,
    const sockjs_position *from, bool *recovered)
{
	struct channel_member wanted;
	struct subscribing subscribing = {.name = name, .member = &wanted};
	bool ignored;
	struct session *session;

	recovered = recovered == NULL ? &ignored : recovered;
	*recovered = false;
	if (api_find(connection, __func__, &session) == SOCKJS_WRONG_THREAD)
		return SOCKJS_WRONG_THREAD;
	if (member == NULL || member->id == NULL || (member->info == NULL && member->info_len > 0))
		return api_refuse(session, __func__, "member, or what is in it, is NULL");
	wanted =
	    (struct channel_member){member->id, strlen(member->id), member->info, member->info_len};
	return subscribe(session, __func__, &subscribing, from, recovered);
}

int
sockjs_channel_unsubscribe(sockjs_connection connection, const char *name)
{
	struct session *session;

	if (api_find(connection, __func__, &session) == SOCKJS_WRONG_THREAD)
		return SOCKJS_WRONG_THREAD;
	if (name == NULL)
		return api_refuse(session, __func__, "name is NULL");
	if (session != NULL)
		channels_unsubscribe(
		    channels_of(bound, session->service), name, strlen(name), session);
	return SOCKJS_OK;
}

/* --- publishing ------------------------------------------------------------------------------- */

int
sockjs_publish(sockjs_service *service, const char *name, const char *data, size_t len,
    sockjs_connection except)
{
	struct publishing publishing = {.name = name, .data = data, .len = len};
	struct channel_position position;
	struct session *session;

	if (!api_is_loop(__func__))
		return SOCKJS_WRONG_THREAD;
	if (!api_is_service(service, __func__))
		return SOCKJS_STOPPED;
	if (name == NULL || data == NULL)
		return api_refuse(NULL, __func__, "name or data is NULL");
	if (!utf8_is_valid_wtf8(data, len))
		return api_refuse(NULL, __func__, "the message is not UTF-8");
	api_use(service, API_CHANNELS);
	api_find(except, __func__, &session);
	publishing.name_len = strlen(name);
	publishing.except = session == NULL ? NULL : session->uuid;
	return result_of(NULL, __func__,
	    channels_publish(channels_of(bound, service), &publishing, NULL, &position));
}

/* --- what is known ---------------------------------------------------------------------------- */

static const struct channel *
find(const sockjs_service *service, const char *name, const char *call)
{
	if (!api_is_service(service, call))
		return NULL;
	if (name == NULL) {
		api_refuse(NULL, call, "name is NULL");
		return NULL;
	}
	if (service->channels == NULL)
		return NULL;
	return channels_find(service->channels, name, strlen(name));
}

size_t
sockjs_channel_subscribers(const sockjs_service *service, const char *name)
{
	const struct channel *channel = find(service, name, __func__);

	return channel == NULL ? 0 : channel_subscribers(channel);
}

sockjs_position
sockjs_channel_position(const sockjs_service *service, const char *name)
{
	const struct channel *channel = find(service, name, __func__);
	sockjs_position position = {0, ""};
	struct channel_position known;

	if (channel == NULL)
		return position;
	known = channel_position(channel);
	position.offset = known.offset;
	channel_epoch_text(known.epoch, position.epoch);
	return position;
}

struct telling {
	void (*each)(const sockjs_member *member, void *data);
	void *data;
};

static void
tell_member(struct presence_member *member, void *context)
{
	const struct telling *telling = context;
	const sockjs_member shown = {member->id, member->info, member->info_len};

	telling->each(&shown, telling->data);
}

size_t
sockjs_channel_members(const sockjs_service *service, const char *name,
    void (*each)(const sockjs_member *member, void *data), void *data)
{
	const struct channel *channel = find(service, name, __func__);
	struct telling telling = {each, data};

	if (channel != NULL && each != NULL)
		presence_each(channel->presence, tell_member, &telling);
	return channel == NULL ? 0 : presence_count(channel->presence);
}

int
sockjs_on_presence(sockjs_service *service, sockjs_presence_callback *callback)
{
	if (!api_is_loop(__func__))
		return SOCKJS_WRONG_THREAD;
	if (!api_is_service(service, __func__))
		return SOCKJS_STOPPED;
	service->presence = callback;
	return SOCKJS_OK;
}

int
sockjs_on_subscribed(sockjs_service *service, sockjs_subscribed_callback *callback)
{
	if (!api_is_loop(__func__))
		return SOCKJS_WRONG_THREAD;
	if (!api_is_service(service, __func__))
		return SOCKJS_STOPPED;
	service->subscribed = callback;
	return SOCKJS_OK;
}
