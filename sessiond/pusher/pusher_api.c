/*
 * See pusher_api.h. A table says what each path does; who asks is found out before that.
 */
#include "sessiond/pusher/pusher_api.h"

#include "common/memory.h"
#include "conf/config.h"
#include "sessiond/channels/channel_publish.h"
#include "sessiond/http/http_connection.h"
#include "sessiond/http/http_request.h"
#include "sessiond/pusher/pusher_api_call.h"
#include "sessiond/pusher/pusher_api_channels.h"
#include "sessiond/pusher/pusher_api_publish.h"
#include "sessiond/pusher/pusher_signature.h"
#include "sessiond/service/service.h"
#include "sessiond/session/session_set.h"
#include "sockjs/form.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { NOT_FOUND = 404, UNAVAILABLE = 503, BODY_EVENTS = 16 };

/* --- what each path does ---------------------------------------------------------------------- */

/* Somebody whose connections are being closed. */
struct termination {
	struct channel_waiter waiter; /* first */
	struct pusher_api_call *call;
};

static void
answer_terminated(struct pusher_api_call *call, enum channel_result result)
{
	if (result == CHANNEL_OK)
		pusher_api_answer(call, json_object());
	else
		pusher_api_fail(call, UNAVAILABLE, "%s", channels_publish_reason(result));
}

static void
terminated(struct channel_waiter *waiter, enum channel_result result,
    const struct channel_position *position)
{
	struct termination *termination = (struct termination *)waiter;

	(void)position;
	answer_terminated(termination->call, result);
	pusher_api_came(termination->call);
	free(termination);
}

static void
terminate(struct pusher_api_call *call)
{
	struct termination *termination = xcalloc(1, sizeof *termination);
	enum channel_result result;

	*termination = (struct termination){{terminated}, call};
	result = pusher_terminate_user(call->app, call->name, call->name_len, &termination->waiter);
	if (result == CHANNEL_LATER) {
		pusher_api_wait(call);
		return;
	}
	answer_terminated(call, result);
	free(termination);
}

struct operation {
	const char *method;
	const char *before, *after; /* what is around the name in the path below the app's */
	bool has_name;
	void (*answer)(struct pusher_api_call *call);
};

static const struct operation operations[] = {
    {"POST", "events", "", false, pusher_api_events},
    {"POST", "batch_events", "", false, pusher_api_batch_events},
    {"GET", "channels", "", false, pusher_api_channels},
    {"GET", "channels/", "", true, pusher_api_channel},
    {"GET", "channels/", "/users", true, pusher_api_users},
    {"POST", "users/", "/terminate_connections", true, terminate},
};

static bool
is_method(const char *asked, const char *method)
{
	return strcmp(asked, method) == 0 ||
	    (strcmp(asked, "HEAD") == 0 && strcmp(method, "GET") == 0);
}

/* The name in the path, of *len bytes; NULL: it is not the operation's. */
static const char *
name_in(const struct operation *operation, const char *path, size_t *len)
{
	size_t before = strlen(operation->before), after = strlen(operation->after);

	*len = strlen(path);
	if (*len < before + after || memcmp(path, operation->before, before) != 0 ||
	    memcmp(path + *len - after, operation->after, after) != 0)
		return NULL;
	*len -= before + after;
	path += before;
	return operation->has_name == (*len > 0) && memchr(path, '/', *len) == NULL ? path : NULL;
}

/* Sets *name and *len. NULL: there is none. */
static const struct operation *
find_operation(const struct api_request *request, const char *path, const char **name, size_t *len)
{
	size_t i;

	for (i = 0; i < sizeof operations / sizeof operations[0]; i++) {
		*name = name_in(&operations[i], path, len);
		if (*name != NULL && is_method(request->method, operations[i].method))
			return &operations[i];
	}
	return NULL;
}

/* --- a request -------------------------------------------------------------------------------- */

/* The app that the path names; what follows its name is *rest. NULL: there is no such app. */
static const struct pusher_app *
find_app(const char *path, const char **rest)
{
	char name[APP_NAME_MAX + 1];
	size_t len;

	path += strlen(API_PATH);
	len = strcspn(path, "/");
	if (len > APP_NAME_MAX || path[len] != '/')
		return NULL;
	memcpy(name, path, len);
	name[len] = '\0';
	*rest = path + len + 1;
	return pusher_app_find(name);
}

static int
check_signature(struct pusher_api_call *call)
{
	const struct app_options *options = &call->app->service->app_options;
	const struct pusher_signed request = {
	    .method = call->request->method,
	    .path = call->request->path,
	    .query = call->request->query,
	    .body = call->request->body,
	    .body_len = call->request->body_len,
	};
	struct error err = ERROR_INIT;

	if (pusher_signature_check(&request, options->key, options->secret, time(NULL), &err) == 0)
		return 0;
	pusher_api_fail(call, (unsigned)err.code, "%s", err.text);
	return -1;
}

/* With the name decoded. Returns NULL if it is answered later: it frees itself then. */
static struct pusher_api_call *
carry_out(
    struct pusher_api_call *call, const struct operation *operation, const char *name, size_t len)
{
	call->name = strndup(name, len);
	if (call->name == NULL) {
		pusher_api_fail(call, UNAVAILABLE, "out of memory");
		return call;
	}
	call->name_len = form_decode_path(call->name, len);
	operation->answer(call);
	return call->is_later ? NULL : call;
}

static void
answer(void *context, const struct api_request *request, struct api_answer *answer)
{
	const struct pusher_api *pusher = context;
	struct pusher_api_call *call = xcalloc(1, sizeof *call);
	const struct operation *operation;
	const char *rest, *name;
	size_t len;

	*call = (struct pusher_api_call){
	    .app = find_app(request->path, &rest),
	    .request = request,
	    .answer = answer,
	    .publish_limit = pusher->config->server.publish_limit,
	};
	operation = call->app == NULL ? NULL : find_operation(request, rest, &name, &len);
	if (call->app == NULL)
		pusher_api_fail(call, NOT_FOUND, "there is no such app");
	else if (operation == NULL)
		pusher_api_fail(
		    call, NOT_FOUND, "there is no %s %s", request->method, request->path);
	else if (check_signature(call) == 0)
		call = carry_out(call, operation, name, len);
	if (call != NULL)
		free(call->name);
	free(call);
}

/* --- where it is ------------------------------------------------------------------------------ */

static const char *
folder(void *context)
{
	const struct pusher_api *pusher = context;
	const struct config *config = pusher->config;
	size_t i;

	for (i = 0; i < config->section_count; i++)
		if (config->sections[i].app != NULL)
			return config->server.app_path == NULL ? "" : config->server.app_path;
	return NULL;
}

/* As many events as a batch may have, with what is around them. */
static size_t
body_limit(void *context)
{
	const struct pusher_api *pusher = context;

	return pusher->config->server.publish_limit * BODY_EVENTS;
}

void
pusher_api_init(struct pusher_api *pusher, const struct config *config)
{
	pusher->config = config;
	pusher->api = (struct api){pusher, answer, folder, body_limit};
}

/* --- over HTTP -------------------------------------------------------------------------------- */

/* A request that is being answered. */
struct http_asking {
	struct api_answer answer;     /* first */
	struct http_request *request; /* NULL: gone */
};

static void
put_answer(struct http_request *request, struct api_answer *answer)
{
	struct http_response *response = &request->response;

	response->concerns_session = response->acknowledges = answer->acknowledges;
	if (answer->acknowledges)
		journal_note_send(&request->all->sessions->journal);
	if (buffer_failed(&answer->body))
		http_response_set(response, NULL, UNAVAILABLE);
	else
		http_response_text(response, (int)answer->status, answer->content_type,
		    answer->body.len == 0 ? "" : answer->body.data, answer->body.len);
}

static void
came(struct api_answer *answer)
{
	struct http_asking *asking = (struct http_asking *)answer;

	if (asking->request != NULL) {
		asking->request->response.calls = NULL;
		put_answer(asking->request, answer);
	}
	buffer_free(&answer->body);
	free(asking);
}

static void
ended(struct http_response *response)
{
	struct http_asking *asking = response->owner;

	asking->request = NULL;
	response->calls = NULL;
}

static void
ask(struct pusher_api *pusher, struct http_request *request, size_t folder_len)
{
	static const struct http_stream_calls calls = {NULL, ended};
	struct http_asking *asking = xcalloc(1, sizeof *asking);
	const struct api_request asked = {
	    .method = request->method,
	    .path = request->uri + folder_len,
	    .query = request->query,
	    .body = request->body.len == 0 ? "" : request->body.data,
	    .body_len = request->body.len,
	};

	asking->request = request;
	asking->answer.came = came;
	answer(pusher, &asked, &asking->answer);
	if (asking->answer.status != 0) {
		came(&asking->answer);
		return;
	}
	request->response.calls = &calls;
	request->response.owner = asking;
}

static bool
answer_http(void *context, struct http_request *request)
{
	const char *below = folder(context);

	if (below == NULL)
		return false;
	if (buffer_failed(&request->body))
		http_response_set(&request->response, NULL, UNAVAILABLE);
	else
		ask(context, request, strlen(below));
	return true;
}

struct http_handlers
pusher_api_handlers(struct pusher_api *pusher)
{
	static const struct http_handler table[] = {
	    {API_PATH, NULL, 1u << HTTP_WAY_CLIENTS, true, answer_http},
	    {NULL},
	};

	return (struct http_handlers){table, pusher, folder, body_limit};
}
