/*
 * See worker_calls.h.
 */
#include "sessiond/worker/worker_calls.h"

#include "common/memory.h"
#include "sessiond/service/service.h"

#include <nettle/base64.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FORBIDDEN = 403 };

struct call {
	struct worker_service *service;
	const json_t *json;
	struct worker_connection *connection; /* of its id; NULL: it needs none */
	struct worker_call_error *error;
};

/* --- errors ----------------------------------------------------------------------------------- */

static int fail(struct worker_call_error *error, const char *code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int
fail(struct worker_call_error *error, const char *code, const char *format, ...)
{
	va_list args;

	error->code = code;
	va_start(args, format);
	vsnprintf(error->message, sizeof error->message, format, args);
	va_end(args);
	return -1;
}

/* What sockjs.h's functions return. */
static int
tell(const struct call *call, int result)
{
	switch (result) {
	case SOCKJS_OK:
		return 0;
	case SOCKJS_FULL:
		return fail(
		    call->error, "full", "there is no room: queue_limit, or a limit of channels");
	case SOCKJS_UNSUPPORTED:
		return fail(call->error, "invalid", "only a raw websocket takes base64");
	case SOCKJS_GONE:
	case SOCKJS_STOPPED:
		return fail(call->error, "gone", "the connection has ended");
	default:
		return fail(call->error, "invalid", "an argument is not what the call takes");
	}
}

/* --- arguments -------------------------------------------------------------------------------- */

/* A string without NUL. */
static int
get_text(const struct call *call, const char *name, const char **text)
{
	const json_t *value = json_object_get(call->json, name);

	*text = json_string_value(value);
	if (*text == NULL)
		return fail(call->error, "invalid", "\"%s\" is to be a string", name);
	return strlen(*text) == json_string_length(value)
	    ? 0
	    : fail(call->error, "invalid", "\"%s\" has a NUL character", name);
}

/* A number that may be left out. */
static int
get_number(const struct call *call, const char *name, int *number)
{
	const json_t *value = json_object_get(call->json, name);

	if (value == NULL || json_is_null(value))
		return 0;
	if (!json_is_integer(value) || json_integer_value(value) < 0 ||
	    json_integer_value(value) > 65535)
		return fail(call->error, "invalid", "\"%s\" is to be a number", name);
	*number = (int)json_integer_value(value);
	return 0;
}

static int
get_connection(struct call *call)
{
	const char *id;

	if (get_text(call, "id", &id) == -1)
		return -1;
	call->connection = worker_connection_find(call->service, id, strlen(id));
	return call->connection != NULL
	    ? 0
	    : fail(call->error, "gone", "there is no connection of that id (any more)");
}

/* --- calls ------------------------------------------------------------------------------------ */

static int
write_base64(struct call *call, const char *text, size_t len)
{
	struct base64_decode_ctx context;
	size_t decoded = BASE64_DECODE_LENGTH(len);
	uint8_t *data = xmalloc(decoded);
	int status;

	base64_decode_init(&context);
	if (base64_decode_update(&context, &decoded, data, len, text) &&
	    base64_decode_final(&context))
		status =
		    tell(call, sockjs_write_binary(call->connection->connection, data, decoded));
	else
		status = fail(call->error, "invalid", "\"base64\" is no base64");
	free(data);
	return status;
}

static int
do_write(struct call *call)
{
	const json_t *data = json_object_get(call->json, "data"),
		     *base64 = json_object_get(call->json, "base64");

	if (json_is_string(base64) && data == NULL)
		return write_base64(call, json_string_value(base64), json_string_length(base64));
	if (!json_is_string(data) || base64 != NULL)
		return fail(call->error, "invalid",
		    "\"data\" is to be a string, or \"base64\" in its place");
	return tell(call,
	    sockjs_write(
		call->connection->connection, json_string_value(data), json_string_length(data)));
}

static int
do_close(struct call *call)
{
	const json_t *reason = json_object_get(call->json, "reason");
	const char *text = NULL;
	int code = 0;

	if (get_number(call, "code", &code) == -1 ||
	    (reason != NULL && !json_is_null(reason) && get_text(call, "reason", &text) == -1))
		return -1;
	if (code != 0 && code != 1000 && (code < 3000 || code > 4999))
		return fail(call->error, "invalid", "\"code\" is to be 1000 or 3000 to 4999");
	if (text != NULL && strlen(text) > 123)
		return fail(call->error, "invalid", "\"reason\" has more than 123 bytes");
	return tell(call, sockjs_close(call->connection->connection, code, text));
}

static int
do_subscribe(struct call *call)
{
	const char *channel;

	if (get_text(call, "channel", &channel) == -1)
		return -1;
	return tell(
	    call, sockjs_channel_subscribe(call->connection->connection, channel, NULL, NULL));
}

static int
do_unsubscribe(struct call *call)
{
	const char *channel;

	if (get_text(call, "channel", &channel) == -1)
		return -1;
	return tell(call, sockjs_channel_unsubscribe(call->connection->connection, channel));
}

/* Whoever is named by "except" may have gone. */
static int
do_publish(struct call *call)
{
	const json_t *data = json_object_get(call->json, "data"),
		     *except = json_object_get(call->json, "except");
	struct worker_connection *excepted = NULL;
	const char *channel;

	if (get_text(call, "channel", &channel) == -1)
		return -1;
	if (!json_is_string(data))
		return fail(call->error, "invalid", "\"data\" is to be a string");
	if (json_is_string(except))
		excepted = worker_connection_find(
		    call->service, json_string_value(except), json_string_length(except));
	else if (except != NULL && !json_is_null(except))
		return fail(call->error, "invalid", "\"except\" is to be the id of a connection");
	return tell(call,
	    sockjs_publish(call->service->service, channel, json_string_value(data),
		json_string_length(data), excepted == NULL ? SOCKJS_NOBODY : excepted->connection));
}

static int
do_state(struct call *call)
{
	const json_t *value = json_object_get(call->json, "value");
	char *text;
	int status = 0;

	if (value == NULL)
		return fail(call->error, "invalid", "there is no \"value\"");
	if (json_is_null(value)) {
		worker_connection_set_state(call->connection, NULL);
		return 0;
	}
	text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
	if (text == NULL || strlen(text) > WORKER_STATE_MAX)
		status = fail(call->error, "too_large", "\"value\" has more than %d bytes as JSON",
		    WORKER_STATE_MAX);
	else
		worker_connection_set_state(call->connection, text);
	free(text);
	return status;
}

static int
get_waiting(struct call *call)
{
	return call->connection->is_waiting
	    ? 0
	    : fail(call->error, "gone", "its client does not wait to be let in (any more)");
}

static int
do_accept(struct call *call)
{
	return get_waiting(call) == -1 ? -1
				       : tell(call, sockjs_admit(call->connection->connection, 0));
}

static int
do_refuse(struct call *call)
{
	int status = FORBIDDEN;

	if (get_waiting(call) == -1 || get_number(call, "status", &status) == -1)
		return -1;
	if (status < 400 || status > 599)
		return fail(call->error, "invalid", "\"status\" is to be 400 to 599");
	worker_connection_refuse(call->connection, status);
	return 0;
}

/* --- which ------------------------------------------------------------------------------------ */

static const struct {
	const char *name;
	bool has_id;
	int (*run)(struct call *call);
} calls[] = {
    {"write", true, do_write},
    {"close", true, do_close},
    {"subscribe", true, do_subscribe},
    {"unsubscribe", true, do_unsubscribe},
    {"publish", false, do_publish},
    {"state", true, do_state},
    {"accept", true, do_accept},
    {"refuse", true, do_refuse},
};

const char *
worker_call_name(const json_t *json, struct worker_call_error *error)
{
	const char *name = json_string_value(json_object_get(json, "call"));

	if (name == NULL)
		fail(error, "invalid",
		    "a call is to be a JSON object with its name, such as {\"call\":\"write\",...}");
	return name;
}

int
worker_call_do(struct worker_service *service, const json_t *json, struct worker_call_error *error)
{
	struct call call = {service, json, NULL, error};
	const char *name = worker_call_name(json, error);
	size_t i;

	if (name == NULL)
		return -1;
	for (i = 0; i < sizeof calls / sizeof calls[0]; i++)
		if (strcmp(calls[i].name, name) == 0)
			return calls[i].has_id && get_connection(&call) == -1 ? -1
									      : calls[i].run(&call);
	return fail(error, "unknown", "there is no call of the name %.60s", name);
}
