/*
 * sockjs/utf8.c against a reference that knows UTF-8 only as a way to write code points: every code
 * point is encoded, and what that makes is what is valid, and what begins one of these can still
 * become valid.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/buffer.h"
#include "sockjs/utf8.h"

/*
 * Whether the key (bytes, most significant first, below a leading 1) begins an encoded scalar
 * value.
 */
static uint8_t *beginnings;

/* Writes a code point, surrogates included; returns the length. */
static size_t
encode(uint32_t code, unsigned char *to)
{
	size_t n = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;

	for (size_t i = n; i-- > 1; code >>= 6)
		to[i] = (unsigned char)(0x80 + code % 64);
	to[0] = (unsigned char)(n == 1 ? code : (0xf00u >> n & 0xff) + code);
	return n;
}

static bool
is_surrogate(uint32_t code)
{
	return code >= 0xd800 && code <= 0xdfff;
}

static uint32_t
key(const unsigned char *s, size_t len)
{
	uint32_t k = 1;

	for (size_t i = 0; i < len; i++)
		k = k << 8 | s[i];
	return k;
}

/* The length of the encoded code point at s, or 0. */
static size_t
reference_sequence(const unsigned char *s, size_t len, bool surrogates)
{
	unsigned char again[4];

	for (size_t n = 1; n <= 4 && n <= len; n++) {
		uint32_t code = n == 1 ? s[0] : s[0] & (0x7fu >> n);

		for (size_t i = 1; i < n; i++)
			code = code << 6 | (s[i] & 0x3f);
		if (code <= 0x10ffff && (surrogates || !is_surrogate(code)) &&
		    encode(code, again) == n && memcmp(again, s, n) == 0)
			return n;
	}
	return 0;
}

static size_t
reference_prefix(const unsigned char *s, size_t len, bool surrogates)
{
	size_t at = 0, n;

	while ((n = reference_sequence(s + at, len - at, surrogates)) > 0)
		at += n;
	return at;
}

/* True if s can be continued (or not) to a valid text. */
static bool
reference_is_viable(const unsigned char *s, size_t len)
{
	size_t at = reference_prefix(s, len, false);

	return at == len || (len - at <= 3 && beginnings[key(s + at, len - at)] != 0);
}

static int
set_up(void **state)
{
	unsigned char s[4];
	size_t n;

	(void)state;
	beginnings = calloc(1, (size_t)1 << 25);
	assert_non_null(beginnings);
	for (uint32_t code = 0; code <= 0x10ffff; code++) {
		if (is_surrogate(code))
			continue;
		n = encode(code, s);
		for (size_t i = 1; i < n; i++)
			beginnings[key(s, i)] = 1;
	}
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	free(beginnings);
	return 0;
}

/* Feeds s in pieces that end at `a` and `b`, into an initialised state, and compares. */
static void
check_pieces(const unsigned char *s, size_t len, size_t a, size_t b)
{
	const char *text = (const char *)s;
	struct utf8_state state;

	utf8_init(&state);
	assert_int_equal(utf8_feed(&state, text, a), reference_is_viable(s, a));
	assert_int_equal(utf8_feed(&state, text + a, b - a), reference_is_viable(s, b));
	assert_int_equal(utf8_complete(&state), reference_prefix(s, b, false) == b);
	assert_int_equal(utf8_feed(&state, text + b, len - b), reference_is_viable(s, len));
	assert_int_equal(utf8_complete(&state), reference_prefix(s, len, false) == len);
}

/* Checks all functions on s, in an allocation of exactly its size, whole and cut at every place. */
static void
check(const unsigned char *bytes, size_t len)
{
	unsigned char *s = malloc(len == 0 ? 1 : len);
	const char *text = (const char *)s;

	assert_non_null(s);
	memcpy(s, bytes, len);
	assert_int_equal(utf8_valid_prefix(text, len), reference_prefix(s, len, false));
	assert_int_equal(utf8_is_valid(text, len), reference_prefix(s, len, false) == len);
	assert_int_equal(utf8_is_valid_wtf8(text, len), reference_prefix(s, len, true) == len);
	assert_int_equal(utf8_sequence(text, len), reference_sequence(s, len, false));
	for (size_t cut = 0; cut <= len; cut++)
		check_pieces(s, len, cut, len);
	free(s);
}

static void
test_short_sequences(void **state)
{
	unsigned char s[2] = {0};

	(void)state;
	check(s, 0);
	for (int a = 0; a < 256; a++) {
		s[0] = (unsigned char)a;
		check(s, 1);
		for (int b = 0; b < 256; b++) {
			s[1] = (unsigned char)b;
			check(s, 2);
		}
	}
}

static void
test_long_sequences(void **state)
{
	static const unsigned char next[] = {0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf,
	    0xc0, 0xc2, 0xe0, 0xed, 0xf0, 0xff};
	unsigned char s[5] = {[4] = 'x'};

	(void)state;
	for (int a = 0x7f; a < 256; a++)
		for (size_t b = 0; b < sizeof(next); b++)
			for (size_t c = 0; c < sizeof(next); c++) {
				s[0] = (unsigned char)a;
				s[1] = next[b];
				s[2] = next[c];
				check(s, 3);
				for (size_t d = 0; a >= 0xe0 && d < sizeof(next); d++) {
					s[3] = next[d];
					check(s, 4);
				}
				check(s, 5);
			}
}

static void
test_every_code_point(void **state)
{
	unsigned char s[4];
	size_t n;

	(void)state;
	for (uint32_t code = 0; code <= 0x10ffff; code++) {
		n = encode(code, s);
		assert_int_equal(utf8_is_valid((char *)s, n), !is_surrogate(code));
		assert_true(utf8_is_valid_wtf8((char *)s, n));
		assert_int_equal(utf8_sequence((char *)s, n), is_surrogate(code) ? 0 : n);
	}
	assert_int_equal(encode(0x110000, s), 4);
	assert_false(utf8_is_valid_wtf8((char *)s, 4));
}

/*
 * Every sequence of interest at each offset of a longer text: the eight-byte steps must not skip
 * it.
 */
static void
test_inside_of_text(void **state)
{
	static const char *const parts[] = {"\x80", "\xff", "\xc3\xa9", "\xc0\xaf", "\xe2\x82\xac",
	    "\xe0\x80\xaf", "\xed\xa0\x80", "\xed\x9f\xbf", "\xf0\x9f\x98\x80", "\xf4\x90\x80\x80",
	    "\xf0\x80\x80\x80", "\xf5\x80\x80\x80", "\xe2\x82", "\xf0\x9f\x98", ""};
	unsigned char s[40];

	(void)state;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		size_t n = strlen(parts[i]);

		for (size_t at = 0; at < 20; at++)
			for (size_t after = 0; after < 12; after++) {
				memset(s, 'a', sizeof(s));
				memcpy(s + at, parts[i], n);
				check(s, at + n + after);
			}
	}
}

static void
test_two_cuts(void **state)
{
	static const unsigned char texts[][12] = {"h\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80!",
	    "\xf0\x9f\x98\x80\xed\xa0\x80xyz", "\xf4\x8f\xbf\xbf\xf4\x90xyzuv"};
	size_t len = sizeof(texts[0]) - 1;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		for (size_t a = 0; a <= len; a++)
			for (size_t b = a; b <= len; b++)
				check_pieces(texts[i], len, a, b);
}

/* RFC 6455, 8.1: an error is reported with the byte that makes it one, and stays. */
static void
test_early_errors(void **state)
{
	static const char *const bad[] = {
	    "\xf5", "\xff", "\xc0", "\xc1", "\x80", "\xed\xa0", "\xf4\x90", "\xe0\x9f", "\xf0\x8f"};
	struct utf8_state s;

	(void)state;
	assert_true(sizeof(s) <= 4);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		size_t n = strlen(bad[i]);

		utf8_init(&s);
		for (size_t at = 0; at < n; at++)
			assert_int_equal(utf8_feed(&s, bad[i] + at, 1), at + 1 < n);
		assert_false(utf8_complete(&s));
		assert_false(utf8_feed(&s, "a", 1));
		assert_false(utf8_feed(&s, NULL, 0));
		assert_false(utf8_complete(&s));
	}
}

static void
check_wellformed(const char *in, size_t in_len, const char *expected)
{
	struct buffer out = BUFFER_INIT;
	char *s = malloc(in_len == 0 ? 1 : in_len);

	assert_non_null(s);
	memcpy(s, in, in_len);
	assert_int_equal(utf8_has_surrogate(s, in_len), !utf8_is_valid(s, in_len));
	utf8_append_wellformed(&out, s, in_len);
	assert_int_equal(out.len, strlen(expected));
	if (out.len > 0)
		assert_memory_equal(out.data, expected, out.len);
	assert_true(utf8_is_valid(out.data, out.len));
	buffer_free(&out);
	free(s);
}

static void
test_wellformed(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
	    {"", ""},
	    {"plain \xc3\xa9\xf0\x9f\x98\x80", "plain \xc3\xa9\xf0\x9f\x98\x80"},
	    {"\xed\x9f\xbf\xee\x80\x80", "\xed\x9f\xbf\xee\x80\x80"},
	    {"\xed\xa0\x80", "\xef\xbf\xbd"},
	    {"\xed\xbf\xbf", "\xef\xbf\xbd"},
	    {"a\xed\xa0\xbd", "a\xef\xbf\xbd"},
	    {"\xed\xb8\x80z", "\xef\xbf\xbdz"},
	    {"a\xed\xa0\xbd\xed\xb8\x80z", "a\xf0\x9f\x98\x80z"},
	    {"\xed\xa0\x80\xed\xb0\x80", "\xf0\x90\x80\x80"},
	    {"\xed\xaf\xbf\xed\xbf\xbf", "\xf4\x8f\xbf\xbf"},
	    {"\xed\xb8\x80\xed\xa0\xbd", "\xef\xbf\xbd\xef\xbf\xbd"},
	    {"\xed\xa0\xbd\xed\xa0\xbd\xed\xb8\x80", "\xef\xbf\xbd\xf0\x9f\x98\x80"},
	    {"\xed\xa0\xbdx\xed\xb8\x80", "\xef\xbf\xbdx\xef\xbf\xbd"},
	    {"\xed\xa0\xbd\xed\x9f\xbf", "\xef\xbf\xbd\xed\x9f\xbf"},
	};
	struct buffer out = BUFFER_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check_wellformed(cases[i].in, strlen(cases[i].in), cases[i].out);
	utf8_append_wellformed(&out, NULL, 0);
	assert_int_equal(out.len, 0);
	/* Cut off: not WTF-8, copied as it is, and nothing past the end is read. */
	utf8_append_wellformed(&out, "a\xed\xa0", 3);
	assert_int_equal(out.len, 3);
	buffer_free(&out);
	assert_false(utf8_has_surrogate(NULL, 0));
	assert_false(utf8_has_surrogate("a\xed", 2));
}

/* Where the ASCII ends, in text that is looked at in large steps and in small ones. */
static void
test_ascii_prefix(void **state)
{
	char text[100];

	(void)state;
	for (size_t at = 0; at < sizeof text; at++) {
		memset(text, 'a', sizeof text);
		text[at] = '\xff';
		assert_int_equal(utf8_valid_prefix(text, sizeof text), at);
		assert_true(utf8_is_valid(text, at));
	}
}

/* A byte outside ASCII at every place, or none, in copies of every length and alignment. */
static void
test_copy(void **state)
{
	(void)state;
	for (size_t len = 0; len < 150; len++)
		for (size_t at = 0; at <= len; at++) {
			size_t skew = at % 16, to_skew = (at / 2 + len) % 16;
			char *from = malloc(skew + len + 1);
			char *start = malloc(to_skew + len + 1), *to = start + to_skew;

			memset(from, 'a', skew + len + 1);
			if (at < len)
				from[skew + at] = (char)(0x80 + at % 0x80);
			to[len] = 'z';
			assert_int_equal(utf8_copy(to, from + skew, len), at == len);
			if (len > 0)
				assert_memory_equal(to, from + skew, len);
			assert_int_equal(to[len], 'z');
			free(from);
			free(start);
		}
}

static void
test_utf16_length(void **state)
{
	(void)state;
	assert_int_equal(utf8_utf16_length("", 0), 0);
	assert_int_equal(utf8_utf16_length("abc", 3), 3);
	assert_int_equal(utf8_utf16_length("a\xc3\xa4\xe2\x82\xac", 6), 3);
	assert_int_equal(utf8_utf16_length("\xf0\x9f\x98\x80", 4), 2);
	assert_int_equal(utf8_utf16_length("\xed\xa0\x80", 3), 1);
}

static void
check_masked(const char *text, const char *expected)
{
	char *copy = strdup(text);

	assert_non_null(copy);
	utf8_mask_invalid(copy);
	assert_string_equal(copy, expected);
	free(copy);
}

static void
test_mask_invalid(void **state)
{
	(void)state;
	check_masked("", "");
	check_masked("as \xc3\xa9 it is \xf0\x9f\x98\x80", "as \xc3\xa9 it is \xf0\x9f\x98\x80");
	check_masked("cut '\xc3'", "cut '?'");
	check_masked("\xe2\x82", "??");
	check_masked("\x82\xe2\x82\xac\xff", "?\xe2\x82\xac?");
	check_masked("\xed\xa0\x80", "???");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_short_sequences),
	    cmocka_unit_test(test_long_sequences),
	    cmocka_unit_test(test_every_code_point),
	    cmocka_unit_test(test_inside_of_text),
	    cmocka_unit_test(test_two_cuts),
	    cmocka_unit_test(test_early_errors),
	    cmocka_unit_test(test_wellformed),
	    cmocka_unit_test(test_ascii_prefix),
	    cmocka_unit_test(test_copy),
	    cmocka_unit_test(test_utf16_length),
	    cmocka_unit_test(test_mask_invalid),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
