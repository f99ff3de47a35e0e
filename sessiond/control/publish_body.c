/*
 * See publish_body.h.
 */
#include "sessiond/control/publish_body.h"

#include <stdlib.h>
#include <string.h>

enum {
	BAD_REQUEST = 400,
	TOO_LARGE = 413,
	UNAVAILABLE = 503,
};

static void
read_target(const json_t *object, struct publish_message *message)
{
	const json_t *service = json_object_get(object, "service"),
		     *app = json_object_get(object, "app");

	message->name = json_string_value(app == NULL ? service : app);
	if (service == NULL && app == NULL)
		message->target = PUBLISH_TO_ONLY;
	else if (message->name == NULL || (service != NULL && app != NULL))
		message->target = PUBLISH_TO_UNCLEAR;
	else
		message->target = app == NULL ? PUBLISH_TO_SERVICE : PUBLISH_TO_APP;
}

/* A string that may be left out, or be null: NULL then. */
static int
read_optional(
    const json_t *object, const char *key, const char **text, size_t *len, struct error *err)
{
	const json_t *value = json_object_get(object, key);

	if (value == NULL || json_is_null(value))
		return 0;
	if (!json_is_string(value))
		return error_set(err, BAD_REQUEST, "\"%s\" is to be a string", key);
	*text = json_string_value(value);
	*len = json_string_length(value);
	return 0;
}

static int
read_data(const json_t *object, size_t limit, struct publish_message *message, struct error *err)
{
	const json_t *data = json_object_get(object, "data");
	struct publishing *publishing = &message->publishing;

	if (data == NULL)
		return error_set(err, BAD_REQUEST, "there is no \"data\"");
	if (json_is_string(data)) {
		publishing->data = json_string_value(data);
		publishing->len = json_string_length(data);
	} else {
		message->text = json_dumps(data, JSON_COMPACT | JSON_ENCODE_ANY);
		if (message->text == NULL)
			return error_set(err, UNAVAILABLE, "out of memory");
		publishing->data = message->text;
		publishing->len = strlen(message->text);
	}
	return publishing->len <= limit
	    ? 0
	    : error_set(err, TOO_LARGE, "\"data\" is longer than %zu bytes (publish_limit)", limit);
}

static int
read_message(const json_t *object, size_t limit, struct publish_message *message, struct error *err)
{
	struct publishing *publishing = &message->publishing;
	size_t except_len;

	if (!json_is_object(object))
		return error_set(err, BAD_REQUEST, "a message is to be a JSON object");
	read_target(object, message);
	if (read_optional(object, "channel", &publishing->name, &publishing->name_len, err) == -1 ||
	    read_optional(object, "event", &publishing->event, &publishing->event_len, err) == -1 ||
	    read_optional(object, "except", &publishing->except, &except_len, err) == -1)
		return -1;
	if (publishing->name == NULL ||
	    !channel_name_is_valid(publishing->name, publishing->name_len))
		return error_set(err, BAD_REQUEST, "\"channel\" is to be a name of 1 to 200 bytes");
	return read_data(object, limit, message, err);
}

int
publish_body_read(
    struct publish_body *body, const char *bytes, size_t len, size_t limit, struct error *err)
{
	json_error_t wrong;

	body->json = json_loadb(len == 0 ? "" : bytes, len, JSON_ALLOW_NUL, &wrong);
	if (body->json == NULL)
		return error_set(err, BAD_REQUEST, "the body is no JSON: %s", wrong.text);
	body->is_array = json_is_array(body->json);
	if (!body->is_array) {
		body->count = 1;
		return read_message(body->json, limit, &body->messages[0], err);
	}
	if (json_array_size(body->json) > PUBLISH_BATCH_MAX)
		return error_set(
		    err, BAD_REQUEST, "at most %d messages at once", PUBLISH_BATCH_MAX);
	for (; body->count < json_array_size(body->json); body->count++)
		if (read_message(json_array_get(body->json, body->count), limit,
			&body->messages[body->count], err) == -1) {
			body->count++;
			return -1;
		}
	return 0;
}

void
publish_body_clear(struct publish_body *body)
{
	size_t i;

	for (i = 0; i < body->count; i++)
		free(body->messages[i].text);
	json_decref(body->json);
	*body = (struct publish_body){.json = NULL};
}
