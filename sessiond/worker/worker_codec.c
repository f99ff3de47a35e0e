/*
 * See worker_codec.h.
 */
#include "sessiond/worker/worker_codec.h"

#include "common/memory.h"
#include "sessiond/service/service.h"
#include "sockjs/json_string.h"
#include "sockjs/utf8.h"
#include "wire/connection_info.h"

#include <inttypes.h>
#include <nettle/base64.h>
#include <stdlib.h>
#include <string.h>

/* --- strings ---------------------------------------------------------------------------------- */

static void
append_string(struct buffer *out, const char *text)
{
	json_string_append(out, text, strlen(text), 0);
}

static void
append_text(struct buffer *out, const char *text, size_t len)
{
	struct buffer copy = BUFFER_INIT;

	if (utf8_is_valid(text, len)) {
		json_string_append(out, text, len, 0);
		return;
	}
	utf8_append_wellformed(&copy, text, len);
	json_string_append(out, copy.data, copy.len, 0);
	out->failed = out->failed || buffer_failed(&copy);
	buffer_free(&copy);
}

static void
append_base64(struct buffer *out, const char *data, size_t len)
{
	char *to;

	buffer_append_char(out, '"');
	to = buffer_reserve(out, BASE64_ENCODE_RAW_LENGTH(len));
	if (to != NULL) {
		base64_encode_raw(to, len, (const uint8_t *)data);
		buffer_added(out, BASE64_ENCODE_RAW_LENGTH(len));
	}
	buffer_append_char(out, '"');
}

/* ,"data":"text" or ,"base64":"..." */
static void
append_message(struct buffer *out, const struct worker_event *event)
{
	buffer_append_str(out, event->is_binary ? ",\"base64\":" : ",\"data\":");
	if (event->is_binary)
		append_base64(out, event->data, event->len);
	else
		append_text(out, event->data, event->len);
}

/* --- what is known of a client ---------------------------------------------------------------- */

static void
append_member(struct buffer *out, const char *name, const char *value)
{
	buffer_printf(out, "\"%s\":", name);
	/* What clients say of themselves need not be UTF-8. */
	if (utf8_is_valid(value, strlen(value)))
		append_string(out, value);
	else
		buffer_append_str(out, "null");
}

static void
append_header(struct buffer *out, sockjs_connection connection, const char *name, bool *any)
{
	const char *value = sockjs_header(connection, name);

	if (value == NULL)
		return;
	if (*any)
		buffer_append_char(out, ',');
	append_member(out, name, value);
	*any = true;
}

static void
append_headers(struct buffer *out, sockjs_connection connection)
{
	const char *more = sockjs_service_of(connection)->protocol.options.headers;
	char name[CONNECTION_HEADER_SIZE];
	bool any = false;
	size_t i;

	buffer_append_str(out, "\"headers\":{");
	for (i = 0; connection_header_names[i] != NULL; i++)
		append_header(out, connection, connection_header_names[i], &any);
	while (connection_header_next(&more, name))
		append_header(out, connection, name, &any);
	buffer_append_char(out, '}');
}

void
worker_encode_info(struct buffer *out, sockjs_connection connection)
{
	append_member(out, "protocol", sockjs_protocol(connection));
	buffer_append_char(out, ',');
	append_member(out, "remoteAddress", sockjs_remote_address(connection));
	buffer_printf(out, ",\"remotePort\":%d,", sockjs_remote_port(connection));
	append_member(out, "url", sockjs_url(connection));
	buffer_append_char(out, ',');
	append_member(out, "pathname", sockjs_pathname(connection));
	buffer_append_char(out, ',');
	append_member(out, "prefix", sockjs_prefix(connection));
	buffer_append_char(out, ',');
	append_headers(out, connection);
}

/* --- events ----------------------------------------------------------------------------------- */

void
worker_encode_hello(struct buffer *out, const struct worker_service *service)
{
	buffer_printf(
	    out, "{\"event\":\"hello\",\"version\":%d,\"service\":", WORKER_PROTOCOL_VERSION);
	append_string(out, service->service->name);
	buffer_append_str(out, "}\n");
}

/* {"event":"...","seq":1,"id":"..." */
static void
begin(struct buffer *out, const char *event, uint64_t seq, const char *id)
{
	buffer_printf(out, "{\"event\":\"%s\"", event);
	if (seq != 0)
		buffer_printf(out, ",\"seq\":%" PRIu64, seq);
	if (id != NULL)
		buffer_printf(out, ",\"id\":\"%s\"", id);
}

static void
append_info(struct buffer *out, const struct worker_connection *connection)
{
	buffer_append_char(out, ',');
	buffer_append_str(out, connection->info);
}

/* What an event has beside its name. */
static void
append_rest(struct buffer *out, const struct worker_connection *connection,
    const struct worker_event *event, bool with_info)
{
	if (event->kind == WORKER_EVENT_DATA)
		append_message(out, event);
	else if (event->kind != WORKER_EVENT_CLOSE && with_info)
		append_info(out, connection);
}

void
worker_encode_event(struct buffer *out, const struct worker_connection *connection,
    const struct worker_event *event, uint64_t seq)
{
	begin(out, worker_event_name((enum worker_event_kind)event->kind), seq, connection->id);
	append_rest(out, connection, event, true);
	buffer_append_str(out, "}\n");
}

static void
append_state(struct buffer *out, const struct worker_connection *connection)
{
	buffer_append_str(out, ",\"state\":");
	buffer_append_str(out, connection->state == NULL ? "null" : connection->state);
}

void
worker_encode_resume(struct buffer *out, const struct worker_connection *connection, uint64_t seq)
{
	begin(out, "resume", seq, connection->id);
	append_state(out, connection);
	append_info(out, connection);
	buffer_append_str(out, "}\n");
}

void
worker_encode_drain(struct buffer *out, const struct worker_connection *connection)
{
	begin(out, "drain", 0, connection->id);
	buffer_append_str(out, "}\n");
}

/* A message that quotes what was said may have been cut within a character. */
void
worker_encode_error(struct buffer *out, const json_t *ref, const char *code, const char *message)
{
	char *shown = xstrdup(message),
	     *text = ref == NULL ? NULL : json_dumps(ref, JSON_COMPACT | JSON_ENCODE_ANY);

	begin(out, "error", 0, NULL);
	buffer_printf(
	    out, ",\"ref\":%s,\"code\":\"%s\",\"message\":", text == NULL ? "null" : text, code);
	utf8_mask_invalid(shown);
	append_string(out, shown);
	buffer_append_str(out, "}\n");
	free(shown);
	free(text);
}

/* --- a request -------------------------------------------------------------------------------- */

void
worker_encode_batch(struct buffer *out, const struct worker_connection *connection, size_t n)
{
	const struct worker_event *event;
	const char *separator = "";

	buffer_printf(out, "{\"connection\":{\"id\":\"%s\"", connection->id);
	append_info(out, connection);
	buffer_append_char(out, '}');
	append_state(out, connection);
	buffer_append_str(out, ",\"events\":[");
	STAILQ_FOREACH(event, &connection->events, next) {
		if (n-- == 0)
			break;
		buffer_append_str(out, separator);
		begin(out, worker_event_name((enum worker_event_kind)event->kind), 0, NULL);
		append_rest(out, connection, event, false);
		buffer_append_char(out, '}');
		separator = ",";
	}
	buffer_append_str(out, "]}");
}
