/*
 * See websocket_deflate.h. A message that goes to many connections without a context of our own is
 * deflated once: the last such result is remembered, with what it was made from.
 */
#include "sessiond/websocket/websocket_deflate.h"

#include "common/memory.h"
#include "sockjs/utf8.h"

#include <stdlib.h>
#include <string.h>

enum {
	LEVEL = 1,	/* zlib's: most of the gain for a third of the time */
	SHORTEST = 128, /* bytes; below, the header and the time cost more than is gained */
};

struct websocket_deflate {
	struct ws_deflate_params params;
	struct ws_inflater *inflater;
	struct ws_deflater
	    *deflater; /* with a context of our own; else NULL, and `shared` serves */
	bool is_busy;  /* with a piece of a message, of which these tell: */
	bool is_last, is_binary;
};

/* The last payload that was deflated without a context, and the result. */
static struct {
	struct buffer from, to;
	unsigned bits;
} shared;

struct websocket_deflate *
websocket_deflate_create(const struct ws_deflate_params *params)
{
	struct websocket_deflate *deflate = xcalloc(1, sizeof *deflate);

	deflate->params = *params;
	deflate->inflater = ws_inflater_create(params);
	if (!params->server_no_context_takeover)
		deflate->deflater = ws_deflater_create(params, LEVEL);
	return deflate;
}

void
websocket_deflate_destroy(struct websocket_deflate **deflate)
{
	struct websocket_deflate *d = *deflate;

	*deflate = NULL;
	if (d == NULL)
		return;
	ws_inflater_destroy(&d->inflater);
	ws_deflater_destroy(&d->deflater);
	free(d);
}

static const struct buffer *
deflate_shared(unsigned bits, const char *data, size_t len)
{
	if (shared.bits == bits && shared.from.len == len &&
	    memcmp(shared.from.data, data, len) == 0)
		return &shared.to;
	buffer_free(&shared.from);
	buffer_free(&shared.to);
	shared.bits = 0;
	buffer_append(&shared.from, data, len);
	if (buffer_failed(&shared.from) ||
	    ws_deflate_shared(bits, LEVEL, data, len, &shared.to) != 0)
		return NULL;
	shared.bits = bits;
	return &shared.to;
}

bool
websocket_deflate_append(struct websocket_deflate *deflate, struct buffer *out, bool binary,
    const char *data, size_t len)
{
	struct buffer own = BUFFER_INIT;
	const struct buffer *payload = &own;
	char header[WS_HEADER_MAX];

	if (len < SHORTEST)
		return false;
	if (deflate->deflater == NULL)
		payload = deflate_shared(deflate->params.server_window_bits, data, len);
	else if (ws_deflate(deflate->deflater, data, len, &own) != 0) {
		/* Its context may have what the peer never gets: it cannot be used any more. */
		ws_deflater_destroy(&deflate->deflater);
		payload = NULL;
	}
	if (payload != NULL) {
		buffer_append(out, header,
		    ws_header(header, binary ? WS_BINARY : WS_TEXT, true, true, payload->len));
		buffer_append(out, payload->data, payload->len);
	}
	buffer_free(&own);
	return payload != NULL;
}

static int
finish(struct websocket_deflate *deflate, int result, const struct buffer *message)
{
	deflate->is_busy = result == 1;
	if (result == 0 && deflate->is_last && !deflate->is_binary &&
	    !utf8_is_valid(message->data, message->len))
		return -WS_CODE_INVALID_DATA;
	return result;
}

int
websocket_deflate_receive(struct websocket_deflate *deflate, const struct ws_event *event,
    size_t limit, size_t most, struct buffer *message)
{
	deflate->is_last = event->last;
	deflate->is_binary = event->opcode == WS_BINARY;
	return finish(deflate,
	    ws_inflate(
		deflate->inflater, event->data, event->len, event->last, limit, most, message),
	    message);
}

int
websocket_deflate_more(
    struct websocket_deflate *deflate, size_t limit, size_t most, struct buffer *message)
{
	return finish(deflate, ws_inflate_more(deflate->inflater, limit, most, message), message);
}

bool
websocket_deflate_is_busy(const struct websocket_deflate *deflate)
{
	return deflate->is_busy;
}

bool
websocket_deflate_ends_message(const struct websocket_deflate *deflate)
{
	return deflate->is_last;
}

bool
websocket_deflate_is_binary(const struct websocket_deflate *deflate)
{
	return deflate->is_binary;
}
