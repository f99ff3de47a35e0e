/*
 * The websocket frame parser and the frame builders against RFC 6455. Random sequences are in
 * test_ws_messages.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/buffer.h"
#include "sockjs/ws_frame.h"
#include "tests/unit/sockjs/ws_transcript.h"

#define BYTES(literal) (literal), sizeof(literal) - 1

static void
assert_text(const struct transcript *t, const char *expected, size_t len)
{
	assert_int_equal(t->text.len, len);
	if (len > 0)
		assert_memory_equal(t->text.data, expected, len);
}

/* One read, no deflate: the transcript has to be this string. */
static void
assert_parses(const struct buffer *in, const char *expected)
{
	struct transcript t;

	transcript_begin(&t, false, 1 << 20, false);
	transcript_feed(&t, in->data, in->len);
	assert_text(&t, expected, strlen(expected));
	transcript_end(&t);
}

/* Whole, byte by byte, in steps, and cut in two at every place: always the same transcript. */
static void
assert_parses_however_cut(const struct buffer *in, const char *expected, size_t len)
{
	struct transcript t;

	for (size_t step = 1; step <= in->len; step = step < 20 ? step + 1 : step * 2) {
		transcript_begin(&t, false, 1 << 20, true);
		transcript_feed_steps(&t, in->data, in->len, step);
		assert_text(&t, expected, len);
		transcript_end(&t);
	}
	for (size_t cut = 0; cut <= in->len; cut++) {
		transcript_begin(&t, false, 1 << 20, true);
		transcript_feed(&t, in->data, cut);
		transcript_feed(&t, in->data + cut, in->len - cut);
		assert_text(&t, expected, len);
		transcript_end(&t);
	}
}

static void
test_rfc_examples(void **state)
{
	struct buffer in = BUFFER_INIT;
	char out[WS_HEADER_MAX];

	(void)state;
	/* RFC 6455 5.7: what a client sends. */
	buffer_append(&in, BYTES("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"));
	assert_parses(&in, "text:Hello\n");
	buffer_clear(&in);
	buffer_append(&in, BYTES("\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"));
	assert_parses(&in, "pong:Hello\n");
	buffer_free(&in);
	/* And what a server sends. */
	assert_int_equal(ws_header(out, WS_TEXT, false, true, 5), 2);
	assert_memory_equal(out, "\x81\x05", 2);
	assert_int_equal(ws_header(out, WS_TEXT, false, false, 3), 2);
	assert_memory_equal(out, "\x01\x03", 2);
	assert_int_equal(ws_header(out, WS_CONTINUATION, false, true, 2), 2);
	assert_memory_equal(out, "\x80\x02", 2);
	assert_int_equal(ws_header(out, WS_PING, false, true, 5), 2);
	assert_memory_equal(out, "\x89\x05", 2);
	assert_int_equal(ws_header(out, WS_BINARY, false, true, 256), 4);
	assert_memory_equal(out, "\x82\x7e\x01\x00", 4);
	assert_int_equal(ws_header(out, WS_BINARY, false, true, 65536), 10);
	assert_memory_equal(out, "\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00", 10);
}

static void
test_header_limits(void **state)
{
	static const struct {
		uint64_t len;
		const char *bytes;
		size_t n;
	} cases[] = {
	    {0, "\xc1\x00", 2},
	    {125, "\xc1\x7d", 2},
	    {126, "\xc1\x7e\x00\x7e", 4},
	    {65535, "\xc1\x7e\xff\xff", 4},
	    {UINT64_C(0x123456789a), "\xc1\x7f\x00\x00\x00\x12\x34\x56\x78\x9a", 10},
	    {INT64_MAX, "\xc1\x7f\x7f\xff\xff\xff\xff\xff\xff\xff", 10},
	};
	char out[WS_HEADER_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(ws_header(out, WS_TEXT, true, true, cases[i].len), cases[i].n);
		assert_memory_equal(out, cases[i].bytes, cases[i].n);
	}
	assert_true(sizeof(struct ws_parser) <= 48);
}

static void
test_one_event(void **state)
{
	struct buffer in = BUFFER_INIT;
	struct ws_limits limits = {.message = 100};
	struct ws_parser p;
	struct ws_event event;

	(void)state;
	client_frame(&in, FIN | WS_BINARY, BYTES("Hello"));
	client_frame(&in, FIN | WS_TEXT, "", 0);
	ws_parser_init(&p);
	assert_int_equal(ws_parse(&p, in.data, in.len, &limits, &event), 11);
	assert_int_equal(event.type, WS_EVENT_DATA);
	assert_int_equal(event.opcode, WS_BINARY);
	assert_true(event.first && event.last && !event.compressed);
	assert_ptr_equal(event.data, in.data + 6);
	assert_int_equal(event.len, 5);
	assert_memory_equal(event.data, "Hello", 5);
	assert_int_equal(ws_parse(&p, in.data + 11, in.len - 11, &limits, &event), 6);
	assert_true(event.first && event.last);
	assert_int_equal(event.len, 0);
	assert_int_equal(ws_parse(&p, in.data, 0, &limits, &event), 0);
	assert_int_equal(event.type, WS_EVENT_NONE);
	buffer_free(&in);
}

static void
test_pieces(void **state)
{
	struct buffer in = BUFFER_INIT;
	struct transcript t;
	char big[300];

	(void)state;
	memset(big, 'x', sizeof(big));
	client_frame(&in, FIN | WS_TEXT, big, sizeof(big));
	transcript_begin(&t, false, 300, false);
	transcript_feed(&t, in.data, 8); /* the header alone */
	assert_int_equal(t.pieces, 0);
	assert_int_equal(t.kept.len, 0);
	transcript_feed(&t, in.data + 8, 1);
	assert_int_equal(t.pieces, 1);
	transcript_feed(&t, in.data + 9, in.len - 10);
	assert_int_equal(t.pieces, 2);
	assert_int_equal(t.text.len, 0);
	transcript_feed(&t, in.data + in.len - 1, 1);
	assert_int_equal(t.pieces, 3);
	assert_int_equal(t.text.len, 300 + strlen("text:\n"));
	transcript_end(&t);
	buffer_free(&in);
}

static void
test_every_cut(void **state)
{
	struct buffer in = BUFFER_INIT, expected = BUFFER_INIT;
	char big[200];

	(void)state;
	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = (char)('a' + i % 26);
	client_frame(&in, FIN | WS_TEXT, BYTES("[\"gr\xc3\xbc\xc3\x9f\"]"));
	client_frame(&in, WS_TEXT, BYTES("\xf0\x9f")); /* one character over three fragments */
	client_frame(&in, FIN | WS_PING, big, 125);
	client_frame(&in, WS_CONTINUATION, "", 0);
	client_frame(&in, WS_CONTINUATION, BYTES("\x98"));
	client_frame(&in, FIN | WS_PONG, "", 0);
	client_frame(&in, FIN | WS_CONTINUATION, BYTES("\x80!"));
	client_frame(&in, FIN | WS_BINARY, big, sizeof(big));
	client_frame(&in, FIN | RSV1 | WS_TEXT, BYTES("\xff\xfe"));
	client_frame(&in, RSV1 | WS_BINARY, BYTES("\x01"));
	client_frame(&in, FIN | WS_CONTINUATION, "", 0);
	client_frame(&in, WS_BINARY, "", 0);
	client_frame(&in, FIN | WS_CONTINUATION, "", 0);
	client_frame(&in, FIN | WS_CLOSE,
	    BYTES("\x0b\xb8"
		  "bye \xe2\x82\xac"));
	client_frame(&in, FIN | WS_TEXT, BYTES("after"));
	buffer_append_str(&expected, "text:[\"gr\xc3\xbc\xc3\x9f\"]\nping:");
	buffer_append(&expected, big, 125);
	buffer_append_str(&expected, "\npong:\ntext:\xf0\x9f\x98\x80!\nbinary:");
	buffer_append(&expected, big, sizeof(big));
	buffer_append_str(&expected, "\nztext:\xff\xfe\nzbinary:\x01\nbinary:\n");
	buffer_append_str(&expected, "close:3000:bye \xe2\x82\xac\n");
	assert_parses_however_cut(&in, expected.data, expected.len);
	buffer_free(&expected);
	buffer_free(&in);
}

/* What the RFC says of the first two bytes, worded otherwise than in the parser. */
static bool
first_bytes_are_legal(unsigned first, unsigned second, bool in_message, bool deflate)
{
	bool is_start = (first & 0x8f) == 0x01 || (first & 0x8f) == 0x81 ||
	    (first & 0x8f) == 0x02 || (first & 0x8f) == 0x82;
	bool is_continuation = (first & 0x0f) == 0;
	bool is_control =
	    (first & 0x8f) == 0x88 || (first & 0x8f) == 0x89 || (first & 0x8f) == 0x8a;

	if (second < 0x80 || (first & 0x20) != 0 || (first & 0x10) != 0)
		return false;
	if ((first & 0x40) != 0 && !(deflate && is_start))
		return false;
	if (is_start)
		return !in_message;
	if (is_continuation)
		return in_message;
	return is_control && second <= (0x80 | 125);
}

static void
test_first_two_bytes(void **state)
{
	struct buffer start = BUFFER_INIT;
	struct ws_event event;
	struct ws_parser p;
	char *two = malloc(2);
	ssize_t n;

	(void)state;
	client_frame(&start, WS_BINARY, BYTES("x"));
	for (unsigned i = 0; i < 4 * 65536; i++) {
		unsigned first = i & 0xff, second = i >> 8 & 0xff;
		bool in_message = (i >> 16 & 1) != 0;
		struct ws_limits limits = {.message = 1000, .deflate = (i >> 17 & 1) != 0};
		char copy[7];

		ws_parser_init(&p);
		memcpy(copy, start.data, sizeof(copy));
		if (in_message)
			assert_int_equal(ws_parse(&p, copy, sizeof(copy), &limits, &event), 7);
		two[0] = (char)first;
		two[1] = (char)second;
		n = ws_parse(&p, two, 2, &limits, &event);
		if (first_bytes_are_legal(first, second, in_message, limits.deflate))
			assert_int_equal(n, 0);
		else
			assert_int_equal(n, -WS_CODE_PROTOCOL);
		assert_int_equal(event.type, WS_EVENT_NONE);
	}
	free(two);
	buffer_free(&start);
}

static void
test_length_forms(void **state)
{
	static const size_t lengths[] = {
	    0, 1, 124, 125, 126, 127, 255, 256, 65534, 65535, 65536, 65537};
	static const int forms[] = {0, 2, 8};
	char *payload = calloc(1, 65537);
	struct buffer in = BUFFER_INIT;
	struct transcript t;

	(void)state;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		size_t len = lengths[i];
		int right = len < 126 ? 0 : len < 65536 ? 2 : 8;

		for (size_t j = 0; j < 3; j++) {
			if (len >= (forms[j] == 0 ? 126u : forms[j] == 2 ? 65536u : 65538u))
				continue; /* cannot be written so */
			buffer_clear(&in);
			client_frame_in_form(&in, FIN | WS_BINARY, payload, len, forms[j], len);
			transcript_begin(&t, false, 1 << 20, false);
			transcript_feed(&t, in.data, in.len);
			assert_int_equal(t.error, forms[j] == right ? 0 : WS_CODE_PROTOCOL);
			assert_int_equal(t.text.len,
			    forms[j] == right ? len + strlen("binary:\n") : strlen("error:1002\n"));
			transcript_end(&t);
		}
	}
	/* The top bit of a 64-bit length, even where there is no limit. */
	buffer_clear(&in);
	client_frame_in_form(&in, FIN | WS_BINARY, "", UINT64_C(1) << 63, 8, 0);
	transcript_begin(&t, false, SIZE_MAX, false);
	transcript_feed(&t, in.data, 10);
	assert_int_equal(t.error, WS_CODE_PROTOCOL);
	transcript_end(&t);
	buffer_free(&in);
	free(payload);
}

/*
 * The header of a frame of len bytes, without its mask, is what a parser with this limit refuses,
 * or not.
 */
static void
assert_limit(size_t limit, bool deflate, unsigned first, uint64_t len, int error)
{
	struct buffer in = BUFFER_INIT;
	struct transcript t;
	int form = len < 126 ? 0 : len < 65536 ? 2 : 8;

	client_frame(&in, WS_BINARY | (first & RSV1), BYTES("12345"));
	client_frame_in_form(&in, first & ~(unsigned)RSV1, "", len, form, 0);
	transcript_begin(&t, false, limit, deflate);
	transcript_feed(&t, in.data, in.len - 4);
	assert_int_equal(t.error, error);
	transcript_end(&t);
	buffer_free(&in);
}

static void
test_message_limit(void **state)
{
	(void)state;
	assert_limit(10, false, WS_CONTINUATION, 5, 0);
	assert_limit(10, false, WS_CONTINUATION, 6, WS_CODE_TOO_BIG);
	assert_limit(10, false, FIN | WS_CONTINUATION, 6, WS_CODE_TOO_BIG);
	assert_limit(10, false, FIN | WS_PING, 125, 0); /* control frames do not count */
	assert_limit(4, false, WS_CONTINUATION, 0, WS_CODE_TOO_BIG);
	assert_limit(65541, false, FIN | WS_CONTINUATION, 65536, 0);
	assert_limit(65540, false, FIN | WS_CONTINUATION, 65536, WS_CODE_TOO_BIG);
#if SIZE_MAX > UINT32_MAX
	assert_limit(SIZE_MAX, false, FIN | WS_CONTINUATION, INT64_MAX, 0);
	assert_limit(SIZE_MAX, true, FIN | RSV1 | WS_CONTINUATION, INT64_MAX, 0);
#endif
	assert_limit(1 << 20, false, FIN | WS_CONTINUATION, INT64_MAX, WS_CODE_TOO_BIG);
	/* Compressed: a quarter and 256 bytes more. */
	assert_limit(1000, true, RSV1 | WS_CONTINUATION, 1501, 0);
	assert_limit(1000, true, RSV1 | WS_CONTINUATION, 1502, WS_CODE_TOO_BIG);
	assert_limit(1000, true, WS_CONTINUATION, 996, WS_CODE_TOO_BIG);
}

/* The count of bytes starts again with every message. */
static void
test_limit_is_per_message(void **state)
{
	struct buffer in = BUFFER_INIT;
	struct transcript t;

	(void)state;
	for (int i = 0; i < 5; i++) {
		client_frame(&in, WS_TEXT, BYTES("123456"));
		client_frame(&in, FIN | WS_CONTINUATION, BYTES("7890"));
	}
	transcript_begin(&t, false, 10, false);
	transcript_feed(&t, in.data, in.len);
	assert_int_equal(t.error, 0);
	assert_int_equal(t.text.len, 5 * strlen("text:1234567890\n"));
	transcript_end(&t);
	buffer_free(&in);
}

static void
test_close_codes(void **state)
{
	static const struct {
		unsigned from, to;
	} valid[] = {{1000, 1003}, {1007, 1014}, {3000, 4999}};
	struct buffer in = BUFFER_INIT;
	struct transcript t;
	char payload[2], out[WS_CONTROL_MAX];

	(void)state;
	for (unsigned code = 0; code <= 65535; code++) {
		bool is_valid = false;

		for (size_t i = 0; i < 3; i++)
			is_valid |= code >= valid[i].from && code <= valid[i].to;
		assert_int_equal(ws_close_code_is_valid(code), is_valid);
		assert_int_equal(ws_close_payload(out, code, "no", 2), is_valid ? 4 : 0);
		payload[0] = (char)(code >> 8);
		payload[1] = (char)code;
		buffer_clear(&in);
		client_frame(&in, FIN | WS_CLOSE, payload, 2);
		transcript_begin(&t, false, 0, false);
		transcript_feed(&t, in.data, in.len);
		assert_int_equal(t.error, is_valid ? 0 : WS_CODE_PROTOCOL);
		assert_true(t.closed == is_valid);
		transcript_end(&t);
	}
	assert_false(ws_close_code_is_valid(65536 + 1000));
	buffer_free(&in);
}

static void
assert_close(const char *payload, size_t len, const char *expected)
{
	struct buffer in = BUFFER_INIT;

	client_frame(&in, FIN | WS_CLOSE, payload, len);
	client_frame(&in, FIN | WS_TEXT, BYTES("ignored"));
	assert_parses_however_cut(&in, expected, strlen(expected));
	buffer_free(&in);
}

static void
test_close_payloads(void **state)
{
	char longest[125];

	(void)state;
	assert_close("", 0, "close:1005:\n");
	assert_close(BYTES("\x03"), "error:1002\n");
	assert_close(BYTES("\x03\xe8"), "close:1000:\n");
	assert_close(BYTES("\x03\xe8ok"), "close:1000:ok\n");
	assert_close(BYTES("\x03\xe8\xc3"), "error:1007\n");
	assert_close(BYTES("\x03\xe8\xed\xa0\x80"), "error:1007\n");
	assert_close(BYTES("\x03\xed\xff"), "error:1002\n");
	memset(longest, 'r', sizeof(longest));
	memcpy(longest, "\x0f\xa0", 2);
	assert_close(longest, sizeof(longest),
	    "close:4000:rrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrr"
	    "rrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrr\n");
}

static void
test_close_payload_built(void **state)
{
	char out[WS_CONTROL_MAX], reason[200];

	(void)state;
	assert_int_equal(ws_close_payload(out, 1000, NULL, 0), 2);
	assert_memory_equal(out, "\x03\xe8", 2);
	assert_int_equal(ws_close_payload(out, 4999, BYTES("\xc3\xa4")), 4);
	assert_memory_equal(out, "\x13\x87\xc3\xa4", 4);
	assert_int_equal(ws_close_payload(out, WS_CODE_NO_STATUS, BYTES("x")), 0);
	/*
	 * Cut before the first byte that is not UTF-8: a lone surrogate in three bytes, a character
	 * without its end.
	 */
	assert_int_equal(ws_close_payload(out, 1000, BYTES("ab\xed\xa0\x80yz")), 4);
	assert_int_equal(ws_close_payload(out, 1000, BYTES("ab\xe2\x82")), 4);
	/* 123 bytes fit; a character that would not is left out as a whole. */
	memset(reason, 'r', sizeof(reason));
	assert_int_equal(ws_close_payload(out, 1000, reason, 123), 125);
	assert_int_equal(ws_close_payload(out, 1000, reason, sizeof(reason)), 125);
	memcpy(reason + 120, "\xf0\x9f\x98\x80", 4);
	assert_int_equal(ws_close_payload(out, 1000, reason, sizeof(reason)), 122);
	memcpy(reason + 119, "\xf0\x9f\x98\x80", 4);
	assert_int_equal(ws_close_payload(out, 1000, reason, sizeof(reason)), 125);
	assert_memory_equal(out + 121, "\xf0\x9f\x98\x80", 4);
}

/* Errors end the parsing: what follows is swallowed, without a second report. */
static void
test_after_error(void **state)
{
	struct buffer in = BUFFER_INIT;
	struct transcript t;

	(void)state;
	client_frame(&in, FIN | WS_PING, BYTES("1"));
	client_frame(&in, FIN | 3, BYTES("2"));
	transcript_begin(&t, false, 100, false);
	transcript_feed(&t, in.data, in.len);
	assert_text(&t, BYTES("ping:1\nerror:1002\n"));
	transcript_feed(&t, in.data, in.len);
	assert_text(&t, BYTES("ping:1\nerror:1002\n"));
	assert_int_equal(t.ignored, in.len);
	transcript_end(&t);
	buffer_free(&in);
}

static void
test_unmask(void **state)
{
	unsigned char plain[160], mask[4];
	char *data;

	(void)state;
	for (size_t i = 0; i < sizeof(plain); i++)
		plain[i] = (unsigned char)(i * 7 + 3);
	for (size_t len = 0; len <= 130; len++) {
		for (size_t skew = 0; skew < 8; skew++) {
			data = malloc(skew + len + 1);
			memcpy(data + skew, plain, len);
			memcpy(mask, client_key, 4);
			assert_true(ws_unmask(data + skew, len, mask) <= len);
			for (size_t i = 0; i < len; i++)
				assert_int_equal(
				    (unsigned char)data[skew + i], plain[i] ^ client_key[i % 4]);
			for (size_t i = 0; i < 4; i++)
				assert_int_equal(mask[i], client_key[(len + i) % 4]);
			free(data);
		}
	}
}

/* What unmasking says of a text, with a byte outside ASCII at every place, or without one. */
static void
test_unmasked_ascii(void **state)
{
	enum { LEN = 300 };
	unsigned char mask[4];
	char data[LEN];
	size_t ascii;

	(void)state;
	for (size_t at = 0; at <= LEN; at++) {
		for (size_t i = 0; i < LEN; i++)
			data[i] = (char)((i == at ? 0x80 + at % 0x80 : 'a') ^ client_key[i % 4]);
		memcpy(mask, client_key, 4);
		ascii = ws_unmask(data, LEN, mask);
		assert_true(ascii <= at && at - ascii < 2 * 64);
	}
}

/* A frame of a text in two pieces, cut there: what the parser says, and whether it is UTF-8. */
static void
check_text(const char *text, size_t len, size_t cut)
{
	struct ws_limits limits = {.message = SIZE_MAX};
	struct buffer in = BUFFER_INIT;
	struct ws_parser p;
	struct ws_event event;
	size_t head;
	ssize_t n;

	client_frame(&in, FIN | WS_TEXT, text, len);
	head = in.len - len;
	ws_parser_init(&p);
	n = ws_parse(&p, in.data, head + cut, &limits, &event);
	if (n > 0 && cut < len)
		n = ws_parse(&p, in.data + head + cut, len - cut, &limits, &event);
	assert_int_equal(n > 0, utf8_is_valid(text, len));
	if (n > 0) {
		assert_true(event.last);
		assert_memory_equal(in.data + head, text, len);
	} else {
		assert_int_equal(n, -WS_CODE_INVALID_DATA);
	}
	buffer_free(&in);
}

/* Valid and other characters at every place of a text of several blocks, however it is cut. */
static void
test_text_in_blocks(void **state)
{
	static const char *const characters[] = {"\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80",
	    "\x80", "\xc3", "\xe2\x82", "\xf0\x9f\x98", "\xc0\xaf", "\xed\xa0\x80",
	    "\xf4\x90\x80\x80", "\xff"};
	char text[200];

	(void)state;
	for (size_t i = 0; i < sizeof(characters) / sizeof(characters[0]); i++) {
		size_t n = strlen(characters[i]);

		for (size_t at = 0; at + n <= sizeof(text); at++) {
			memset(text, 'x', sizeof(text));
			memcpy(text + at, characters[i], n);
			for (size_t cut = 1; cut <= sizeof(text); cut += cut < at + n ? 1 : 31)
				check_text(text, sizeof(text), cut);
		}
	}
	/* A character that a piece has begun does not go on behind the next one's ASCII. */
	memset(text, 'x', sizeof(text));
	text[9] = '\xc3';
	text[10 + 128] = '\xa9';
	check_text(text, sizeof(text), 10);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_rfc_examples),
	    cmocka_unit_test(test_header_limits),
	    cmocka_unit_test(test_one_event),
	    cmocka_unit_test(test_pieces),
	    cmocka_unit_test(test_every_cut),
	    cmocka_unit_test(test_first_two_bytes),
	    cmocka_unit_test(test_length_forms),
	    cmocka_unit_test(test_message_limit),
	    cmocka_unit_test(test_limit_is_per_message),
	    cmocka_unit_test(test_close_codes),
	    cmocka_unit_test(test_close_payloads),
	    cmocka_unit_test(test_close_payload_built),
	    cmocka_unit_test(test_after_error),
	    cmocka_unit_test(test_unmask),
	    cmocka_unit_test(test_unmasked_ascii),
	    cmocka_unit_test(test_text_in_blocks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
