/* See pusher_message.h. */
#include "sessiond/pusher/pusher_message.h"

#include "sessiond/channels/channel_message.h"
#include "sockjs/json_string.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- socket ids ------------------------------------------------------------------------------- */

/* The hexadecimal digits of a uuid between its four hyphens: 16 and 16. */
static void
halves_of(const char *uuid, uint64_t halves[2])
{
	char digits[33] = "";
	size_t n = 0;

	for (; *uuid != '\0' && n < 32; uuid++)
		if (*uuid != '-')
			digits[n++] = *uuid;
	digits[n] = '\0';
	halves[1] = strtoull(digits + (n < 16 ? n : 16), NULL, 16);
	digits[16] = '\0';
	halves[0] = strtoull(digits, NULL, 16);
}

void
pusher_socket_id(const char *uuid, char id[PUSHER_SOCKET_ID_SIZE])
{
	uint64_t halves[2];

	halves_of(uuid, halves);
	snprintf(id, PUSHER_SOCKET_ID_SIZE, "%" PRIu64 ".%" PRIu64, halves[0], halves[1]);
}

bool
pusher_socket_uuid(const char *socket_id, char uuid[PUSHER_UUID_SIZE])
{
	char again[PUSHER_SOCKET_ID_SIZE];
	uint64_t high, low;

	if (sscanf(socket_id, "%20" SCNu64 ".%20" SCNu64, &high, &low) != 2)
		return false;
	snprintf(uuid, PUSHER_UUID_SIZE,
	    "%08" PRIx64 "-%04" PRIx64 "-%04" PRIx64 "-%04" PRIx64 "-%012" PRIx64, high >> 32,
	    high >> 16 & 0xffff, high & 0xffff, low >> 48, low & UINT64_C(0xffffffffffff));
	pusher_socket_id(uuid, again);
	return strcmp(again, socket_id) == 0;
}

/* --- events ----------------------------------------------------------------------------------- */

static void
append_string(struct buffer *out, const char *text)
{
	json_string_append(out, text, strlen(text), 0);
}

/* {"event":"...","channel":"..." */
static void
begin(struct buffer *out, const char *event, const char *channel)
{
	buffer_append_str(out, "{\"event\":");
	append_string(out, event);
	if (channel == NULL)
		return;
	buffer_append_str(out, ",\"channel\":");
	append_string(out, channel);
}

void
pusher_append_plain(struct buffer *out, const char *event, const char *data)
{
	begin(out, event, NULL);
	buffer_append_str(out, ",\"data\":");
	append_string(out, data);
	buffer_append_char(out, '}');
}

void
pusher_append_signed_in(struct buffer *out, const char *user_data, size_t len)
{
	struct buffer data = BUFFER_INIT;

	buffer_append_str(&data, "{\"user_data\":");
	json_string_append(&data, user_data, len, 0);
	buffer_append_str(&data, "}");
	begin(out, "pusher:signin_success", NULL);
	buffer_append_str(out, ",\"data\":");
	json_string_append(out, data.data, data.len, 0);
	buffer_append_char(out, '}');
	out->failed = out->failed || buffer_failed(&data);
	buffer_free(&data);
}

void
pusher_append_event(
    struct buffer *out, const char *event, const char *channel, const char *data, size_t len)
{
	begin(out, event, channel);
	buffer_append_str(out, ",\"data\":");
	json_string_append(out, data, len, 0);
	buffer_append_char(out, '}');
}

void
pusher_append_established(struct buffer *out, const char *socket_id, unsigned timeout)
{
	char data[PUSHER_SOCKET_ID_SIZE + 64];

	snprintf(data, sizeof data, "{\"socket_id\":\"%s\",\"activity_timeout\":%u}", socket_id,
	    timeout);
	pusher_append_plain(out, "pusher:connection_established", data);
}

void
pusher_append_error(struct buffer *out, int code, const char *text)
{
	buffer_append_str(out, "{\"event\":\"pusher:error\",\"data\":{\"code\":");
	if (code == 0)
		buffer_append_str(out, "null");
	else
		buffer_printf(out, "%d", code);
	buffer_append_str(out, ",\"message\":");
	append_string(out, text);
	buffer_append_str(out, "}}");
}

void
pusher_append_refusal(
    struct buffer *out, const char *channel, const char *type, const char *text, int status)
{
	struct buffer data = BUFFER_INIT;

	buffer_append_str(&data, "{\"type\":");
	append_string(&data, type);
	buffer_append_str(&data, ",\"error\":");
	append_string(&data, text);
	buffer_printf(&data, ",\"status\":%d}", status);
	if (buffer_failed(&data))
		out->failed = true;
	else
		pusher_append_event(out, "pusher:subscription_error", channel, data.data, data.len);
	buffer_free(&data);
}

static void
append_position(struct buffer *out, const struct channel_position *position)
{
	char epoch[CHANNEL_EPOCH_SIZE];

	if (position == NULL)
		return;
	channel_epoch_text(position->epoch, epoch);
	buffer_printf(out, ",\"offset\":%" PRIu64 ",\"epoch\":\"%s\"", position->offset, epoch);
}

void
pusher_append_succeeded(struct buffer *out, const struct channel *channel,
    const struct buffer *data, const struct channel_position *position, const bool *recovered)
{
	begin(out, "pusher_internal:subscription_succeeded", channel->name);
	buffer_append_str(out, ",\"data\":");
	json_string_append(out, data->data, data->len, 0);
	append_position(out, position);
	if (recovered != NULL)
		buffer_printf(out, ",\"recovered\":%s", *recovered ? "true" : "false");
	buffer_append_char(out, '}');
	out->failed = out->failed || buffer_failed(data);
}

void
pusher_append_published(struct buffer *out, const struct publishing *publishing,
    const struct channel_position *position)
{
	buffer_append_str(out, "{\"event\":");
	json_string_append(out, publishing->event, publishing->event_len, 0);
	buffer_append_str(out, ",\"channel\":");
	json_string_append(out, publishing->name, publishing->name_len, 0);
	buffer_append_str(out, ",\"data\":");
	json_string_append(out, publishing->data, publishing->len, 0);
	append_position(out, position);
	buffer_append_char(out, '}');
}

void
pusher_append_client_event(
    struct buffer *out, const char *event, const char *channel, const char *data, const char *user)
{
	begin(out, event, channel);
	buffer_append_str(out, ",\"data\":");
	buffer_append_str(out, data);
	if (user != NULL) {
		buffer_append_str(out, ",\"user_id\":");
		append_string(out, user);
	}
	buffer_append_char(out, '}');
}

/* --- members ---------------------------------------------------------------------------------- */

struct listing {
	struct buffer *out;
	bool with_info;
	bool is_begun;
};

static void
append_listed(struct presence_member *member, void *context)
{
	struct listing *listing = context;

	if (listing->is_begun)
		buffer_append_char(listing->out, ',');
	listing->is_begun = true;
	append_string(listing->out, member->id);
	if (!listing->with_info)
		return;
	buffer_append_char(listing->out, ':');
	buffer_append(listing->out, member->info, member->info_len);
}

void
pusher_append_members(struct buffer *out, const struct presence *presence)
{
	struct listing ids = {out, false, false}, hash = {out, true, false};

	buffer_printf(out, "{\"presence\":{\"count\":%zu,\"ids\":[", presence_count(presence));
	presence_each(presence, append_listed, &ids);
	buffer_append_str(out, "],\"hash\":{");
	presence_each(presence, append_listed, &hash);
	buffer_append_str(out, "}}}");
}

void
pusher_append_member(struct buffer *out, const struct presence_member *member)
{
	buffer_append_str(out, "{\"user_id\":");
	append_string(out, member->id);
	buffer_append_str(out, ",\"user_info\":");
	buffer_append(out, member->info, member->info_len);
	buffer_append_char(out, '}');
}

void
pusher_append_member_id(struct buffer *out, const struct presence_member *member)
{
	buffer_append_str(out, "{\"user_id\":");
	append_string(out, member->id);
	buffer_append_char(out, '}');
}
