/*
 * The websocket frame parser on what needs many inputs: every kind of broken UTF-8, and random
 * sequences of frames, valid and damaged, cut at random. The random numbers are the same in every
 * run.
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

enum { LIMIT = 1 << 20, ROUNDS = 3000 };

static uint64_t random_state = 88172645463325252u;

/* xorshift64: a number in 0..below-1. */
static size_t
random_below(size_t below)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (size_t)(random_state % below);
}

/*
 * A text is given byte by byte, in one frame and in one frame a byte. The error has to come with
 * byte number `bad` (from 0); if bad is len: with the end of the message; if it is -1: never.
 */
static void
assert_utf8(const char *text, size_t len, int bad)
{
	for (int fragmented = 0; fragmented < 2; fragmented++) {
		struct buffer frames = BUFFER_INIT;
		struct transcript t;
		size_t header = fragmented ? 6 : 0;

		if (!fragmented)
			client_frame(&frames, FIN | WS_TEXT, text, len);
		for (size_t i = 0; fragmented && i < len; i++)
			client_frame(&frames, i == 0 ? WS_TEXT : WS_CONTINUATION, text + i, 1);
		if (fragmented)
			client_frame(&frames, FIN | WS_CONTINUATION, "", 0);
		transcript_begin(&t, false, LIMIT, true);
		for (size_t i = 0, at = 0; i < len; i++) {
			size_t part = fragmented ? header + 1 : i == 0 ? 7 : 1;
			bool at_end = !fragmented && i == len - 1;

			assert_int_equal(t.error, 0);
			transcript_feed(&t, frames.data + at, part);
			at += part;
			if (bad == (int)i || (at_end && bad == (int)len)) {
				assert_int_equal(t.error, WS_CODE_INVALID_DATA);
				break;
			}
		}
		if (t.error == 0 && fragmented)
			transcript_feed(&t, frames.data + frames.len - 6, 6);
		assert_int_equal(t.error, bad == -1 ? 0 : WS_CODE_INVALID_DATA);
		transcript_end(&t);
		buffer_free(&frames);
	}
}

static void
test_utf8_errors(void **state)
{
	(void)state;
	assert_utf8(BYTES("a\x7f\xc2\x80\xdf\xbf"), -1);
	assert_utf8(BYTES("\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf"), -1);
	assert_utf8(BYTES("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"), -1);
	assert_utf8(BYTES("ab\x80"), 2);
	assert_utf8(BYTES("\xbfz"), 0);
	assert_utf8(BYTES("\xc0\x80"), 0);
	assert_utf8(BYTES("\xc1\xbf"), 0);
	assert_utf8(BYTES("\xc3(x"), 1);
	assert_utf8(BYTES("\xe0\x9f\xbf"), 1);
	assert_utf8(BYTES("\xe1\x80(x"), 2);
	assert_utf8(BYTES("\xed\xa0\x80"), 1);
	assert_utf8(BYTES("\xed\xbf\xbf"), 1);
	assert_utf8(BYTES("\xf0\x8f\xbf\xbf"), 1);
	assert_utf8(BYTES("\xf1\x80\x80(x"), 3);
	assert_utf8(BYTES("\xf4\x90\x80\x80"), 1);
	assert_utf8(BYTES("\xf5\x80\x80\x80"), 0);
	assert_utf8(BYTES("\xf8\x88\x80\x80\x80"), 0);
	assert_utf8(BYTES("\xfe"), 0);
	assert_utf8(BYTES("ok\xff"), 2);
	/* Cut off by the end of the message. */
	assert_utf8(BYTES("a\xc3"), 2);
	assert_utf8(BYTES("a\xe2\x82"), 3);
	assert_utf8(BYTES("\xf0\x9f\x98"), 3);
}

/* By code points, in the other direction than the parser: 0 to 65535 are all texts of two bytes. */
static void
test_utf8_two_bytes(void **state)
{
	bool *valid = calloc(65536, sizeof(*valid));
	struct buffer in = BUFFER_INIT;
	struct transcript t;

	(void)state;
	for (unsigned i = 0; i < 0x80; i++)
		for (unsigned j = 0; j < 0x80; j++)
			valid[i << 8 | j] = true;
	for (unsigned point = 0x80; point < 0x800; point++)
		valid[(0xc0 | point >> 6) << 8 | (0x80 | (point & 0x3f))] = true;
	for (unsigned i = 0; i < 65536; i++) {
		char text[2] = {(char)(i >> 8), (char)i};

		buffer_clear(&in);
		client_frame(&in, FIN | WS_TEXT, text, 2);
		transcript_begin(&t, false, LIMIT, false);
		transcript_feed(&t, in.data, in.len);
		assert_int_equal(t.error, valid[i] ? 0 : WS_CODE_INVALID_DATA);
		transcript_end(&t);
	}
	buffer_free(&in);
	free(valid);
}

/* Text of whole characters of one to four bytes, at least `len` bytes of it. */
static void
random_text(struct buffer *to, size_t len)
{
	static const char *const characters[] = {"a", "Z", "\"", "\xc3\xa4", "\xdf\xbf",
	    "\xe2\x82\xac", "\xed\x9f\xbf", "\xef\xbf\xbf", "\xf0\x9f\x98\x80", "\xf4\x8f\xbf\xbf"};
	size_t end = to->len + len;

	while (to->len < end)
		buffer_append_str(to, characters[random_below(10)]);
}

static size_t
random_length(void)
{
	static const size_t around[] = {0, 1, 125, 126, 127, 65535, 65536};

	switch (random_below(12)) {
	case 0:
		return around[random_below(7)];
	case 1:
		return random_below(3000);
	default:
		return random_below(60);
	}
}

static void
random_control(struct buffer *in, struct buffer *expected)
{
	bool is_ping = random_below(2) == 0;
	char payload[125];
	size_t len = random_below(4) == 0 ? random_below(126) : random_below(10);

	for (size_t i = 0; i < len; i++)
		payload[i] = (char)random_below(256);
	client_frame(in, FIN | (is_ping ? WS_PING : WS_PONG), payload, len);
	buffer_append_str(expected, is_ping ? "ping:" : "pong:");
	buffer_append(expected, payload, len);
	buffer_append_str(expected, "\n");
}

/* A message in one or more frames, control frames between them, and its line of the transcript. */
static void
random_message(struct buffer *in, struct buffer *expected)
{
	bool is_text = random_below(2) == 0, compressed = random_below(5) == 0;
	unsigned first = (is_text ? WS_TEXT : WS_BINARY) | (compressed ? RSV1 : 0);
	size_t frames = random_below(2) == 0 ? 1 : 1 + random_below(5);
	size_t at = 0, part, len = random_length();
	struct buffer payload = BUFFER_INIT;

	if (is_text)
		random_text(&payload, len);
	for (size_t i = 0; !is_text && i < len; i++)
		buffer_append_char(&payload, (char)random_below(256));
	for (; frames > 0; frames--, first = WS_CONTINUATION, at += part) {
		part = frames == 1 ? payload.len - at : random_below(payload.len - at + 1);
		client_frame(
		    in, first | (frames == 1 ? FIN : 0), part == 0 ? "" : payload.data + at, part);
		if (frames > 1 && random_below(3) == 0)
			random_control(in, expected);
	}
	buffer_append_str(expected, compressed ? "z" : "");
	buffer_append_str(expected, is_text ? "text:" : "binary:");
	buffer_append(expected, payload.data, payload.len);
	buffer_append_str(expected, "\n");
	buffer_free(&payload);
}

/* Some messages, in half of the cases with a close and bytes after it. */
static void
random_sequence(struct buffer *in, struct buffer *expected)
{
	for (size_t n = random_below(6); n > 0; n--) {
		random_message(in, expected);
		if (random_below(4) == 0)
			random_control(in, expected);
	}
	if (random_below(2) == 0)
		return;
	client_frame(in, FIN | WS_CLOSE,
	    BYTES("\x03\xe9"
		  "going"));
	buffer_append_str(expected, "close:1001:going\n");
	for (size_t n = random_below(40); n > 0; n--)
		buffer_append_char(in, (char)random_below(256));
}

static void
feed_randomly(struct transcript *t, const struct buffer *in)
{
	size_t most = random_below(3) == 0 ? 8 : random_below(2) == 0 ? 200 : 70000;
	size_t at, part;

	for (at = 0; at < in->len; at += part) {
		part = 1 + random_below(most);
		part = part < in->len - at ? part : in->len - at;
		transcript_feed(t, in->data + at, part);
	}
}

static void
test_random_sequences(void **state)
{
	struct buffer in = BUFFER_INIT, expected = BUFFER_INIT;
	struct transcript t;

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		buffer_clear(&in);
		buffer_clear(&expected);
		random_sequence(&in, &expected);
		transcript_begin(&t, false, LIMIT, true);
		feed_randomly(&t, &in);
		assert_int_equal(t.error, 0);
		assert_int_equal(t.kept.len, 0);
		assert_int_equal(t.text.len, expected.len);
		if (expected.len > 0)
			assert_memory_equal(t.text.data, expected.data, expected.len);
		transcript_end(&t);
	}
	buffer_free(&in);
	buffer_free(&expected);
}

/* Damaged sequences: whatever is reported, it may not depend on how the bytes were cut. */
static void
test_random_damage(void **state)
{
	struct buffer in = BUFFER_INIT, unused = BUFFER_INIT;
	struct transcript whole, cut;
	int errors = 0;

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		buffer_clear(&in);
		buffer_clear(&unused);
		random_sequence(&in, &unused);
		for (size_t n = in.len > 0 ? 1 + random_below(3) : 0; n > 0; n--)
			in.data[random_below(in.len)] ^= (char)(1 << random_below(8));
		transcript_begin(&whole, false, 1000, true);
		transcript_begin(&cut, false, 1000, true);
		transcript_feed(&whole, in.data, in.len);
		feed_randomly(&cut, &in);
		assert_int_equal(whole.error, cut.error);
		assert_int_equal(whole.text.len, cut.text.len);
		if (whole.text.len > 0)
			assert_memory_equal(whole.text.data, cut.text.data, cut.text.len);
		errors += whole.error != 0;
		transcript_end(&whole);
		transcript_end(&cut);
	}
	/* The damage has to have been such that it tested something. */
	assert_true(errors > ROUNDS / 5 && errors < ROUNDS);
	buffer_free(&in);
	buffer_free(&unused);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_utf8_errors),
	    cmocka_unit_test(test_utf8_two_bytes),
	    cmocka_unit_test(test_random_sequences),
	    cmocka_unit_test(test_random_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
