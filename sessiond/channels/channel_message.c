/*
 * See channel_message.h.
 */
#include "sessiond/channels/channel_message.h"

#include "common/buffer.h"
#include "sessiond/session/message.h"
#include "sockjs/json_string.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void
channel_epoch_text(uint64_t epoch, char text[CHANNEL_EPOCH_SIZE])
{
	snprintf(text, CHANNEL_EPOCH_SIZE, "%016" PRIx64, epoch);
}

uint64_t
channel_epoch_parse(const char *text)
{
	uint64_t epoch;

	if (strlen(text) != CHANNEL_EPOCH_SIZE - 1 ||
	    strspn(text, "0123456789abcdef") != CHANNEL_EPOCH_SIZE - 1 ||
	    sscanf(text, "%" SCNx64, &epoch) != 1)
		return 0;
	return epoch;
}

static void
append_envelope(struct buffer *out, const struct publishing *publishing,
    const struct channel_position *position)
{
	char epoch[CHANNEL_EPOCH_SIZE];

	channel_epoch_text(position->epoch, epoch);
	buffer_append_str(out, "{\"channel\":");
	json_string_append(out, publishing->name, publishing->name_len, 0);
	if (publishing->event != NULL) {
		buffer_append_str(out, ",\"event\":");
		json_string_append(out, publishing->event, publishing->event_len, 0);
	}
	buffer_append_str(out, ",\"data\":");
	json_string_append(out, publishing->data, publishing->len, 0);
	buffer_printf(out, ",\"offset\":%" PRIu64 ",\"epoch\":\"%s\"}", position->offset, epoch);
}

struct message *
channel_message(
    const struct publishing *publishing, const struct channel_position *position, bool has_envelope)
{
	struct buffer envelope = BUFFER_INIT;
	struct message *message = NULL;

	if (!has_envelope)
		return message_create(publishing->data, publishing->len, false);
	append_envelope(&envelope, publishing, position);
	if (!buffer_failed(&envelope))
		message = message_create(envelope.data, envelope.len, false);
	buffer_free(&envelope);
	return message;
}
