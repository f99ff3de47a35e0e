/*
 * See publish.h.
 */
#include "sessiond/control/publish.h"

#include "common/error.h"
#include "sessiond/channels/channel_publish.h"
#include "sessiond/http/http_request.h"
#include "sessiond/modules/services.h"
#include "sessiond/service/watch.h"
#include "sessiond/session/session_set.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum {
	OK = 200,
	BAD_REQUEST = 400,
	NOT_FOUND = 404,
	TOO_LARGE = 413,
	UNAVAILABLE = 503,
};

/* One message of the body. */
struct wanted {
	struct sockjs_service *service;
	struct publishing publishing; /* borrows from the body's JSON, and text */
	char *text;		      /* of data that is no string; NULL: it is one */
};

struct batch {
	json_t *json;
	struct wanted wanted[PUBLISH_BATCH_MAX];
	size_t count;
};

/* --- what is wanted --------------------------------------------------------------------------- */

static int
find_service(const struct services *services, const json_t *message, struct wanted *wanted,
    struct error *err)
{
	const json_t *name = json_object_get(message, "service");
	size_t i;

	if (name == NULL && services->count == 1) {
		wanted->service = services->items[0];
		return 0;
	}
	if (!json_is_string(name))
		return error_set(err, BAD_REQUEST,
		    "\"service\" is to be the prefix of one of the %zu services", services->count);
	for (i = 0; i < services->count; i++)
		if (strcmp(services->items[i]->name, json_string_value(name)) == 0)
			wanted->service = services->items[i];
	return wanted->service != NULL
	    ? 0
	    : error_set(err, NOT_FOUND, "there is no service %.100s", json_string_value(name));
}

/* A string that may be left out, or be null: NULL then. */
static int
read_optional(
    const json_t *message, const char *key, const char **text, size_t *len, struct error *err)
{
	const json_t *value = json_object_get(message, key);

	if (value == NULL || json_is_null(value))
		return 0;
	if (!json_is_string(value))
		return error_set(err, BAD_REQUEST, "\"%s\" is to be a string", key);
	*text = json_string_value(value);
	*len = json_string_length(value);
	return 0;
}

static int
read_data(const json_t *message, size_t limit, struct wanted *wanted, struct error *err)
{
	const json_t *data = json_object_get(message, "data");

	if (data == NULL)
		return error_set(err, BAD_REQUEST, "there is no \"data\"");
	if (json_is_string(data)) {
		wanted->publishing.data = json_string_value(data);
		wanted->publishing.len = json_string_length(data);
	} else {
		wanted->text = json_dumps(data, JSON_COMPACT | JSON_ENCODE_ANY);
		if (wanted->text == NULL)
			return error_set(err, UNAVAILABLE, "out of memory");
		wanted->publishing.data = wanted->text;
		wanted->publishing.len = strlen(wanted->text);
	}
	return wanted->publishing.len <= limit
	    ? 0
	    : error_set(err, TOO_LARGE, "\"data\" is longer than %zu bytes (publish_limit)", limit);
}

static int
read_message(const struct services *services, const json_t *message, size_t limit,
    struct wanted *wanted, struct error *err)
{
	struct publishing *publishing = &wanted->publishing;
	size_t except_len;

	if (!json_is_object(message))
		return error_set(err, BAD_REQUEST, "a message is to be a JSON object");
	if (find_service(services, message, wanted, err) == -1 ||
	    read_optional(message, "channel", &publishing->name, &publishing->name_len, err) ==
		-1 ||
	    read_optional(message, "event", &publishing->event, &publishing->event_len, err) ==
		-1 ||
	    read_optional(message, "except", &publishing->except, &except_len, err) == -1)
		return -1;
	if (publishing->name == NULL ||
	    !channel_name_is_valid(publishing->name, publishing->name_len))
		return error_set(err, BAD_REQUEST, "\"channel\" is to be a name of 1 to 200 bytes");
	return read_data(message, limit, wanted, err);
}

static int
read_batch(const struct http_request *request, const struct services *services, size_t limit,
    struct batch *batch, struct error *err)
{
	json_error_t wrong;
	size_t i;

	batch->json = json_loadb(request->body.len == 0 ? "" : request->body.data,
	    request->body.len, JSON_ALLOW_NUL, &wrong);
	if (batch->json == NULL)
		return error_set(err, BAD_REQUEST, "the body is no JSON: %s", wrong.text);
	batch->count = json_is_array(batch->json) ? json_array_size(batch->json) : 1;
	if (batch->count > PUBLISH_BATCH_MAX) {
		batch->count = 0;
		return error_set(
		    err, BAD_REQUEST, "at most %d messages at once", PUBLISH_BATCH_MAX);
	}
	for (i = 0; i < batch->count; i++) {
		const json_t *message =
		    json_is_array(batch->json) ? json_array_get(batch->json, i) : batch->json;

		if (read_message(services, message, limit, &batch->wanted[i], err) == -1)
			return -1;
	}
	return 0;
}

/* --- what comes of it ------------------------------------------------------------------------- */

static const char *
reason_of(enum channel_result result)
{
	switch (result) {
	case CHANNEL_TOO_MANY:
		return "there are too many channels (channels_limit)";
	case CHANNEL_NO_STORE:
		return "the store cannot be written";
	case CHANNEL_NO_ROOM:
	case CHANNEL_BAD_NAME:
	case CHANNEL_BAD_MEMBER:
	case CHANNEL_OK:
		break;
	}
	return "there is no room for it (history_limit, histories_limit, memory)";
}

static json_t *
describe(const struct channel_position *position)
{
	char epoch[CHANNEL_EPOCH_SIZE] = "";

	if (position->epoch != 0)
		channel_epoch_text(position->epoch, epoch);
	return json_pack("{sI ss}", "offset", (json_int_t)position->offset, "epoch", epoch);
}

static void
tell(const struct wanted *wanted)
{
	const struct publishing *publishing = &wanted->publishing;

	watch_publication(wanted->service, publishing->name, publishing->name_len, publishing->data,
	    publishing->len);
}

/* Returns the answer; NULL and an error after one that could not be published. */
static json_t *
publish(struct channels *channels, const struct batch *batch, struct error *err)
{
	json_t *answer = json_array();
	size_t i;

	for (i = 0; i < batch->count; i++) {
		const struct wanted *wanted = &batch->wanted[i];
		struct channel_position position;
		enum channel_result result = channels_publish(
		    channels_of(channels, wanted->service), &wanted->publishing, &position);

		if (result != CHANNEL_OK) {
			json_decref(answer);
			error_set(err, UNAVAILABLE, "%zu of %zu were published: %s", i,
			    batch->count, reason_of(result));
			return NULL;
		}
		json_array_append_new(answer, describe(&position));
		if (watch_is_on())
			tell(wanted);
	}
	return answer;
}

static void
answer_with(struct http_request *request, const struct batch *batch, const json_t *answer)
{
	struct http_response *response = &request->response;
	char *text = json_dumps(
	    json_is_array(batch->json) ? answer : json_array_get(answer, 0), JSON_COMPACT);

	response->concerns_session = response->acknowledges = true;
	journal_note_send(&request->all->sessions->journal);
	if (text == NULL)
		http_response_set(response, NULL, UNAVAILABLE);
	else
		http_response_text(response, OK, "application/json", text, strlen(text));
	free(text);
}

static void
refuse(struct http_request *request, const struct error *err)
{
	char text[sizeof err->text + 1];

	snprintf(text, sizeof text, "%s\n", err->text);
	http_response_text(
	    &request->response, err->code, "text/plain; charset=UTF-8", text, strlen(text));
}

void
publish_answer(struct http_request *request, const struct services *services,
    struct channels *channels, size_t limit)
{
	struct batch *batch = calloc(1, sizeof *batch);
	struct error err = ERROR_INIT;
	json_t *answer = NULL;
	size_t i;

	if (batch == NULL || buffer_failed(&request->body)) {
		error_set(&err, UNAVAILABLE, "out of memory");
	} else if (read_batch(request, services, limit, batch, &err) == 0) {
		answer = publish(channels, batch, &err);
	}
	if (err.code == TOO_LARGE)
		request->all->sessions->limits.reached[LIMIT_PUBLISH]++;
	if (answer == NULL)
		refuse(request, &err);
	else
		answer_with(request, batch, answer);
	json_decref(answer);
	for (i = 0; batch != NULL && i < batch->count; i++)
		free(batch->wanted[i].text);
	if (batch != NULL)
		json_decref(batch->json);
	free(batch);
}
