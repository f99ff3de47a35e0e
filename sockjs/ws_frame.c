/*
 * See ws_frame.h. The common case, a small message in one frame that is wholly in the buffer, is
 * one pass without a copy.
 *
 * Invariants: p->opcode is not 0 from a message's first header to the end of its last frame.
 * p->remaining is above 0 while p->in_frame. A call that returns 0 has consumed nothing.
 */
#include "sockjs/ws_frame.h"

#include "sockjs/swar.h"

#include <assert.h>
#include <string.h>

enum {
	BIT_FIN = 0x80,
	BIT_RSV1 = 0x40,
	BITS_RSV23 = 0x30,
	BITS_OPCODE = 0x0f,
	BIT_CONTROL = 0x08, /* in the opcode */
	BIT_MASK = 0x80,
	BITS_LENGTH = 0x7f,
	LENGTH_16 = 126,
	LENGTH_64 = 127,
	MASK_LEN = 4,
};

struct header {
	unsigned char first; /* FIN, RSV, opcode */
	unsigned char mask[MASK_LEN];
	uint64_t payload; /* bytes */
	size_t size;	  /* bytes of the header itself */
};

void
ws_parser_init(struct ws_parser *p)
{
	memset(p, 0, sizeof(*p));
	utf8_init(&p->text);
}

/* Unmasks whole blocks, as far as they are ASCII. Returns how many bytes these were. */
static size_t
unmask_ascii(char *data, size_t len, uint64_t word)
{
	swar_block key = {word, word}, a, b, c, d, all, *at;
	size_t done;

	for (done = 0; len - done >= SWAR_BLOCKS; done += SWAR_BLOCKS) {
		at = (swar_block *)(data + done);
		a = at[0] ^ key;
		b = at[1] ^ key;
		c = at[2] ^ key;
		d = at[3] ^ key;
		all = a | b | c | d;
		if (!swar_block_is_ascii(&all))
			break;
		at[0] = a;
		at[1] = b;
		at[2] = c;
		at[3] = d;
	}
	return done;
}

size_t
ws_unmask(char *data, size_t len, unsigned char mask[4])
{
	unsigned char wide[2 * MASK_LEN]; /* the mask, twice */
	size_t i, ascii;
	uint64_t key, word;
	swar_block block;

	memcpy(wide, mask, MASK_LEN);
	memcpy(wide + MASK_LEN, mask, MASK_LEN);
	memcpy(&key, wide, sizeof(key));
	block = (swar_block){key, key};
	ascii = unmask_ascii(data, len, key);
	for (i = ascii; len - i >= sizeof(block); i += sizeof(block))
		*(swar_block *)(data + i) ^= block;
	for (; len - i >= sizeof(key); i += sizeof(key)) {
		memcpy(&word, data + i, sizeof(key));
		word ^= key;
		memcpy(data + i, &word, sizeof(key));
	}
	for (; i < len; i++)
		data[i] = (char)((unsigned char)data[i] ^ wide[i % sizeof(wide)]);
	memcpy(mask, wide + len % MASK_LEN, MASK_LEN);
	return ascii;
}

static uint64_t
read_big_endian(const unsigned char *bytes, size_t n)
{
	uint64_t value = 0;

	while (n-- > 0)
		value = value << 8 | *bytes++;
	return value;
}

/* What the first two bytes of a frame have to be, in the state that the frames before have left. */
static bool
first_bytes_are_valid(
    const struct ws_parser *p, const struct ws_limits *limits, unsigned first, unsigned second)
{
	unsigned opcode = first & BITS_OPCODE;

	if ((second & BIT_MASK) == 0 || (first & BITS_RSV23) != 0)
		return false;
	if ((first & BIT_RSV1) != 0 &&
	    (!limits->deflate || (opcode != WS_TEXT && opcode != WS_BINARY)))
		return false;
	switch (opcode) {
	case WS_CONTINUATION:
		return p->opcode != 0;
	case WS_TEXT:
	case WS_BINARY:
		return p->opcode == 0;
	case WS_CLOSE:
	case WS_PING:
	case WS_PONG:
		return (first & BIT_FIN) != 0 && (second & BITS_LENGTH) <= WS_CONTROL_MAX;
	default:
		return false;
	}
}

/*
 * The length in its three forms, of which only the shortest is legal. Returns as ws_parse, and sets
 * h->payload and h->size.
 */
static ssize_t
read_length(const unsigned char *bytes, size_t len, struct header *h)
{
	unsigned form = bytes[1] & BITS_LENGTH;

	h->size = 2;
	h->payload = form;
	if (form == LENGTH_16) {
		if (len < 4)
			return 0;
		h->size = 4;
		h->payload = read_big_endian(bytes + 2, 2);
		if (h->payload < LENGTH_16)
			return -WS_CODE_PROTOCOL;
	} else if (form == LENGTH_64) {
		if (len < 10)
			return 0;
		h->size = 10;
		h->payload = read_big_endian(bytes + 2, 8);
		if (h->payload <= UINT16_MAX || h->payload > INT64_MAX)
			return -WS_CODE_PROTOCOL;
	}
	return (ssize_t)h->size;
}

/* Adding may not overflow: both parts are below 2^63. */
static bool
is_too_big(const struct ws_parser *p, const struct ws_limits *limits, const struct header *h)
{
	bool compressed = p->opcode != 0 ? p->compressed : (h->first & BIT_RSV1) != 0;
	uint64_t most = limits->message;

	/*
	 * A deflated message can be longer than what it inflates to, by a few bytes a block, or by
	 * whole empty blocks.
	 */
	if (compressed)
		most += most / 4 + 256 < UINT64_MAX - most ? most / 4 + 256 : UINT64_MAX - most;
	return p->message + h->payload > most;
}

/* Reads a frame's header. Returns its size, 0 or an error, as ws_parse. Changes nothing in p. */
static ssize_t
read_header(const struct ws_parser *p, const char *data, size_t len, const struct ws_limits *limits,
    struct header *h)
{
	const unsigned char *bytes = (const unsigned char *)data;
	ssize_t n;

	if (len < 2)
		return 0;
	if (!first_bytes_are_valid(p, limits, bytes[0], bytes[1]))
		return -WS_CODE_PROTOCOL;
	h->first = bytes[0];
	n = read_length(bytes, len, h);
	if (n <= 0)
		return n;
	if ((h->first & BIT_CONTROL) == 0 && is_too_big(p, limits, h))
		return -WS_CODE_TOO_BIG;
	if (len - h->size < MASK_LEN)
		return 0;
	memcpy(h->mask, bytes + h->size, MASK_LEN);
	h->size += MASK_LEN;
	return (ssize_t)h->size;
}

static ssize_t
parse_close(const char *payload, size_t len, struct ws_event *event)
{
	event->type = WS_EVENT_CLOSE;
	event->code = WS_CODE_NO_STATUS;
	if (len == 0)
		return 0;
	if (len == 1)
		return -WS_CODE_PROTOCOL;
	event->code = (unsigned)read_big_endian((const unsigned char *)payload, 2);
	if (!ws_close_code_is_valid(event->code))
		return -WS_CODE_PROTOCOL;
	event->data += 2;
	event->len -= 2;
	return utf8_is_valid(event->data, event->len) ? 0 : -WS_CODE_INVALID_DATA;
}

/* A control frame is reported whole; until then it stays, masked, with the caller. */
static ssize_t
parse_control(struct ws_parser *p, char *data, size_t len, struct header *h, struct ws_event *event)
{
	size_t payload = (size_t)h->payload;
	ssize_t n = 0;

	if (len - h->size < payload)
		return 0;
	event->data = data + h->size;
	event->len = payload;
	ws_unmask(event->data, payload, h->mask);
	switch (h->first & BITS_OPCODE) {
	case WS_PING:
		event->type = WS_EVENT_PING;
		break;
	case WS_PONG:
		event->type = WS_EVENT_PONG;
		break;
	default:
		p->done = true;
		n = parse_close(event->data, payload, event);
		break;
	}
	return n < 0 ? n : (ssize_t)(h->size + payload);
}

/* Takes a data frame's header into the state. */
static void
begin_frame(struct ws_parser *p, const struct header *h)
{
	if (p->opcode == 0) {
		p->opcode = h->first & BITS_OPCODE;
		p->compressed = (h->first & BIT_RSV1) != 0;
	}
	p->in_frame = true;
	p->fin = (h->first & BIT_FIN) != 0;
	p->remaining = h->payload;
	p->message += h->payload;
	memcpy(p->mask, h->mask, MASK_LEN);
}

/*
 * Looks at n bytes of a text, of which the first so many are ASCII. They need no second look unless
 * they come in the midst of a character. Returns false if it is not UTF-8.
 */
static inline bool
take_text(struct ws_parser *p, const char *data, size_t n, size_t ascii, bool last)
{
	size_t known = utf8_complete(&p->text) ? ascii : 0;

	return utf8_feed(&p->text, data + known, n - known) && (!last || utf8_complete(&p->text));
}

/* Reports what is there of the current data frame's payload. Returns its size, or an error. */
static ssize_t
parse_payload(struct ws_parser *p, char *data, size_t len, struct ws_event *event)
{
	size_t n = p->remaining < len ? (size_t)p->remaining : len;
	size_t ascii = ws_unmask(data, n, p->mask);
	bool last;

	p->remaining -= n;
	p->in_frame = p->remaining > 0;
	last = !p->in_frame && p->fin;
	if (p->opcode == WS_TEXT && !p->compressed && !take_text(p, data, n, ascii, last))
		return -WS_CODE_INVALID_DATA;
	if (n == 0 && !last)
		return 0;
	event->type = WS_EVENT_DATA;
	event->opcode = p->opcode;
	event->first = !p->begun;
	event->last = last;
	event->compressed = p->compressed;
	event->data = data;
	event->len = n;
	p->begun = true;
	if (last)
		ws_parser_init(p);
	return (ssize_t)n;
}

static ssize_t
parse_frame(struct ws_parser *p, char *data, size_t len, const struct ws_limits *limits,
    struct ws_event *event)
{
	struct header h = {.size = 0};
	ssize_t n;

	if (!p->in_frame) {
		n = read_header(p, data, len, limits, &h);
		if (n <= 0)
			return n;
		if ((h.first & BIT_CONTROL) != 0)
			return parse_control(p, data, len, &h, event);
		begin_frame(p, &h);
	}
	n = parse_payload(p, data + h.size, len - h.size, event);
	return n < 0 ? n : (ssize_t)h.size + n;
}

ssize_t
ws_parse(struct ws_parser *p, char *data, size_t len, const struct ws_limits *limits,
    struct ws_event *event)
{
	ssize_t n;

	*event = (struct ws_event){.type = WS_EVENT_NONE};
	if (len == 0)
		return 0;
	if (p->done) {
		event->type = WS_EVENT_IGNORED;
		return (ssize_t)len;
	}
	n = parse_frame(p, data, len, limits, event);
	if (n < 0) {
		*event = (struct ws_event){.type = WS_EVENT_NONE};
		p->done = true;
	}
	return n;
}

size_t
ws_header(char out[WS_HEADER_MAX], enum ws_opcode opcode, bool rsv1, bool fin, uint64_t payload_len)
{
	size_t bytes = payload_len < LENGTH_16 ? 0 : payload_len <= UINT16_MAX ? 2 : 8;
	size_t i;

	assert(payload_len <= INT64_MAX);
	out[0] = (char)((fin ? BIT_FIN : 0) | (rsv1 ? BIT_RSV1 : 0) | (int)opcode);
	if (bytes == 0)
		out[1] = (char)payload_len;
	else
		out[1] = bytes == 2 ? LENGTH_16 : LENGTH_64;
	for (i = 0; i < bytes; i++)
		out[2 + i] = (char)(payload_len >> 8 * (bytes - 1 - i) & 0xff);
	return 2 + bytes;
}

size_t
ws_close_payload(char out[WS_CONTROL_MAX], unsigned code, const char *reason, size_t reason_len)
{
	size_t most = reason_len < WS_CONTROL_MAX - 2 ? reason_len : WS_CONTROL_MAX - 2;
	size_t i, cut = 0;
	struct utf8_state state;

	if (!ws_close_code_is_valid(code))
		return 0;
	out[0] = (char)(code >> 8);
	out[1] = (char)(code & 0xff);
	utf8_init(&state);
	for (i = 0; i < most && utf8_feed(&state, reason + i, 1); i++)
		if (utf8_complete(&state))
			cut = i + 1;
	if (cut > 0)
		memcpy(out + 2, reason, cut);
	return 2 + cut;
}

bool
ws_close_code_is_valid(unsigned code)
{
	return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
	    (code >= 3000 && code <= 4999);
}
