/*
 * How a websocket's messages look on the wire: RFC 6455, or the obsolete hixie-76. A table, so that
 * websocket.c knows neither.
 */
#ifndef SESSIOND_WEBSOCKET_FRAMING_H
#define SESSIOND_WEBSOCKET_FRAMING_H

#include "common/buffer.h"
#include "sockjs/hixie76_frame.h"
#include "sockjs/ws_frame.h"

#include <stdbool.h>
#include <stddef.h>

union websocket_parser {
	struct ws_parser rfc6455;
	struct hixie76_parser hixie76;
};

struct websocket_framing {
	bool control; /* has pings, pongs, and close frames with a code */
	void (*init)(union websocket_parser *parser);
	/* As ws_parse. */
	ssize_t (*parse)(union websocket_parser *parser, char *data, size_t len,
	    const struct ws_limits *limits, struct ws_event *event);
	/*
	 * Writes what comes before a message of len bytes; returns its length. NULL: more comes
	 * behind them.
	 */
	size_t (*head)(char out[WS_HEADER_MAX], bool binary, size_t len);
	/* Append a message, a control frame (.control only), what closes. */
	void (*append_message)(
	    struct buffer *out, bool binary, bool compressed, const char *data, size_t len);
	void (*append_control)(
	    struct buffer *out, enum ws_opcode opcode, const char *data, size_t len);
	void (*append_close)(struct buffer *out, unsigned code, const char *reason, size_t len);
};

extern const struct websocket_framing websocket_framing_rfc6455;
extern const struct websocket_framing websocket_framing_hixie76;

#endif
