/*
 * See api_channel.h and sockjs.h.
 */
#include "sessiond/api/api_channel.h"

#include "sessiond/api/api.h"
#include "sessiond/channels/channel_message.h"
#include "sessiond/channels/channels.h"
#include "sessiond/service/service.h"
#include "sessiond/session/session.h"
#include "sockjs/utf8.h"

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
	case CHANNEL_TOO_MANY:
	case CHANNEL_NO_ROOM:
	case CHANNEL_NO_STORE:
		return SOCKJS_FULL;
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

int
sockjs_channel_subscribe(
    sockjs_connection connection, const char *name, const sockjs_position *from, bool *recovered)
{
	struct channel_position position = {0, 0};
	struct session *session;
	bool is_recovered = false;
	int result = api_find(connection, __func__, &session);

	if (recovered != NULL)
		*recovered = false;
	if (result == SOCKJS_WRONG_THREAD)
		return result;
	if (session == NULL || session->close_told)
		return api_refuse_gone(session, __func__);
	if (name == NULL)
		return api_refuse(session, __func__, "name is NULL");
	if (from != NULL)
		position = position_of(from);
	result = result_of(session, __func__,
	    channels_subscribe(channels_of(bound, session->service), name, strlen(name), session,
		from == NULL ? NULL : &position, &is_recovered));
	if (recovered != NULL)
		*recovered = is_recovered;
	return result;
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
	api_find(except, __func__, &session);
	publishing.name_len = strlen(name);
	publishing.except = session == NULL ? NULL : session->uuid;
	return result_of(
	    NULL, __func__, channels_publish(channels_of(bound, service), &publishing, &position));
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

	return channel == NULL ? 0 : channel->subscribers.count;
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
