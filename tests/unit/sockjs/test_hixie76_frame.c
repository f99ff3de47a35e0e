/*
 * The frame parser of draft-hixie-thewebsocketprotocol-76.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/buffer.h"
#include "sockjs/hixie76_frame.h"
#include "tests/unit/sockjs/ws_transcript.h"

#define BYTES(literal) (literal), sizeof(literal) - 1

/* Whole, in steps of every size and cut in two at every place: always this transcript. */
static void
assert_parses(size_t limit, const char *in, size_t len, const char *expected)
{
	struct transcript t;

	for (size_t step = 1; step <= len; step++) {
		transcript_begin(&t, true, limit, false);
		transcript_feed_steps(&t, in, len, step);
		assert_int_equal(t.text.len, strlen(expected));
		if (expected[0] != '\0')
			assert_memory_equal(t.text.data, expected, t.text.len);
		transcript_end(&t);
		transcript_begin(&t, true, limit, false);
		transcript_feed(&t, in, step);
		transcript_feed(&t, in + step, len - step);
		assert_int_equal(t.text.len, strlen(expected));
		if (expected[0] != '\0')
			assert_memory_equal(t.text.data, expected, t.text.len);
		transcript_end(&t);
	}
}

static void
test_text(void **state)
{
	(void)state;
	assert_parses(100, BYTES("\x00Hello\xff"), "text:Hello\n");
	assert_parses(100, BYTES("\x00\xff"), "text:\n");
	assert_parses(100, BYTES("\x00[\"\xc3\xa4\xf0\x9f\x98\x80\"]\xff\x00x\xff"),
	    "text:[\"\xc3\xa4\xf0\x9f\x98\x80\"]\ntext:x\n");
	assert_parses(100, BYTES("\x00never ended"), "");
	assert_parses(100,
	    BYTES("\x00"
		  "a\xff" HIXIE76_CLOSE),
	    "text:a\nclose:1005:\n");
	assert_parses(100,
	    BYTES(HIXIE76_CLOSE "\x00"
				"a\xff" HIXIE76_CLOSE),
	    "close:1005:\n");
}

static void
test_one_event(void **state)
{
	struct ws_limits limits = {.message = 100};
	struct hixie76_parser p;
	struct ws_event event;
	char in[] = {'\x00', 'a', 'b', '\xff', 'x'};

	(void)state;
	hixie76_parser_init(&p);
	assert_int_equal(hixie76_parse(&p, in, 0, &limits, &event), 0);
	assert_int_equal(hixie76_parse(&p, in, 5, &limits, &event), 1);
	assert_int_equal(event.type, WS_EVENT_NONE);
	assert_int_equal(hixie76_parse(&p, in + 1, 4, &limits, &event), 3);
	assert_int_equal(event.type, WS_EVENT_DATA);
	assert_int_equal(event.opcode, WS_TEXT);
	assert_true(event.first && event.last && !event.compressed);
	assert_ptr_equal(event.data, in + 1);
	assert_int_equal(event.len, 2);
}

/* Every type but 0x00: skipped, up to its 0xff below 0x80, by its length from there on. */
static void
test_other_types(void **state)
{
	(void)state;
	for (int type = 1; type < 256; type++) {
		char to_end[] = {(char)type, 'x', '\x00', '\xc0', '\xff', '\x00', 'a', '\xff'};
		char counted[] = {(char)type, '\x02', '\xff', '\x00', '\x00', 'a', '\xff'};
		char long_form[] = {
		    (char)type, '\x80', '\x80', '\x02', '\xff', '\xff', '\x00', 'a', '\xff'};
		char empty[] = {(char)type, '\x00', '\x00', 'a', '\xff'};

		if (type < 0x80) {
			assert_parses(100, to_end, sizeof(to_end), "text:a\n");
			continue;
		}
		assert_parses(100, counted, sizeof(counted), "text:a\n");
		assert_parses(100, long_form, sizeof(long_form), "text:a\n");
		assert_parses(
		    100, empty, sizeof(empty), type == 0xff ? "close:1005:\n" : "text:a\n");
	}
	assert_parses(100,
	    BYTES("\xff\x80\x80\x00"
		  "\x00"
		  "a\xff"),
	    "close:1005:\n");
}

static void
test_limits(void **state)
{
	(void)state;
	assert_parses(5,
	    BYTES("\x00"
		  "12345\xff\x00"
		  "12345\xff"),
	    "text:12345\ntext:12345\n");
	assert_parses(5,
	    BYTES("\x00"
		  "123456\xff"),
	    "error:1009\n");
	assert_parses(5,
	    BYTES("\x00"
		  "123456"),
	    "error:1009\n");
	assert_parses(5,
	    BYTES("\x01"
		  "12345\xff\x00"
		  "a\xff"),
	    "text:a\n");
	assert_parses(5,
	    BYTES("\x01"
		  "123456"),
	    "error:1009\n");
	assert_parses(5,
	    BYTES("\x80\x05"
		  "12345\x00"
		  "a\xff"),
	    "text:a\n");
	assert_parses(5, BYTES("\x80\x06"), "error:1009\n");
	assert_parses(200, BYTES("\x80\x81\x49"), "error:1009\n");
	assert_parses(SIZE_MAX, BYTES("\x80\x81\x80\x80\x80\x80\x80\x80\x80\x80\x00"),
	    SIZE_MAX > UINT32_MAX ? "" : "error:1009\n");
	assert_parses(
	    SIZE_MAX, BYTES("\x80\x84\x80\x80\x80\x80\x80\x80\x80\x80\x00"), "error:1009\n");
	assert_parses(0,
	    BYTES("\x00\xff\x00"
		  "a\xff"),
	    "text:\nerror:1009\n");
}

static void
test_utf8(void **state)
{
	(void)state;
	assert_parses(100,
	    BYTES("\x00"
		  "a\xc3\xff"),
	    "error:1007\n");
	assert_parses(100,
	    BYTES("\x00"
		  "a\xed\xa0\x80\xff"),
	    "error:1007\n");
	assert_parses(100,
	    BYTES("\x00"
		  "a\xc0"),
	    "error:1007\n");
	assert_parses(100,
	    BYTES("\x00"
		  "ok\xff\x00\xf5"
		  "ok\xff"),
	    "text:ok\nerror:1007\n");
	/* Broken and too long: the first of the two counts, also when all is in one read. */
	assert_parses(3,
	    BYTES("\x00"
		  "abcd\xc0\xff"),
	    "error:1009\n");
	assert_parses(3,
	    BYTES("\x00"
		  "ab\xc0"
		  "d\xff"),
	    "error:1007\n");
	assert_parses(3,
	    BYTES("\x00"
		  "ab\xc3\xa4\xff"),
	    "error:1009\n");
	assert_parses(3,
	    BYTES("\x00"
		  "ab\xc3\xff"),
	    "error:1007\n");
}

/* Any pieces of the syntax in any order: the same however they are cut. */
static void
test_random(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
	} pieces[] = {{BYTES("\x00")}, {BYTES("\xff")},
	    {BYTES("\x00"
		   "a\xff")},
	    {BYTES("\xff\x00")}, {BYTES("\x80\x02")}, {BYTES("ab")}, {BYTES("\xc3\xa4\xff")},
	    {BYTES("\xe2")}};
	uint64_t random = 88172645463325252u;
	int errors = 0, closed = 0;
	struct buffer in = BUFFER_INIT;

	(void)state;
	for (int round = 0; round < 4000; round++) {
		struct transcript whole;

		buffer_clear(&in);
		buffer_append(&in, "\x00", 1);
		for (size_t i = 0; i < 8; i++) {
			random ^= random << 13;
			random ^= random >> 7;
			random ^= random << 17;
			buffer_append(&in, pieces[random % 8].bytes, pieces[random % 8].len);
		}
		transcript_begin(&whole, true, 6, false);
		transcript_feed(&whole, in.data, in.len);
		for (size_t step = 1; step < in.len; step = step * 2 + 1) {
			struct transcript cut;

			transcript_begin(&cut, true, 6, false);
			transcript_feed_steps(&cut, in.data, in.len, step);
			assert_int_equal(whole.text.len, cut.text.len);
			if (whole.text.len > 0)
				assert_memory_equal(whole.text.data, cut.text.data, cut.text.len);
			transcript_end(&cut);
		}
		errors += whole.error != 0;
		closed += whole.closed;
		transcript_end(&whole);
	}
	assert_in_range(errors, 400, 3600);
	assert_in_range(closed, 100, 3600);
	buffer_free(&in);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_text),
	    cmocka_unit_test(test_one_event),
	    cmocka_unit_test(test_other_types),
	    cmocka_unit_test(test_limits),
	    cmocka_unit_test(test_utf8),
	    cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
