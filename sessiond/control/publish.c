/*
 * See publish.h.
 */
#include "sessiond/control/publish.h"

#include "common/error.h"
#include "common/memory.h"
#include "sessiond/channels/channel_batch.h"
#include "sessiond/channels/channel_publish.h"
#include "sessiond/control/control_answer.h"
#include "sessiond/control/publish_body.h"
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

/* What the messages of a body are for, in its order. */
struct wanted {
	struct sockjs_service *service;
	struct pusher_app *app; /* NULL: it is for the service */
};

struct batch {
	struct publish_body body;
	struct wanted wanted[PUBLISH_BATCH_MAX];
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
		    "\"service\" is to be the prefix of one of the %zu services "
		    "(sockjsctl: --service PREFIX)",
		    targets->services);
	return error_set(err, BAD_REQUEST,
	    "\"service\" is to be the prefix of a service, or \"app\" the name of an app (sockjsctl: "
	    "--service PREFIX, --app NAME)");
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
find_target(const struct services *services, const struct publish_message *message,
    struct wanted *wanted, struct error *err)
{
	const struct targets targets = count_targets(services);

	if (message->target == PUBLISH_TO_ONLY && targets.services + targets.apps == 1)
		wanted->service = targets.last;
	else if (message->target == PUBLISH_TO_SERVICE)
		wanted->service = find_service(services, message->name);
	else if (message->target == PUBLISH_TO_APP)
		wanted->app = pusher_app_find(message->name);
	else
		return need_target(&targets, err);
	if (wanted->service != NULL && !is_plain(wanted->service))
		wanted->app = pusher_app_find(wanted->service->app);
	if (wanted->service != NULL || wanted->app != NULL)
		return 0;
	return error_set(err, NOT_FOUND, "there is no %s %.100s",
	    message->target == PUBLISH_TO_APP ? "app" : "service", message->name);
}

/* As an app has it: except is a socket_id there. */
static struct pusher_event
event_of(const struct publishing *publishing)
{
	return (struct pusher_event){publishing->name, publishing->name_len, publishing->event,
	    publishing->event_len, publishing->data, publishing->len, publishing->except};
}

static int
check_event(const struct publishing *publishing, size_t limit, struct error *err)
{
	const struct pusher_event event = event_of(publishing);
	const char *why;
	enum pusher_result result = pusher_check(&event, limit, &why);

	return result == PUSHER_OK ? 0 : error_set(err, (int)result, "%s", why);
}

static int
read_batch(const struct http_request *request, const struct services *services, size_t limit,
    struct batch *batch, struct error *err)
{
	size_t i;

	if (publish_body_read(&batch->body, request->body.data, request->body.len, limit, err) ==
	    -1)
		return -1;
	for (i = 0; i < batch->body.count; i++) {
		const struct publish_message *message = &batch->body.messages[i];

		if (find_target(services, message, &batch->wanted[i], err) == -1)
			return -1;
		if (batch->wanted[i].app != NULL &&
		    check_event(&message->publishing, limit, err) == -1)
			return -1;
	}
	return 0;
}

/* --- what comes of it ------------------------------------------------------------------------- */

static json_t *
describe(const struct channel_position *position)
{
	char epoch[CHANNEL_EPOCH_SIZE] = "";

	if (position->epoch != 0)
		channel_epoch_text(position->epoch, epoch);
	return json_pack("{sI ss}", "offset", (json_int_t)position->offset, "epoch", epoch);
}

static enum channel_result
publish_one(struct channels *channels, const struct wanted *wanted,
    const struct publishing *publishing, struct channel_batch_item *item)
{
	const struct pusher_event event = event_of(publishing);

	if (wanted->app != NULL)
		return pusher_publish(wanted->app, &event, &item->waiter, &item->position);
	return channels_publish(
	    channels_of(channels, wanted->service), publishing, &item->waiter, &item->position);
}

/* A request whose messages are being published. */
struct publishing_request {
	struct http_request *request; /* NULL: gone */
	struct channel_batch *batch;
	size_t count; /* of its messages */
	bool is_array;
};

static void
finish(struct publishing_request *publishing)
{
	free(publishing->batch);
	free(publishing);
}

/* NULL and an error after one that could not be published. */
static json_t *
outcome(const struct publishing_request *publishing, struct error *err)
{
	const struct channel_batch *batch = publishing->batch;
	size_t i, published;
	enum channel_result result = channel_batch_result(batch, &published);
	json_t *answer;

	if (result != CHANNEL_OK) {
		error_set(err, UNAVAILABLE, "%zu of %zu were published: %s", published,
		    publishing->count, channels_publish_reason(result));
		return NULL;
	}
	if (!publishing->is_array)
		return describe(&batch->items[0].position);
	answer = json_array();
	for (i = 0; i < batch->count; i++)
		json_array_append_new(answer, describe(&batch->items[i].position));
	return answer;
}

static void
answer_with(struct http_request *request, const json_t *answer)
{
	struct http_response *response = &request->response;
	char *text = json_dumps(answer, JSON_COMPACT);

	response->concerns_session = response->acknowledges = true;
	journal_note_send(&request->all->sessions->journal);
	if (text == NULL)
		http_response_set(response, NULL, UNAVAILABLE);
	else
		http_response_text(response, OK, "application/json", text, strlen(text));
	free(text);
}

static void
tell_outcome(const struct publishing_request *publishing)
{
	struct error err = ERROR_INIT;
	json_t *answer = outcome(publishing, &err);

	if (answer == NULL)
		control_refuse(publishing->request, &err);
	else
		answer_with(publishing->request, answer);
	json_decref(answer);
}

/* The client has gone: what it has published is, nobody is told. */
static void
ended(struct http_response *response)
{
	struct publishing_request *publishing = response->owner;

	publishing->request = NULL;
	response->calls = NULL;
}

static void
all_told(struct channel_batch *batch)
{
	struct publishing_request *publishing = batch->context;

	if (publishing->request != NULL) {
		publishing->request->response.calls = NULL;
		tell_outcome(publishing);
	}
	finish(publishing);
}

static void
publish(struct http_request *request, struct channels *channels, const struct batch *batch)
{
	static const struct http_stream_calls calls = {NULL, ended};
	struct publishing_request *publishing = xcalloc(1, sizeof *publishing);
	size_t i;

	*publishing = (struct publishing_request){request,
	    channel_batch_create(batch->body.count, all_told, publishing), batch->body.count,
	    batch->body.is_array};
	for (i = 0; i < batch->body.count; i++) {
		struct channel_batch_item *item = channel_batch_next(publishing->batch);

		if (!channel_batch_note(item,
			publish_one(channels, &batch->wanted[i],
			    &batch->body.messages[i].publishing, item)))
			break;
	}
	if (channel_batch_is_complete(publishing->batch)) {
		tell_outcome(publishing);
		finish(publishing);
		return;
	}
	request->response.calls = &calls;
	request->response.owner = publishing;
}

void
publish_answer(struct http_request *request, const struct services *services,
    struct channels *channels, size_t limit)
{
	struct batch *batch = calloc(1, sizeof *batch);
	struct error err = ERROR_INIT;

	if (batch == NULL || buffer_failed(&request->body))
		error_set(&err, UNAVAILABLE, "out of memory");
	else if (read_batch(request, services, limit, batch, &err) == 0)
		publish(request, channels, batch);
	if (err.code == TOO_LARGE)
		request->all->sessions->limits.reached[LIMIT_PUBLISH]++;
	if (err.code != 0)
		control_refuse(request, &err);
	if (batch != NULL)
		publish_body_clear(&batch->body);
	free(batch);
}
