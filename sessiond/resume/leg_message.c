/*
 * See leg_message.h.
 */
#include "sessiond/resume/leg_message.h"

#include "common/random.h"

#include <stdbool.h>
#include <string.h>

/* A count at *at, which is moved behind it. No sign, no further zeros. */
static bool
read_count(const char **at, const char *end, uint64_t *count)
{
	const char *begin = *at;

	*count = 0;
	while (*at < end && **at >= '0' && **at <= '9' && *count <= LEG_COUNT_MAX)
		*count = *count * 10 + (uint64_t)(*(*at)++ - '0');
	return *at > begin && *count <= LEG_COUNT_MAX && (*begin != '0' || *at == begin + 1);
}

static bool
is_key(const char *key, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (!((key[i] >= '0' && key[i] <= '9') || (key[i] >= 'a' && key[i] <= 'f')))
			return false;
	return len == LEG_KEY_LEN;
}

static bool
read_number(struct leg_message *message, const char *at, const char *end)
{
	if (!read_count(&at, end, &message->count) || message->count == 0 || at == end ||
	    *at != ' ')
		return false;
	message->data = at + 1;
	message->len = (size_t)(end - message->data);
	return true;
}

/* What is behind its mark and its letter. */
static bool
read_rest(struct leg_message *message, const char *at, const char *end)
{
	switch (message->kind) {
	case LEG_MESSAGE_RESUME:
		if (!read_count(&at, end, &message->count) || at == end || *at != ' ')
			return false;
		message->key = at + 1;
		return is_key(message->key, (size_t)(end - message->key));
	case LEG_MESSAGE_ACK:
		return read_count(&at, end, &message->count) && at == end;
	default:
		return at == end;
	}
}

static enum leg_message_kind
kind_of(char letter)
{
	switch (letter) {
	case 'n':
		return LEG_MESSAGE_NEW;
	case 'r':
		return LEG_MESSAGE_RESUME;
	case 'a':
		return LEG_MESSAGE_ACK;
	case '?':
		return LEG_MESSAGE_ASK;
	case 'c':
		return LEG_MESSAGE_CLOSE;
	default:
		return LEG_MESSAGE_BROKEN;
	}
}

struct leg_message
leg_message_read(const char *data, size_t len)
{
	struct leg_message message = {.kind = LEG_MESSAGE_DATA, .data = data, .len = len};

	if (len == 0 || data[0] != LEG_MARK)
		return message;
	if (len > 1 && data[1] == LEG_MARK) {
		message.data++;
		message.len--;
		return message;
	}
	if (len > 1 && data[1] >= '0' && data[1] <= '9') {
		if (!read_number(&message, data + 1, data + len))
			message.kind = LEG_MESSAGE_BROKEN;
		return message;
	}
	message.kind = len == 1 ? LEG_MESSAGE_BROKEN : kind_of(data[1]);
	if (message.kind != LEG_MESSAGE_BROKEN && !read_rest(&message, data + 2, data + len))
		message.kind = LEG_MESSAGE_BROKEN;
	return message;
}

void
leg_key_make(char key[LEG_KEY_LEN])
{
	static const char digits[] = "0123456789abcdef";
	unsigned char bytes[LEG_KEY_LEN / 2];
	size_t i;

	random_bytes(bytes, sizeof bytes);
	for (i = 0; i < sizeof bytes; i++) {
		key[2 * i] = digits[bytes[i] >> 4];
		key[2 * i + 1] = digits[bytes[i] & 15];
	}
}
