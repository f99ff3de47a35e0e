/*
 * Requests are those that a browser's client sends, without the headers that only cost.
 */
#include "bench/load/way.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define SESSION	      "{path}/000/{id}"
#define SOCKET_IO     "{path}/?EIO=4&transport="
#define FIN	      0x80
#define COMPRESSED    0x40
#define OPCODE_TEXT   1
#define MASKED	      0x80
#define SOCKJS_BODY   "[\"{message}\"]"
#define SOCKETIO_BODY "42[\"m\",\"{message}\"]"

static const struct way ways[] = {
    {
	.name = "sockjs-websocket",
	.receiving = RECEIVE_FRAMES,
	.open = {{{REQUEST_UPGRADE, SESSION "/websocket", NULL}, "\x81\x01o"}},
	.message = {REQUEST_FRAME, NULL, SOCKJS_BODY},
    },
    {
	.name = "raw-websocket",
	.receiving = RECEIVE_FRAMES,
	.open = {{{REQUEST_UPGRADE, "{path}", NULL}, "\r\n\r\n"}},
	.message = {REQUEST_FRAME, NULL, "{message}"},
    },
    {
	.name = "socketio-websocket",
	.receiving = RECEIVE_FRAMES,
	.open = {{{REQUEST_UPGRADE, SOCKET_IO "websocket", NULL}, "}"},
	    {{REQUEST_FRAME, NULL, "40"}, "}"}},
	.message = {REQUEST_FRAME, NULL, SOCKETIO_BODY},
    },
    {
	.name = "sockjs-polling",
	.receiving = RECEIVE_POLLS,
	.open = {{{REQUEST_POST, SESSION "/xhr", ""}, ""}},
	.poll = {REQUEST_POST, SESSION "/xhr", ""},
	.message = {REQUEST_POST, SESSION "/xhr_send", SOCKJS_BODY},
    },
    /* The requests of the same, for a server that answers them with constants. */
    {
	.name = "constant-polling",
	.receiving = RECEIVE_POLLS,
	.poll = {REQUEST_POST, SESSION "/xhr", ""},
	.message = {REQUEST_POST, SESSION "/xhr_send", SOCKJS_BODY},
	.constant = true,
    },
    {
	.name = "socketio-polling",
	.receiving = RECEIVE_POLLS,
	.open = {{{REQUEST_GET, SOCKET_IO "polling", NULL}, "\"sid\""},
	    {{REQUEST_POST, SOCKET_IO "polling&sid={sid}", "40"}, "ok"},
	    {{REQUEST_GET, SOCKET_IO "polling&sid={sid}", NULL}, "40{"}},
	.poll = {REQUEST_GET, SOCKET_IO "polling&sid={sid}", NULL},
	.message = {REQUEST_POST, SOCKET_IO "polling&sid={sid}", SOCKETIO_BODY},
    },
    {
	.name = "sockjs-xhr-streaming",
	.receiving = RECEIVE_STREAM,
	.open = {{{REQUEST_POST, SESSION "/xhr_streaming", ""}, "\no\n"}},
	.message = {REQUEST_POST, SESSION "/xhr_send", SOCKJS_BODY},
    },
    {
	.name = "sockjs-eventsource",
	.receiving = RECEIVE_STREAM,
	.open = {{{REQUEST_EVENTS, SESSION "/eventsource", NULL}, "data: o\r\n"}},
	.message = {REQUEST_POST, SESSION "/xhr_send", SOCKJS_BODY},
    },
    /* A channel of an [app], published to at the daemon's control socket. */
    {
	.name = "channel-websocket",
	.receiving = RECEIVE_FRAMES,
	.open = {{{REQUEST_UPGRADE, "/app/key?protocol=7", NULL}, "established"},
	    {{REQUEST_FRAME, NULL,
		 "{\"event\":\"pusher:subscribe\",\"data\":{\"channel\":\"everybody\"}}"},
		"succeeded"}},
	.message = {REQUEST_POST, "/publish",
	    "{\"app\":\"1\",\"channel\":\"everybody\",\"event\":\"m\",\"data\":\"{message}\"}"},
    },
    {
	.name = "nchan-websocket",
	.receiving = RECEIVE_FRAMES,
	.open = {{{REQUEST_UPGRADE, "/subscribe", NULL}, "\r\n\r\n"}},
	.message = {REQUEST_POST, "/publish", "{message}"},
    },
    {
	.name = "nchan-eventsource",
	.receiving = RECEIVE_STREAM,
	.open = {{{REQUEST_EVENTS, "/eventsource", NULL}, "\r\n\r\n"}},
	.message = {REQUEST_POST, "/publish", "{message}"},
    },
    {
	.name = "nchan-polling",
	.receiving = RECEIVE_POLLS,
	.poll = {REQUEST_GET, "/poll", NULL},
	.message = {REQUEST_POST, "/publish", "{message}"},
	.conditional = true,
    },
    /* What pushpin itself answers where its route is `* test`. */
    {
	.name = "pushpin-websocket",
	.receiving = RECEIVE_FRAMES,
	.open = {{{REQUEST_UPGRADE, "/ws", NULL}, "\r\n\r\n"}},
	.message = {REQUEST_POST, "/publish/",
	    "{\"items\":[{\"channel\":\"test\",\"formats\":{\"ws-message\":"
	    "{\"content\":\"{message}\"}}}]}"},
    },
    {
	.name = "pushpin-stream",
	.receiving = RECEIVE_STREAM,
	.open = {{{REQUEST_GET, "/stream", NULL}, "stream open"}},
	.message = {REQUEST_POST, "/publish/",
	    "{\"items\":[{\"channel\":\"test\",\"formats\":{\"http-stream\":"
	    "{\"content\":\"{message}\"}}}]}"},
    },
};

const struct way *
way_find(const char *name)
{
	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
		if (strcmp(ways[i].name, name) == 0)
			return &ways[i];
	}
	return NULL;
}

/* Appends the text with the words in their places; a brace that begins no word stays. */
static void
expand(const char *text, const struct words *words, struct buffer *out)
{
	const struct {
		const char *name, *value;
	} table[] = {{"{path}", words->path}, {"{id}", words->id}, {"{sid}", words->sid},
	    {"{message}", words->message}};

	while (*text) {
		const char *value = NULL;

		for (size_t i = 0; i < sizeof table / sizeof *table && !value; i++) {
			if (strncmp(text, table[i].name, strlen(table[i].name)) == 0) {
				value = table[i].value;
				text += strlen(table[i].name);
			}
		}
		if (value)
			buffer_append_str(out, value);
		else
			buffer_append_char(out, *text++);
	}
}

/* RFC 7692, 7.2.1: raw deflate, flushed, without the four bytes that this leaves at the end. */
static void
compress_body(const struct buffer *body, struct buffer *out)
{
	z_stream stream = {0};
	size_t room;

	if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) !=
	    Z_OK)
		abort();
	room = deflateBound(&stream, body->len) + 16;
	stream.next_in = (Bytef *)body->data;
	stream.avail_in = (uInt)body->len;
	stream.next_out = (Bytef *)buffer_reserve(out, room);
	stream.avail_out = (uInt)room;
	deflate(&stream, Z_SYNC_FLUSH);
	buffer_added(out, stream.total_out - 4);
	deflateEnd(&stream);
}

/* A masked text frame (RFC 6455, 5.2). A mask of zeros would spare the server its work. */
static void
append_frame(const struct buffer *body, bool compressed, struct buffer *out)
{
	static const char mask[4] = {0x12, 0x34, 0x56, 0x78};
	size_t len = body->len;

	buffer_append_char(out, (char)(FIN | OPCODE_TEXT | (compressed ? COMPRESSED : 0)));
	if (len < 126) {
		buffer_append_char(out, (char)(MASKED | len));
	} else {
		unsigned bytes = len < 65536 ? 2 : 8;

		buffer_append_char(out, (char)(MASKED | (bytes == 2 ? 126 : 127)));
		while (bytes-- > 0)
			buffer_append_char(out, (char)((uint64_t)len >> 8 * bytes));
	}
	buffer_append(out, mask, sizeof mask);
	for (size_t i = 0; i < len; i++)
		buffer_append_char(out, (char)(body->data[i] ^ mask[i % 4]));
}

static void
build_frame(const struct buffer *body, bool compressed, struct buffer *out)
{
	struct buffer small = BUFFER_INIT;

	if (compressed)
		compress_body(body, &small);
	append_frame(compressed ? &small : body, compressed, out);
	buffer_free(&small);
}

static void
build_http(const struct request *request, const struct words *words, const struct buffer *body,
    const char *headers, struct buffer *out)
{
	buffer_append_str(out, request->kind == REQUEST_POST ? "POST " : "GET ");
	expand(request->target, words, out);
	buffer_printf(out, " HTTP/1.1\r\nHost: localhost\r\nUser-Agent: load\r\n%s", headers);
	if (request->kind == REQUEST_EVENTS)
		buffer_append_str(out, "Accept: text/event-stream\r\n");
	if (request->kind == REQUEST_POST)
		buffer_printf(out, "%sContent-Length: %zu\r\n",
		    body->len > 0 ? "Content-Type: text/plain\r\n" : "", body->len);
	if (request->kind == REQUEST_UPGRADE)
		buffer_printf(out,
		    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
		    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n%s",
		    words->deflate ? "Sec-WebSocket-Extensions: permessage-deflate; "
				     "server_no_context_takeover; client_no_context_takeover\r\n"
				   : "");
	buffer_append_str(out, "\r\n");
	buffer_append(out, body->data, body->len);
}

void
request_build(const struct request *request, const struct words *words, const char *headers,
    struct buffer *out)
{
	struct buffer body = BUFFER_INIT;

	if (request->body)
		expand(request->body, words, &body);
	if (request->kind == REQUEST_FRAME)
		build_frame(&body, words->deflate && strstr(request->body, "{message}"), out);
	else
		build_http(request, words, &body, headers, out);
	buffer_free(&body);
}
