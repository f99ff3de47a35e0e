/*
 * See publish.h.
 */
#include "sessiond/control/publish.h"

#include "common/error.h"
#include "sessiond/channels/channel_publish.h"
#include "sessiond/http/http_request.h"
#include "sessiond/modules/services.h"
#include "sessiond/pusher/pusher_app.h"
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
	struct pusher_app *app;	      /* NULL: it is for the service */
	struct publishing publishing; /* borrows from the body's JSON, and text */
	char *text;		      /* of data that is no string; NULL: it is one */
};

struct batch {
	json_t *json;
	struct wanted wanted[PUBLISH_BATCH_MAX];
	size_t count;
};

/* --- what is wanted --------------------------------------------------------------------------- */

/* One that is no app's. */
static bool
is_plain(const struct sockjs_service *service)
{
	return service->socket_prefix.name == NULL;
}

struct targets {
	size_t services, apps;
	struct sockjs_service *last;
};

static struct targets
count_targets(const struct services *services)
{
	struct targets targets = {0, 0, NULL};
	size_t i;

	for (i = 0; i < services->count; i++) {
		struct sockjs_service *service = services->items[i];

		if (!is_plain(service) && service->app == NULL)
			continue;
		targets.services += is_plain(service);
		targets.apps += !is_plain(service);
		targets.last = service;
	}
	return targets;
}

static int
need_target(const struct targets *targets, struct error *err)
{
	if (targets->apps == 0)
		return error_set(err, BAD_REQUEST,
		    "\"service\" is to be the prefix of one of the %zu services",
		    targets->services);
	return error_set(err, BAD_REQUEST,
	    "\"service\" is to be the prefix of one of the %zu services, or \"app\" the name of one "
	    "of the %zu apps",
	    targets->services, targets->apps);
}

static struct sockjs_service *
find_service(const struct services *services, const char *name)
{
	size_t i;

	for (i = 0; i < services->count; i++)
		if (is_plain(services->items[i]) && strcmp(services->items[i]->name, name) == 0)
			return services->items[i];
	return NULL;
}

static int
find_target(const struct services *services, const json_t *message, struct wanted *wanted,
    struct error *err)
{
	const json_t *service = json_object_get(message, "service"),
		     *app = json_object_get(message, "app");
	const struct targets targets = count_targets(services);

	if (service == NULL && app == NULL && targets.services + targets.apps == 1)
		wanted->service = targets.last;
	else if (json_is_string(service) && app == NULL)
		wanted->service = find_service(services, json_string_value(service));
	else if (json_is_string(app) && service == NULL)
		wanted->app = pusher_app_find(json_string_value(app));
	else
		return need_target(&targets, err);
	if (wanted->service != NULL && !is_plain(wanted->service))
		wanted->app = pusher_app_find(wanted->service->app);
	if (wanted->service != NULL || wanted->app != NULL)
		return 0;
	return error_set(err, NOT_FOUND, "there is no %s %.100s", app == NULL ? "service" : "app",
	    json_string_value(app == NULL ? service : app));
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

/* As an app has it: except is a socket_id there. */
static struct pusher_event
event_of(const struct wanted *wanted)
{
	const struct publishing *publishing = &wanted->publishing;

	return (struct pusher_event){publishing->name, publishing->name_len, publishing->event,
	    publishing->event_len, publishing->data, publishing->len, publishing->except};
}

static int
check_event(const struct wanted *wanted, size_t limit, struct error *err)
{
	const struct pusher_event event = event_of(wanted);
	const char *why;
	enum pusher_result result = pusher_check(&event, limit, &why);

	return result == PUSHER_OK ? 0 : error_set(err, (int)result, "%s", why);
}

static int
read_message(const struct services *services, const json_t *message, size_t limit,
    struct wanted *wanted, struct error *err)
{
	struct publishing *publishing = &wanted->publishing;
	size_t except_len;

	if (!json_is_object(message))
		return error_set(err, BAD_REQUEST, "a message is to be a JSON object");
	if (find_target(services, message, wanted, err) == -1 ||
	    read_optional(message, "channel", &publishing->name, &publishing->name_len, err) ==
		-1 ||
	    read_optional(message, "event", &publishing->event, &publishing->event_len, err) ==
		-1 ||
	    read_optional(message, "except", &publishing->except, &except_len, err) == -1)
		return -1;
	if (publishing->name == NULL ||
	    !channel_name_is_valid(publishing->name, publishing->name_len))
		return error_set(err, BAD_REQUEST, "\"channel\" is to be a name of 1 to 200 bytes");
	if (read_data(message, limit, wanted, err) == -1)
		return -1;
	return wanted->app == NULL ? 0 : check_event(wanted, limit, err);
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

/* NULL: it is published; else why not. */
static const char *
publish_one(
    struct channels *channels, const struct wanted *wanted, struct channel_position *position)
{
	const struct pusher_event event = event_of(wanted);
	enum channel_result result;
	const char *why;

	if (wanted->app != NULL)
		return pusher_publish(wanted->app, &event, position, &why) == PUSHER_OK ? NULL
											: why;
	result =
	    channels_publish(channels_of(channels, wanted->service), &wanted->publishing, position);
	return result == CHANNEL_OK ? NULL : reason_of(result);
}

/* Returns the answer; NULL and an error after one that could not be published. */
static json_t *
publish(struct channels *channels, const struct batch *batch, struct error *err)
{
	json_t *answer = json_array();
	size_t i;

	for (i = 0; i < batch->count; i++) {
		struct channel_position position;
		const char *why = publish_one(channels, &batch->wanted[i], &position);

		if (why != NULL) {
			json_decref(answer);
			error_set(err, UNAVAILABLE, "%zu of %zu were published: %s", i,
			    batch->count, why);
			return NULL;
		}
		json_array_append_new(answer, describe(&position));
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
