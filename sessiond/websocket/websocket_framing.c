/*
 * See websocket_framing.h. The codecs are sockjs/ws_frame and sockjs/hixie76_frame.
 */
#include "sessiond/websocket/websocket_framing.h"

#include <string.h>

static void
rfc6455_init(union websocket_parser *parser)
{
	ws_parser_init(&parser->rfc6455);
}

static ssize_t
rfc6455_parse(union websocket_parser *parser, char *data, size_t len,
    const struct ws_limits *limits, struct ws_event *event)
{
	return ws_parse(&parser->rfc6455, data, len, limits, event);
}

static void
append_frame(
    struct buffer *out, enum ws_opcode opcode, bool compressed, const char *data, size_t len)
{
	char *at = buffer_reserve(out, WS_HEADER_MAX + len);
	size_t head;

	if (at == NULL)
		return;
	head = ws_header(at, opcode, compressed, true, len);
	if (len > 0)
		memcpy(at + head, data, len);
	buffer_added(out, head + len);
}

static size_t
rfc6455_head(char out[WS_HEADER_MAX], bool binary, size_t len)
{
	return ws_header(out, binary ? WS_BINARY : WS_TEXT, false, true, len);
}

static void
rfc6455_append_message(
    struct buffer *out, bool binary, bool compressed, const char *data, size_t len)
{
	append_frame(out, binary ? WS_BINARY : WS_TEXT, compressed, data, len);
}

static void
rfc6455_append_control(struct buffer *out, enum ws_opcode opcode, const char *data, size_t len)
{
	append_frame(out, opcode, false, data, len);
}

static void
rfc6455_append_close(struct buffer *out, unsigned code, const char *reason, size_t len)
{
	char payload[WS_CONTROL_MAX];

	append_frame(out, WS_CLOSE, false, payload, ws_close_payload(payload, code, reason, len));
}

const struct websocket_framing websocket_framing_rfc6455 = {
    .control = true,
    .init = rfc6455_init,
    .parse = rfc6455_parse,
    .head = rfc6455_head,
    .append_message = rfc6455_append_message,
    .append_control = rfc6455_append_control,
    .append_close = rfc6455_append_close,
};

static void
hixie76_init(union websocket_parser *parser)
{
	hixie76_parser_init(&parser->hixie76);
}

static ssize_t
hixie76_parse_any(union websocket_parser *parser, char *data, size_t len,
    const struct ws_limits *limits, struct ws_event *event)
{
	return hixie76_parse(&parser->hixie76, data, len, limits, event);
}

/*
 * There is no binary there: such a message cannot come from a hixie-76 peer, and is dropped on its
 * way to one.
 */
static void
hixie76_append_message(
    struct buffer *out, bool binary, bool compressed, const char *data, size_t len)
{
	(void)compressed;
	if (binary)
		return;
	buffer_append(out, HIXIE76_TEXT_BEGIN, 1);
	buffer_append(out, data, len);
	buffer_append(out, HIXIE76_TEXT_END, 1);
}

static void
hixie76_append_control(struct buffer *out, enum ws_opcode opcode, const char *data, size_t len)
{
	(void)out;
	(void)opcode;
	(void)data;
	(void)len;
}

static void
hixie76_append_close(struct buffer *out, unsigned code, const char *reason, size_t len)
{
	(void)code;
	(void)reason;
	(void)len;
	buffer_append(out, HIXIE76_CLOSE, HIXIE76_CLOSE_LEN);
}

const struct websocket_framing websocket_framing_hixie76 = {
    .control = false,
    .init = hixie76_init,
    .parse = hixie76_parse_any,
    .append_message = hixie76_append_message,
    .append_control = hixie76_append_control,
    .append_close = hixie76_append_close,
};
