/*
 * See tail_event.h.
 */
#include "sessiond/control/tail_event.h"

#include "common/buffer.h"
#include "sessiond/session/session.h"
#include "sessiond/service/watch.h"
#include "sockjs/utf8.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[WATCH_KINDS] = {
    [WATCH_OPENED] = "opened",
    [WATCH_CLOSED] = "closed",
    [WATCH_RECEIVED] = "received",
    [WATCH_SENT] = "sent",
    [WATCH_PUBLISHED] = "published",
    [WATCH_SUBSCRIBED] = "subscribed",
    [WATCH_UNSUBSCRIBED] = "unsubscribed",
};

static void
set_string(json_t *json, const char *name, const char *text, size_t len)
{
	json_object_set_new(json, name, json_stringn(text, len));
}

/* Bytes of a message that are shown; no character is cut. */
static size_t
shown(const char *data, size_t len)
{
	if (len <= TAIL_DATA_MAX)
		return len;
	for (len = TAIL_DATA_MAX; len > 0 && (data[len] & 0xc0) == 0x80; len--)
		;
	return len;
}

static void
set_data(json_t *json, const struct watch_event *event)
{
	struct buffer text = BUFFER_INIT;

	json_object_set_new(json, "length", json_integer((json_int_t)event->len));
	if (event->is_binary) {
		json_object_set_new(json, "binary", json_true());
		return;
	}
	utf8_append_wellformed(&text, event->data, shown(event->data, event->len));
	if (!buffer_failed(&text))
		set_string(json, "data", text.len == 0 ? "" : text.data, text.len);
	buffer_free(&text);
}

static void
set_opened(json_t *json, const struct session *session)
{
	const char *address =
	    session->info == NULL ? "" : connection_info_remote_address(session->info);

	set_string(json, "transport", session->transport->name, strlen(session->transport->name));
	set_string(json, "address", address, strlen(address));
}

static void
set_closed(json_t *json, const struct session *session)
{
	json_object_set_new(json, "code", json_integer(session->close_code));
	set_string(json, "reason", session->close_reason == NULL ? "" : session->close_reason,
	    session->close_reason_len);
}

static char *
dump(json_t *json)
{
	char *text = json_dumps(json, JSON_COMPACT), *line = NULL;
	size_t len = text == NULL ? 0 : strlen(text);

	if (text != NULL)
		line = realloc(text, len + 2);
	if (line != NULL)
		memcpy(line + len, "\n", 2);
	else
		free(text);
	json_decref(json);
	return line;
}

char *
tail_event_line(const struct watch_event *event, uint64_t time)
{
	json_t *json = json_pack("{sI ss ss}", "time", (json_int_t)time, "event",
	    names[event->kind], "service", event->service->name);

	if (event->session != NULL)
		set_string(json, "id", event->session->uuid, strlen(event->session->uuid));
	if (event->kind == WATCH_OPENED)
		set_opened(json, event->session);
	if (event->kind == WATCH_CLOSED)
		set_closed(json, event->session);
	if (event->channel != NULL)
		set_string(json, "channel", event->channel, event->channel_len);
	if (event->data != NULL)
		set_data(json, event);
	return dump(json);
}

char *
tail_lost_line(uint64_t count)
{
	return dump(json_pack("{ss sI}", "event", "lost", "count", (json_int_t)count));
}
