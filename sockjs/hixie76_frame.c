/*
 * See hixie76_frame.h. One function a state; each is given at least one byte and consumes at least
 * one.
 */
#include "sockjs/hixie76_frame.h"

#include <string.h>

enum state {
	STATE_TYPE,	   /* at the first byte of a frame */
	STATE_TEXT,	   /* in a 0x00 frame */
	STATE_SKIP_TO_END, /* in a frame of type 0x01..0x7f, up to its 0xff */
	STATE_LENGTH,	   /* in the length of a frame of type 0x80..0xff */
	STATE_SKIP_LENGTH, /* in the payload of such a frame */
	STATE_DONE,	   /* after the closing handshake or an error */
};

enum { FRAME_END = 0xff, TYPE_HAS_LENGTH = 0x80 };

void
hixie76_parser_init(struct hixie76_parser *p)
{
	memset(p, 0, sizeof(*p));
	utf8_init(&p->text);
	p->state = STATE_TYPE;
}

static ssize_t
parse_type(struct hixie76_parser *p, const char *data)
{
	hixie76_parser_init(p);
	p->type = (unsigned char)*data;
	if ((p->type & TYPE_HAS_LENGTH) != 0)
		p->state = STATE_LENGTH;
	else
		p->state = p->type == 0 ? STATE_TEXT : STATE_SKIP_TO_END;
	return 1;
}

/* Seven bits a byte, the high bit says that more follow. */
static ssize_t
parse_length(struct hixie76_parser *p, const char *data, const struct ws_limits *limits,
    struct ws_event *event)
{
	unsigned char byte = (unsigned char)*data;

	if (p->remaining > UINT64_MAX >> 7)
		return -WS_CODE_TOO_BIG;
	p->remaining = p->remaining << 7 | (byte & 0x7f);
	if (p->remaining > limits->message)
		return -WS_CODE_TOO_BIG;
	if ((byte & 0x80) != 0)
		return 1;
	p->state = p->remaining > 0 ? STATE_SKIP_LENGTH : STATE_TYPE;
	if (p->type == 0xff && p->remaining == 0) {
		p->state = STATE_DONE;
		event->type = WS_EVENT_CLOSE;
		event->code = WS_CODE_NO_STATUS;
	}
	return 1;
}

static ssize_t
skip_length(struct hixie76_parser *p, size_t len)
{
	size_t n = p->remaining < len ? (size_t)p->remaining : len;

	p->remaining -= n;
	if (p->remaining == 0)
		p->state = STATE_TYPE;
	return (ssize_t)n;
}

/*
 * A 0x00 frame is reported up to its 0xff, which UTF-8 never has; a frame of another type is
 * dropped likewise.
 */
static ssize_t
parse_to_end(struct hixie76_parser *p, char *data, size_t len, const struct ws_limits *limits,
    struct ws_event *event)
{
	const char *end = memchr(data, FRAME_END, len);
	size_t n = end != NULL ? (size_t)(end - data) : len;
	size_t most = limits->message - (size_t)p->message;
	size_t checked = n < most ? n : most;
	bool is_text = p->state == STATE_TEXT;

	/*
	 * Which error comes first may not depend on how the bytes arrive: text is checked up to the
	 * limit only.
	 */
	if (is_text && !utf8_feed(&p->text, data, checked))
		return -WS_CODE_INVALID_DATA;
	if (n > most)
		return -WS_CODE_TOO_BIG;
	if (is_text && end != NULL && !utf8_complete(&p->text))
		return -WS_CODE_INVALID_DATA;
	p->message += n;
	if (end != NULL)
		p->state = STATE_TYPE;
	if (is_text) {
		*event = (struct ws_event){.type = WS_EVENT_DATA,
		    .opcode = WS_TEXT,
		    .first = !p->begun,
		    .last = end != NULL,
		    .data = data,
		    .len = n};
		p->begun = true;
	}
	return (ssize_t)n + (end != NULL);
}

static ssize_t
parse_state(struct hixie76_parser *p, char *data, size_t len, const struct ws_limits *limits,
    struct ws_event *event)
{
	switch ((enum state)p->state) {
	case STATE_TYPE:
		return parse_type(p, data);
	case STATE_TEXT:
	case STATE_SKIP_TO_END:
		return parse_to_end(p, data, len, limits, event);
	case STATE_LENGTH:
		return parse_length(p, data, limits, event);
	case STATE_SKIP_LENGTH:
		return skip_length(p, len);
	case STATE_DONE:
		break;
	}
	event->type = WS_EVENT_IGNORED;
	return (ssize_t)len;
}

ssize_t
hixie76_parse(struct hixie76_parser *p, char *data, size_t len, const struct ws_limits *limits,
    struct ws_event *event)
{
	ssize_t n;

	*event = (struct ws_event){.type = WS_EVENT_NONE};
	if (len == 0)
		return 0;
	n = parse_state(p, data, len, limits, event);
	if (n < 0)
		p->state = STATE_DONE;
	return n;
}
