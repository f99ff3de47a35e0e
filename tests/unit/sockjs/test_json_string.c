/*
 * sockjs/json_string.c against the literal rule of the protocol, applied code unit by code unit,
 * and back through the decoder.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/buffer.h"
#include "sockjs/json_string.h"
#include "sockjs/message_array.h"
#include "sockjs/utf8.h"

/* Writes a code point, surrogates included; returns the length. */
static size_t
encode(uint32_t code, char *to)
{
	size_t n = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;

	for (size_t i = n; i-- > 1; code >>= 6)
		to[i] = (char)(0x80 + code % 64);
	to[0] = (char)(n == 1 ? code : (0xf00u >> n & 0xff) + code);
	return n;
}

/* What the protocol says of one code point. */
static void
reference_append(struct buffer *out, uint32_t code)
{
	static const char shorts[] = "\bb\ff\nn\rr\tt\"\"\\\\";
	char raw[4];

	for (size_t i = 0; i + 1 < sizeof(shorts); i += 2)
		if (code == (unsigned char)shorts[i]) {
			buffer_printf(out, "\\%c", shorts[i + 1]);
			return;
		}
	if (code > 0xffff)
		buffer_printf(out, "\\u%04x\\u%04x", 0xd800 + ((code - 0x10000) >> 10),
		    0xdc00 + ((code - 0x10000) & 0x3ff));
	else if (code < 0x20 || (code >= 0xd800 && code <= 0xdfff) ||
	    (code >= 0x200c && code <= 0x200f) || (code >= 0x2028 && code <= 0x202f) ||
	    (code >= 0x2060 && code <= 0x206f) || code >= 0xfff0)
		buffer_printf(out, "\\u%04x", code);
	else
		buffer_append(out, raw, encode(code, raw));
}

/*
 * Encodes from an allocation of exactly the size, onto something that is already there; returns the
 * literal.
 */
static struct buffer
encoded(const void *bytes, size_t len, unsigned flags)
{
	struct buffer out = BUFFER_INIT;
	char *s = malloc(len == 0 ? 1 : len);

	assert_non_null(s);
	if (len > 0)
		memcpy(s, bytes, len);
	buffer_append_str(&out, "a[");
	json_string_append(&out, s, len, flags);
	assert_false(buffer_failed(&out));
	assert_memory_equal(out.data, "a[", 2);
	buffer_consume(&out, 2);
	free(s);
	return out;
}

static void
check(const void *bytes, size_t len, unsigned flags, const void *expected, size_t expected_len)
{
	struct buffer out = encoded(bytes, len, flags);

	assert_int_equal(out.len, expected_len);
	assert_memory_equal(out.data, expected, expected_len);
	buffer_free(&out);
}

/* Encodes, compares with the reference's content, decodes and compares with the input. */
static void
check_both_ways(const struct buffer *in, const struct buffer *content)
{
	struct buffer out = encoded(in->data, in->len, 0);
	size_t count;
	ssize_t n;

	assert_int_equal(out.len, content->len + 2);
	assert_int_equal(out.data[0], '"');
	assert_memory_equal(out.data + 1, content->data, content->len);
	assert_int_equal(out.data[out.len - 1], '"');
	n = message_array_decode(out.data, out.len, MESSAGE_ARRAY_ALLOW_STRING, 0, &count);
	assert_int_equal(n, in->len + 1);
	assert_int_equal(count, 1);
	assert_memory_equal(out.data, in->data, in->len);
	buffer_free(&out);
}

static void
check_code(uint32_t code, const char *before, const char *after)
{
	struct buffer in = BUFFER_INIT, content = BUFFER_INIT;
	char raw[4];

	buffer_append_str(&in, before);
	buffer_append(&in, raw, encode(code, raw));
	buffer_append_str(&in, after);
	buffer_append_str(&content, before);
	reference_append(&content, code);
	buffer_append_str(&content, after);
	check_both_ways(&in, &content);
	buffer_free(&in);
	buffer_free(&content);
}

static void
test_every_code_unit(void **state)
{
	(void)state;
	for (uint32_t code = 0; code <= 0xffff; code++) {
		check_code(code, "", "");
		check_code(code, "\xc3\xa9 seven ", "and some more");
	}
}

static void
test_above_the_plane(void **state)
{
	(void)state;
	for (uint32_t code = 0x10000; code <= 0x10ffff; code += 0x101)
		check_code(code, "x", "y");
	check_code(0x10ffff, "", "");
}

/*
 * What needs an escape, and what only looks like it, at each offset: the eight-byte steps must see
 * it.
 */
static void
test_every_offset(void **state)
{
	static const uint32_t codes[] = {'"', '\\', '\n', 0, 0x1f, 0x7f, 0xe9, 0x200b, 0x200c,
	    0x2028, 0x2070, 0xd7ff, 0xd800, 0xdfff, 0xe000, 0xffef, 0xfff0, 0x10000, 0x1f600};
	const char *plain = "abcdefghijklmnopqrstuvwxyz";
	char before[32];

	(void)state;
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		for (size_t at = 0; at <= 20; at++)
			for (size_t after = 0; after <= 20; after++) {
				snprintf(before, sizeof(before), "%.*s", (int)at, plain);
				check_code(codes[i], before, plain + 26 - after);
			}
}

static uint64_t
next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed >> 11;
}

/* A code point out of one of the ranges that matter. */
static uint32_t
random_code(uint64_t *seed)
{
	static const uint32_t ranges[][2] = {{0, 0x1f}, {0x20, 0x7e}, {0x20, 0x7e}, {0x21, 0x23},
	    {0x5b, 0x5d}, {0x80, 0x7ff}, {0x2000, 0x2070}, {0xd7f0, 0xd810}, {0xdc00, 0xe010},
	    {0xff00, 0xffff}, {0x10000, 0x10ffff}};
	uint64_t i = next_random(seed) % (sizeof(ranges) / sizeof(ranges[0]));

	return ranges[i][0] + (uint32_t)(next_random(seed) % (ranges[i][1] - ranges[i][0] + 1));
}

static void
test_random_texts(void **state)
{
	struct buffer in = BUFFER_INIT, content = BUFFER_INIT;
	uint64_t seed = 20260118;
	char raw[4];

	(void)state;
	for (int round = 0; round < 20000; round++) {
		uint32_t code, before = 0;
		size_t len = next_random(&seed) % (round % 100 == 0 ? 3000 : 40);

		buffer_clear(&in);
		buffer_clear(&content);
		buffer_append_char(&in, 'x');
		buffer_append_char(&content, 'x');
		for (size_t i = 0; i < len; i++, before = code) {
			code = random_code(&seed);
			/* Both halves in a row are one character, and decode as that. */
			if (code >= 0xdc00 && code <= 0xdfff && before >= 0xd800 &&
			    before <= 0xdbff)
				code = 'z';
			buffer_append(&in, raw, encode(code, raw));
			reference_append(&content, code);
		}
		check_both_ways(&in, &content);
	}
	buffer_free(&in);
	buffer_free(&content);
}

static void
test_literals(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
	    {"", "\"\""},
	    {"a/b</script>", "\"a/b</script>\""},
	    {"\"\\\b\f\n\r\t\x01\x1f\x7f", "\"\\\"\\\\\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\""},
	    {"\xe2\x80\xa8\xef\xbf\xbf", "\"\\u2028\\uffff\""},
	    {"\xf0\x9f\x98\x80", "\"\\ud83d\\ude00\""},
	    {"\xed\xa0\xbd", "\"\\ud83d\""},
	    {"\xed\xa0\xbd\xed\xb8\x80", "\"\\ud83d\\ude00\""},
	    {"\xed\xb8\x80\xed\xa0\xbd", "\"\\ude00\\ud83d\""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check(cases[i].in, strlen(cases[i].in), 0, cases[i].out, strlen(cases[i].out));
	check("a\0b", 3, 0, "\"a\\u0000b\"", 10);
	check(NULL, 0, 0, "\"\"", 2);
	check(NULL, 0, JSON_STRING_IN_HTML, "\"\"", 2);
}

static void
test_in_html(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
	    {"", "\"\""},
	    {"a[\"x\"]", "\"a[\\\"x\\\"]\""},
	    {"a[\"</script>\"]", "\"a[\\\"\\u003c/script>\\\"]\""},
	    {"</", "\"\\u003c/\""},
	    {"<", "\"\\u003c\""},
	    {"<!--<script", "\"\\u003c!--\\u003cscript\""},
	    {"/", "\"/\""},
	    {"<</</", "\"\\u003c\\u003c/\\u003c/\""},
	    {"<\\/", "\"\\u003c\\\\/\""},
	    {"h\xc3\xa9</h\xc3\xa9", "\"h\xc3\xa9\\u003c/h\xc3\xa9\""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check(cases[i].in, strlen(cases[i].in), JSON_STRING_IN_HTML, cases[i].out,
		    strlen(cases[i].out));
}

/*
 * Input that is not WTF-8: any result, but no byte outside of the input is touched (the sanitizer
 * says), and it ends.
 */
static void
test_cut_off_input(void **state)
{
	unsigned char s[12];
	struct buffer out;

	(void)state;
	for (int lead = 0x80; lead < 256; lead++)
		for (size_t at = 0; at < 9; at++)
			for (size_t n = 1; n <= 3; n++) {
				memset(s, 'a', sizeof(s));
				s[at] = (unsigned char)lead;
				s[at + 1] = s[at + 2] = 0xbf;
				out = encoded(s, at + n, 0);
				assert_true(out.len >= 2 && out.len <= 6 * (at + n) + 2);
				assert_int_equal(out.data[out.len - 1], '"');
				buffer_free(&out);
			}
}

/* The worst growth there is: one byte becomes six, many times. */
static void
test_growth(void **state)
{
	enum { LEN = 5000 };
	struct buffer out;
	char s[LEN];

	(void)state;
	memset(s, 1, LEN);
	for (size_t len = 0; len <= LEN; len += len < 100 ? 1 : 700) {
		out = encoded(s, len, 0);
		assert_int_equal(out.len, 6 * len + 2);
		for (size_t i = 0; i < len; i++)
			assert_memory_equal(out.data + 1 + 6 * i, "\\u0001", 6);
		buffer_free(&out);
	}
}

/* A buffer that failed earlier takes nothing, and that is no crash. */
static void
test_failed_buffer(void **state)
{
	struct buffer out = BUFFER_INIT;

	(void)state;
	buffer_append_char(&out, 'x');
	assert_null(buffer_reserve(&out, SIZE_MAX));
	json_string_append(&out, "abc\n</", 6, JSON_STRING_IN_HTML);
	assert_true(buffer_failed(&out));
	assert_int_equal(out.len, 1);
	buffer_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_literals),
	    cmocka_unit_test(test_in_html),
	    cmocka_unit_test(test_every_code_unit),
	    cmocka_unit_test(test_above_the_plane),
	    cmocka_unit_test(test_every_offset),
	    cmocka_unit_test(test_random_texts),
	    cmocka_unit_test(test_cut_off_input),
	    cmocka_unit_test(test_growth),
	    cmocka_unit_test(test_failed_buffer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
