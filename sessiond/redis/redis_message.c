/* See redis_message.h. */
#include "sessiond/redis/redis_message.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* --- writing ---------------------------------------------------------------------------------- */

void
redis_message_put(struct buffer *out, const struct publishing *publishing)
{
	size_t except = publishing->except == NULL ? 0 : strlen(publishing->except);

	if (publishing->event == NULL)
		buffer_printf(out, "%zu - ", except);
	else
		buffer_printf(out, "%zu %zu ", except, publishing->event_len);
	if (except > 0)
		buffer_append(out, publishing->except, except);
	if (publishing->event != NULL)
		buffer_append(out, publishing->event, publishing->event_len);
	buffer_append(out, publishing->data, publishing->len);
}

void
redis_message_put_text(struct buffer *out, const char *text, size_t len, const char *except)
{
	buffer_printf(
	    out, "S%zu %s", except == NULL ? 0 : strlen(except), except == NULL ? "" : except);
	buffer_append(out, text, len);
}

/* --- reading ---------------------------------------------------------------------------------- */

/* What is left to be read. */
struct rest {
	const char *at, *end;
};

/* A decimal number and what follows it, which is cut off. */
static bool
take_number(struct rest *rest, char behind, uint64_t *number)
{
	const char *at = rest->at;
	uint64_t value = 0;

	for (; at < rest->end && *at >= '0' && *at <= '9'; at++) {
		if (value > (UINT64_MAX - 9) / 10)
			return false;
		value = 10 * value + (uint64_t)(*at - '0');
	}
	if (at == rest->at || at == rest->end || *at != behind)
		return false;
	rest->at = at + 1;
	*number = value;
	return true;
}

static bool
take_bytes(struct rest *rest, uint64_t len, const char **bytes)
{
	if (len > (uint64_t)(rest->end - rest->at))
		return false;
	*bytes = rest->at;
	rest->at += len;
	return true;
}

/* Except, of that length: NULL if that is 0. */
static bool
take_except(struct rest *rest, uint64_t len, char except[REDIS_UUID_SIZE])
{
	const char *bytes;

	if (len >= REDIS_UUID_SIZE || !take_bytes(rest, len, &bytes))
		return false;
	memcpy(except, bytes, len);
	except[len] = '\0';
	return strlen(except) == len;
}

bool
redis_message_read_entry(const char *bytes, size_t len, struct redis_publication *publication)
{
	struct publishing *publishing = &publication->publishing;
	struct rest rest = {bytes, bytes + len};
	uint64_t except, event = 0;

	*publishing = (struct publishing){.name = NULL};
	if (!take_number(&rest, ' ', &publication->time) || !take_number(&rest, ' ', &except))
		return false;
	if (rest.end - rest.at >= 2 && memcmp(rest.at, "- ", 2) == 0) {
		rest.at += 2;
	} else if (take_number(&rest, ' ', &event)) {
		publishing->event_len = (size_t)event;
		publishing->event = "";
	} else {
		return false;
	}
	if (!take_except(&rest, except, publication->except))
		return false;
	if (publishing->event != NULL && !take_bytes(&rest, event, &publishing->event))
		return false;
	publishing->except = except == 0 ? NULL : publication->except;
	publishing->data = rest.at;
	publishing->len = (size_t)(rest.end - rest.at);
	return true;
}

static bool
read_publication(struct rest *rest, struct redis_publication *publication)
{
	char epoch[CHANNEL_EPOCH_SIZE];
	const char *bytes;

	if (!take_number(rest, ' ', &publication->position.offset) ||
	    publication->position.offset == 0 || !take_bytes(rest, CHANNEL_EPOCH_SIZE - 1, &bytes))
		return false;
	memcpy(epoch, bytes, sizeof epoch - 1);
	epoch[sizeof epoch - 1] = '\0';
	publication->position.epoch = channel_epoch_parse(epoch);
	return publication->position.epoch != 0 && take_bytes(rest, 1, &bytes) && *bytes == ' ' &&
	    redis_message_read_entry(rest->at, (size_t)(rest->end - rest->at), publication);
}

static bool
read_text(struct rest *rest, struct redis_message *message)
{
	uint64_t except;

	if (!take_number(rest, ' ', &except) ||
	    !take_except(rest, except, message->publication.except))
		return false;
	message->publication.publishing.except = except == 0 ? NULL : message->publication.except;
	message->text = rest->at;
	message->len = (size_t)(rest->end - rest->at);
	return true;
}

static bool
read_member(struct rest *rest, struct redis_message *message)
{
	uint64_t len;

	if (!take_number(rest, ' ', &message->number) || !take_number(rest, ' ', &len) ||
	    len == 0 || !take_bytes(rest, len, &message->text))
		return false;
	message->len = (size_t)len;
	message->info = rest->at;
	message->info_len = (size_t)(rest->end - rest->at);
	return true;
}

/* The text ends with it: one more byte than there is would be behind. */
static bool
read_count(struct rest *rest, struct redis_message *message)
{
	char text[24];
	size_t len = (size_t)(rest->end - rest->at);
	struct rest copy = {text, text};

	if (len == 0 || len > sizeof text - 1)
		return false;
	memcpy(text, rest->at, len);
	text[len] = ' ';
	copy.end += len + 1;
	return take_number(&copy, ' ', &message->number);
}

void
redis_message_read(const char *bytes, size_t len, struct redis_message *message)
{
	struct rest rest = {bytes + 1, bytes + len};
	bool is_right = false;

	*message = (struct redis_message){.kind = REDIS_STRANGE};
	if (len == 0)
		return;
	switch (bytes[0]) {
	case 'P':
		message->kind = REDIS_PUBLISHED;
		is_right = read_publication(&rest, &message->publication);
		break;
	case 'S':
		message->kind = REDIS_SENT;
		is_right = read_text(&rest, message);
		break;
	case '+':
	case '-':
		message->kind = bytes[0] == '+' ? REDIS_JOINED : REDIS_PARTED;
		is_right = read_member(&rest, message);
		break;
	case '#':
		message->kind = REDIS_COUNTED;
		is_right = read_count(&rest, message);
		break;
	case 'X':
		message->kind = REDIS_SIGNALLED;
		is_right = len == 1;
		break;
	}
	if (!is_right)
		message->kind = REDIS_STRANGE;
}

uint64_t
redis_message_read_id(const char *text, size_t len)
{
	struct rest rest = {text, text + len};
	uint64_t offset;

	return take_number(&rest, '-', &offset) ? offset : 0;
}
