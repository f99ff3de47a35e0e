/*
 * sockjs/message_array.c: the files of tests/cases/message_array, sizes and limits, and jansson as
 * the second opinion on generated input. A case whose name begins with "websocket_" is decoded with
 * MESSAGE_ARRAY_ALLOW_STRING; its `expect` holds "broken", "payload", or a line of hexadecimal
 * digits for each message.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <jansson.h>
#include <cmocka.h>

#include "common/buffer.h"
#include "sockjs/message_array.h"
#include "sockjs/utf8.h"

/* A decoded text, in an allocation of exactly the size of the text. */
struct decoded {
	char *text;
	ssize_t len; /* or the error */
	size_t count;
};

static struct decoded
decode(const char *text, size_t len, unsigned flags, size_t max_messages)
{
	struct decoded d = {.text = malloc(len == 0 ? 1 : len), .count = 4711};

	assert_non_null(d.text);
	if (len > 0)
		memcpy(d.text, text, len);
	d.len = message_array_decode(d.text, len, flags, max_messages, &d.count);
	if (d.len < 0)
		assert_int_equal(d.count, 0);
	else
		assert_true((size_t)d.len < len);
	return d;
}

/* Appends what came out as an `expect` file says it. */
static void
describe(struct buffer *out, const struct decoded *d)
{
	const char *cursor = d->text, *message;
	size_t message_len, count = 0;

	if (d->len < 0) {
		buffer_append_str(out,
		    d->len == MESSAGE_ARRAY_BROKEN	  ? "broken\n"
			: d->len == MESSAGE_ARRAY_PAYLOAD ? "payload\n"
							  : "too many\n");
		return;
	}
	while (message_array_next(&cursor, d->text + d->len, &message, &message_len)) {
		assert_true(utf8_is_valid_wtf8(message, message_len));
		for (size_t i = 0; i < message_len; i++)
			buffer_printf(out, "%02x", (unsigned char)message[i]);
		buffer_append_char(out, '\n');
		count++;
	}
	assert_ptr_equal(cursor, d->text + d->len);
	assert_int_equal(count, d->count);
}

static void
check(const char *text, size_t len, unsigned flags, size_t max_messages, const char *expected)
{
	struct decoded d = decode(text, len, flags, max_messages);
	struct buffer found = BUFFER_INIT;

	describe(&found, &d);
	buffer_append_char(&found, '\0');
	assert_string_equal(found.data, expected);
	buffer_free(&found);
	free(d.text);
}

static void
read_file(struct buffer *out, const char *directory, const char *name, const char *file)
{
	char path[1024], *to;
	FILE *f;
	size_t n;

	snprintf(path, sizeof(path), "%s/%s/%s", directory, name, file);
	f = fopen(path, "rb");
	if (f == NULL)
		fail_msg("cannot open %s", path);
	do {
		to = buffer_reserve(out, 4096);
		assert_non_null(to);
		n = fread(to, 1, 4096, f);
		buffer_added(out, n);
	} while (n > 0);
	fclose(f);
}

static void
check_case(const char *directory, const char *name)
{
	struct buffer input = BUFFER_INIT, expect = BUFFER_INIT, found = BUFFER_INIT;
	unsigned flags = strncmp(name, "websocket_", 10) == 0 ? MESSAGE_ARRAY_ALLOW_STRING : 0;
	struct decoded d;

	read_file(&input, directory, name, "input");
	read_file(&expect, directory, name, "expect");
	d = decode(input.data, input.len, flags, 0);
	describe(&found, &d);
	if (found.len != expect.len ||
	    (found.len > 0 && memcmp(found.data, expect.data, found.len) != 0))
		fail_msg("%s: expected %.*s, found %.*s", name, (int)expect.len,
		    expect.len > 0 ? expect.data : "", (int)found.len,
		    found.len > 0 ? found.data : "");
	free(d.text);
	/* Cut anywhere it may mean anything, but it stays inside of its bytes. */
	for (size_t len = 0; len < input.len && input.len < 200; len++) {
		d = decode(input.data, len, flags, 0);
		free(d.text);
	}
	buffer_free(&input);
	buffer_free(&expect);
	buffer_free(&found);
}

static void
test_cases(void **state)
{
	const char *source = getenv("SOCKJS_SRCDIR");
	char directory[512];
	struct dirent *entry;
	int cases = 0;
	DIR *dir;

	(void)state;
	snprintf(directory, sizeof(directory), "%s/tests/cases/message_array",
	    source != NULL ? source : ".");
	dir = opendir(directory);
	if (dir == NULL)
		fail_msg("cannot open %s (SOCKJS_SRCDIR?)", directory);
	while ((entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		check_case(directory, entry->d_name);
		cases++;
	}
	closedir(dir);
	assert_true(cases >= 40);
}

static void
test_max_messages(void **state)
{
	const char *text = "[\"a\",\"b\",\"c\"]";

	(void)state;
	check(text, 13, 0, 0, "61\n62\n63\n");
	check(text, 13, 0, 3, "61\n62\n63\n");
	check(text, 13, 0, 2, "too many\n");
	check(text, 13, 0, 1, "too many\n");
	check("[\"a\",1]", 7, 0, 1, "payload\n");
	check("[]", 2, 0, 1, "");
	check("\"a\"", 3, MESSAGE_ARRAY_ALLOW_STRING, 1, "61\n");
	check(NULL, 0, 0, 0, "payload\n");
	check(NULL, 0, MESSAGE_ARRAY_ALLOW_STRING, 0, "payload\n");
}

/*
 * All lengths of a message, behind all lengths of one before it, plain and with an escape at each
 * place.
 */
static void
test_every_offset(void **state)
{
	static const char *const parts[][2] = {{"", ""}, {"\\n", "0a"}, {"\\u00e9", "c3a9"},
	    {"\xc3\xa9", "c3a9"}, {"\\ud83d\\ude00", "f09f9880"}, {"\\ud83d", "eda0bd"}};
	char text[128], expected[256];

	(void)state;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		for (int before = 0; before <= 18; before++)
			for (int at = 0; at <= 18; at++)
				for (int after = 0; after <= 18; after += i == 0 ? 18 : 1) {
					int n = snprintf(text, sizeof(text),
					    "[\"%.*s\",\"%.*s%s%.*s\"]", before,
					    "abcdefghijklmnopqr", at, "abcdefghijklmnopqr",
					    parts[i][0], after, "stuvwxyzabcdefghij");
					snprintf(expected, sizeof(expected), "%.*s\n%.*s%s%.*s\n",
					    2 * before, "6162636465666768696a6b6c6d6e6f707172",
					    2 * at, "6162636465666768696a6b6c6d6e6f707172",
					    parts[i][1], 2 * after,
					    "737475767778797a6162636465666768696a");
					check(text, (size_t)n, 0, 0, expected);
				}
}

static void
test_next(void **state)
{
	const char *result = "a\xff\xff\x62\x63", *cursor = result, *message = NULL;
	size_t len = 4711;

	(void)state;
	assert_true(message_array_next(&cursor, result + 3, &message, &len));
	assert_ptr_equal(message, result);
	assert_int_equal(len, 1);
	assert_true(message_array_next(&cursor, result + 3, &message, &len));
	assert_int_equal(len, 0);
	assert_false(message_array_next(&cursor, result + 3, &message, &len));
	/* A remainder without an end byte is no message. */
	assert_false(message_array_next(&cursor, result + 5, &message, &len));
	cursor = NULL;
	assert_false(message_array_next(&cursor, NULL, &message, &len));
}

static uint64_t seed = 20260118;

static unsigned
random_below(unsigned limit)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)((seed >> 11) % limit);
}

static void
generate_string(struct buffer *out)
{
	static const char *const parts[] = {"a", "plain text", "eight888", "\\n", "\\\"", "\\\\",
	    "\\/", "\\u0000", "\\u0041", "\\u00E9", "\\u20ac", "\\ufeff", "\\ud83d\\ude00",
	    "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\x7f", " ", ",", "]",
	    "0123456789abcdef"};
	static const char *const odd[] = {"\\ud83d", "\\ude00", "\\x", "\\", "\x01", "\xff",
	    "\xed\xa0\xbd", "\xc0\xaf", "\\u12", "\xe2\x82", "\xf4\x90\x80\x80", "\n"};

	buffer_append_char(out, '"');
	for (unsigned n = random_below(6); n > 0; n--) {
		if (random_below(60) == 0)
			buffer_append_str(out, odd[random_below(sizeof(odd) / sizeof(odd[0]))]);
		else
			buffer_append_str(
			    out, parts[random_below(sizeof(parts) / sizeof(parts[0]))]);
	}
	buffer_append_char(out, '"');
}

static void
generate_space(struct buffer *out)
{
	while (random_below(8) == 0)
		buffer_append_char(out, " \t\n\r"[random_below(4)]);
}

/* Any value; strings_only: an array of strings. */
static void
generate_value(struct buffer *out, unsigned depth, bool strings_only)
{
	static const char *const scalars[] = {"0", "-1", "12.5", "1e5", "-0.0E-2", "true", "false",
	    "null", "123456789012345678901", "1e999", "01", "1.", "nul"};
	unsigned kind = strings_only ? 9 : random_below(depth < 4 ? 12 : 8);
	bool object = kind >= 10;

	generate_space(out);
	if (kind < 3) {
		unsigned i = random_below(random_below(10) == 0 ? 13 : 8);

		buffer_append_str(out, scalars[i]);
	} else if (kind < 8) {
		generate_string(out);
	} else {
		buffer_append_char(out, object ? '{' : '[');
		generate_space(out);
		for (unsigned n = random_below(4); n > 0; n--) {
			if (object) {
				generate_string(out);
				generate_space(out);
				buffer_append_char(out, ':');
			}
			if (strings_only)
				generate_string(out);
			else
				generate_value(out, depth + 1, false);
			generate_space(out);
			if (n > 1)
				buffer_append_char(out, ',');
			generate_space(out);
		}
		buffer_append_char(out, object ? '}' : ']');
	}
	generate_space(out);
}

/* Changes, inserts or drops some bytes. */
static void
mutate(struct buffer *text)
{
	static const char bytes[] =
	    "[]{},:\"\\ \t\nu0123456789abcdefgn-+.eE/\x80\xbf\xc3\xed\xa0\xff\x01";

	for (unsigned n = 1 + random_below(2); n > 0 && text->len > 0; n--) {
		size_t at = random_below((unsigned)text->len);
		char c = bytes[random_below(sizeof(bytes) - 1)];

		switch (random_below(4)) {
		case 0:
			text->data[at] = c;
			break;
		case 1:
			buffer_append_char(text, c);
			memmove(text->data + at + 1, text->data + at, text->len - 1 - at);
			text->data[at] = c;
			break;
		case 2:
			memmove(text->data + at, text->data + at + 1, text->len - 1 - at);
			text->len--;
			break;
		default:
			text->len = at;
		}
	}
}

/*
 * True for what jansson refuses on purpose although it is JSON; nothing is said about the rest of
 * the text then.
 */
static bool
is_deliberate(const json_error_t *error)
{
	enum json_error_code code = json_error_code(error);

	return code == json_error_numeric_overflow || code == json_error_null_byte_in_key ||
	    strstr(error->text, "invalid Unicode") != NULL;
}

static bool
is_string_array(const json_t *json)
{
	if (!json_is_array(json))
		return false;
	for (size_t i = 0; i < json_array_size(json); i++)
		if (!json_is_string(json_array_get(json, i)))
			return false;
	return true;
}

static bool
is_next(const char **cursor, const char *end, const json_t *string)
{
	const char *message;
	size_t len;

	return message_array_next(cursor, end, &message, &len) &&
	    len == json_string_length(string) &&
	    memcmp(message, json_string_value(string), len) == 0;
}

/* True if the messages are those of the JSON array, or the JSON string. */
static bool
are_same(const struct decoded *d, const json_t *json)
{
	const char *cursor = d->text, *end = d->text + d->len;
	size_t n = json_is_array(json) ? json_array_size(json) : 1;

	for (size_t i = 0; i < n; i++)
		if (!is_next(&cursor, end, json_is_array(json) ? json_array_get(json, i) : json))
			return false;
	return cursor == end && d->count == n;
}

/* True if both say the same about the text. *accepted counts what had messages. */
static bool
agrees_with_jansson(const struct buffer *text, unsigned flags, int *accepted)
{
	struct decoded d = decode(text->data, text->len, flags, 0);
	json_error_t error;
	json_t *json = NULL;
	bool same;

	if (text->len > 0)
		json = json_loadb(text->data, text->len, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
	if (text->len == 0) {
		same = d.len == MESSAGE_ARRAY_PAYLOAD;
	} else if (json == NULL) {
		same = d.len == MESSAGE_ARRAY_BROKEN || is_deliberate(&error);
	} else if (is_string_array(json) ||
	    (json_is_string(json) && (flags & MESSAGE_ARRAY_ALLOW_STRING) != 0)) {
		same = d.len >= 0 && are_same(&d, json);
		++*accepted;
	} else {
		same = d.len == MESSAGE_ARRAY_PAYLOAD;
	}
	json_decref(json);
	free(d.text);
	return same;
}

static void
test_against_jansson(void **state)
{
	struct buffer text = BUFFER_INIT;
	int accepted = 0;

	(void)state;
	for (int i = 0; i < 200000; i++) {
		buffer_clear(&text);
		generate_value(&text, 0, i % 2 == 0);
		if (i % 3 == 0)
			mutate(&text);
		if (!agrees_with_jansson(
			&text, i % 5 == 0 ? MESSAGE_ARRAY_ALLOW_STRING : 0, &accepted))
			fail_msg("case %d, not as jansson: %.*s", i, (int)text.len, text.data);
	}
	/* The comparison is worth something only if a good part of the input was good. */
	assert_in_range(accepted, 50000, 150000);
	buffer_free(&text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_cases),
	    cmocka_unit_test(test_max_messages),
	    cmocka_unit_test(test_every_offset),
	    cmocka_unit_test(test_next),
	    cmocka_unit_test(test_against_jansson),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
