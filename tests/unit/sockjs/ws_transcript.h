/*
 * For the tests and fuzz targets of the websocket parsers: gives a parser one read after the other,
 * as a connection does, and writes down what it reports in a form that does not depend on how the
 * bytes were cut:
 *
 *	text:<payload>\n binary:<payload>\n (complete messages; `z` before the type if compressed)
 *	ping:<payload>\n pong:<payload>\n close:<code>:<reason>\n error:<code>\n
 *
 * Every read is given in an allocation of exactly its size, so that ASan sees an access beyond it.
 * What a parser may never do is checked here, and ends in abort(). The frames are made by an
 * encoder of the tests' own.
 */
#ifndef TESTS_WS_TRANSCRIPT_H
#define TESTS_WS_TRANSCRIPT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buffer.h"
#include "sockjs/hixie76_frame.h"
#include "sockjs/ws_frame.h"

#define TRANSCRIPT_CHECK(condition)                                                                \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);            \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

/* The bits of a frame's first two bytes. */
enum { FIN = 0x80, RSV1 = 0x40, MASKED = 0x80 };

static const unsigned char client_key[4] = {0x37, 0xfa, 0x21, 0x3d};

/*
 * Appends a client's frame with its length in `form` bytes more (0, 2, 8), whether that is right or
 * not, and the first `present` bytes of its payload.
 */
static inline void
client_frame_in_form(
    struct buffer *to, unsigned first, const char *payload, uint64_t len, int form, size_t present)
{
	buffer_append_char(to, (char)first);
	if (form == 0)
		buffer_append_char(to, (char)(MASKED | len));
	else
		buffer_append_char(to, (char)(MASKED | (form == 2 ? 126 : 127)));
	for (int i = form - 1; i >= 0; i--)
		buffer_append_char(to, (char)(len >> 8 * i));
	buffer_append(to, client_key, sizeof(client_key));
	for (size_t i = 0; i < present; i++)
		buffer_append_char(to, (char)(payload[i] ^ (char)client_key[i % 4]));
}

static inline void
client_frame(struct buffer *to, unsigned first, const char *payload, size_t len)
{
	client_frame_in_form(to, first, payload, len, len < 126 ? 0 : len < 65536 ? 2 : 8, len);
}

struct transcript {
	struct ws_limits limits;
	bool is_hixie76;
	struct ws_parser ws;
	struct hixie76_parser hixie76;
	struct buffer kept;    /* not consumed yet */
	struct buffer message; /* pieces of the current message */
	struct buffer text;    /* the transcript */
	bool in_message;
	enum ws_opcode opcode;
	bool compressed;
	int error; /* close code; 0: none */
	bool closed;
	size_t pieces;	/* DATA events so far */
	size_t ignored; /* bytes swallowed */
};

static inline void
transcript_begin(struct transcript *t, bool is_hixie76, size_t message_limit, bool deflate)
{
	memset(t, 0, sizeof(*t));
	t->is_hixie76 = is_hixie76;
	t->limits = (struct ws_limits){.message = message_limit, .deflate = deflate};
	memset(&t->ws, 0xa5, sizeof(t->ws)); /* what the init functions forget shows */
	memset(&t->hixie76, 0xa5, sizeof(t->hixie76));
	ws_parser_init(&t->ws);
	hixie76_parser_init(&t->hixie76);
}

static inline void
transcript_end(struct transcript *t)
{
	buffer_free(&t->kept);
	buffer_free(&t->message);
	buffer_free(&t->text);
}

static inline void
transcript_data(struct transcript *t, const struct ws_event *event)
{
	TRANSCRIPT_CHECK(event->first == !t->in_message);
	TRANSCRIPT_CHECK(event->opcode == WS_TEXT || event->opcode == WS_BINARY);
	TRANSCRIPT_CHECK(event->len > 0 || event->last || t->is_hixie76);
	if (event->first) {
		buffer_clear(&t->message);
		t->opcode = event->opcode;
		t->compressed = event->compressed;
	}
	TRANSCRIPT_CHECK(event->opcode == t->opcode && event->compressed == t->compressed);
	t->in_message = !event->last;
	t->pieces++;
	buffer_append(&t->message, event->data, event->len);
	TRANSCRIPT_CHECK(event->compressed || t->message.len <= t->limits.message);
	if (!event->last)
		return;
	buffer_append_str(&t->text, t->compressed ? "z" : "");
	buffer_append_str(&t->text, t->opcode == WS_TEXT ? "text:" : "binary:");
	buffer_append(&t->text, t->message.data, t->message.len);
	buffer_append_str(&t->text, "\n");
}

static inline void
transcript_event(struct transcript *t, struct ws_event *event, size_t consumed)
{
	TRANSCRIPT_CHECK((event->type == WS_EVENT_IGNORED) == (t->error != 0 || t->closed));
	switch (event->type) {
	case WS_EVENT_NONE:
		return;
	case WS_EVENT_IGNORED:
		t->ignored += consumed;
		return;
	case WS_EVENT_DATA:
		transcript_data(t, event);
		break;
	case WS_EVENT_PING:
	case WS_EVENT_PONG:
		buffer_append_str(&t->text, event->type == WS_EVENT_PING ? "ping:" : "pong:");
		buffer_append(&t->text, event->data, event->len);
		buffer_append_str(&t->text, "\n");
		break;
	case WS_EVENT_CLOSE:
		buffer_printf(&t->text, "close:%u:", event->code);
		buffer_append(&t->text, event->data, event->len);
		buffer_append_str(&t->text, "\n");
		t->closed = true;
		break;
	}
	/* The event's bytes belong to the receiver: it must do no harm to overwrite them. */
	if (event->len > 0)
		memset(event->data, 0xff, event->len);
}

/* One read of n bytes. */
static inline void
transcript_feed(struct transcript *t, const char *bytes, size_t n)
{
	size_t total, at = 0;
	ssize_t used = 1;
	struct ws_event event;
	char *read;

	buffer_append(&t->kept, bytes, n);
	total = t->kept.len;
	if (total == 0)
		return;
	read = malloc(total);
	TRANSCRIPT_CHECK(read != NULL);
	memcpy(read, t->kept.data, total);
	while (used > 0 && at < total) {
		memset(&event, 0xa5, sizeof(event));
		used = t->is_hixie76
		    ? hixie76_parse(&t->hixie76, read + at, total - at, &t->limits, &event)
		    : ws_parse(&t->ws, read + at, total - at, &t->limits, &event);
		TRANSCRIPT_CHECK(used <= (ssize_t)(total - at));
		if (used > 0) {
			transcript_event(t, &event, (size_t)used);
			at += (size_t)used;
		}
	}
	if (used < 0) {
		TRANSCRIPT_CHECK(t->error == 0 && !t->closed);
		t->error = (int)-used;
		buffer_printf(&t->text, "error:%d\n", t->error);
		at = total;
	}
	TRANSCRIPT_CHECK(total - at < (t->is_hixie76 ? 1 : WS_KEEP_MAX));
	TRANSCRIPT_CHECK(memcmp(read + at, t->kept.data + at, total - at) == 0);
	buffer_consume(&t->kept, at);
	free(read);
}

/* All of it in reads of `step` bytes. */
static inline void
transcript_feed_steps(struct transcript *t, const char *bytes, size_t n, size_t step)
{
	size_t part;

	for (; n > 0; bytes += part, n -= part) {
		part = n < step ? n : step;
		transcript_feed(t, bytes, part);
	}
}

#endif
