/*
 * See send_body.h. Both programs decode sends with it.
 */
#include "sockjs/send_body.h"

#include "sockjs/form.h"
#include "sockjs/message_array.h"

#include <string.h>
#include <strings.h>

static bool
is_form(const char *content_type)
{
	static const char form[] = "application/x-www-form-urlencoded";
	char after;

	if (content_type == NULL || strncasecmp(content_type, form, strlen(form)) != 0)
		return false;
	after = content_type[strlen(form)];
	return after == '\0' || after == ';' || after == ' ' || after == '\t';
}

/* Moves the field `d` to the body's start, decoded; the body is empty without one. */
static void
extract_field(struct buffer *body)
{
	const char *value;
	size_t len;

	if (!form_find(body->data, body->len, "d", &value, &len)) {
		body->len = 0;
		return;
	}
	memmove(body->data, value, len);
	body->len = form_decode(body->data, len);
}

static const char *
error_of(ssize_t decoded)
{
	switch (decoded) {
	case MESSAGE_ARRAY_BROKEN:
		return "Broken JSON encoding.";
	case MESSAGE_ARRAY_TOO_MANY:
		return "Too many messages.";
	default:
		return "Payload expected.";
	}
}

const char *
send_body_decode(
    struct buffer *body, bool form, const char *content_type, size_t max_messages, size_t *len)
{
	ssize_t decoded = MESSAGE_ARRAY_PAYLOAD;
	size_t count;

	if (form && body->len > 0 && is_form(content_type))
		extract_field(body);
	if (body->len > 0)
		decoded = message_array_decode(body->data, body->len, 0, max_messages, &count);
	if (decoded < 0)
		return error_of(decoded);
	*len = (size_t)decoded;
	return NULL;
}
