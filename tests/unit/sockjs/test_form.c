/*
 * sockjs/form.c: tables, every %XX, and inputs in allocations of exactly their size.
 */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "sockjs/form.h"

static char *
exact_copy(const char *s, size_t len)
{
	char *copy = malloc(len == 0 ? 1 : len);

	assert_non_null(copy);
	memcpy(copy, s, len);
	return copy;
}

static void
check_decode(const char *in, size_t len, const char *out, size_t out_len)
{
	char *s = exact_copy(in, len);

	assert_int_equal(form_decode(s, len), out_len);
	assert_memory_equal(s, out, out_len);
	free(s);
}

static void
test_decode(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
	    {"", ""},
	    {"abc", "abc"},
	    {"a+b", "a b"},
	    {"%2B+%20", "+  "},
	    {"%5B%22x%22%5d", "[\"x\"]"},
	    {"%", "%"},
	    {"%4", "%4"},
	    {"%%", "%%"},
	    {"%4g", "%4g"},
	    {"%g4", "%g4"},
	    {"%%41", "%A"},
	    {"%4%41", "%4A"},
	    {"%2541", "%41"},
	    {"%+41", "% 41"},
	    {"%c3%A9", "\xc3\xa9"},
	    {"%ff", "\xff"},
	    {"\xe9+", "\xe9 "},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check_decode(cases[i].in, strlen(cases[i].in), cases[i].out, strlen(cases[i].out));
	check_decode("a\0%00", 5, "a\0\0", 3);
	assert_int_equal(form_decode(NULL, 0), 0);
}

static void
test_path(void **state)
{
	char path[] = "a+b%2B%20c";

	(void)state;
	assert_int_equal(form_decode_path(path, strlen(path)), 6);
	assert_memory_equal(path, "a+b+ c", 6);
}

static void
test_every_escape(void **state)
{
	char in[4] = "%", digits[3] = "";

	(void)state;
	for (int a = 0; a < 256; a++)
		for (int b = 0; b < 256; b++) {
			in[1] = digits[0] = (char)a;
			in[2] = digits[1] = (char)b;
			if (isxdigit(a) && isxdigit(b)) {
				char c = (char)strtol(digits, NULL, 16);

				check_decode(in, 3, &c, 1);
			} else if (a != '+' && b != '+') {
				check_decode(in, 3, in, 3);
			}
		}
}

/* expected: the value as it stands in the text, or NULL if there is no such field. */
static void
check_find(const char *in, const char *name, const char *expected)
{
	size_t len = strlen(in), value_len = 4711;
	char *s = exact_copy(in, len);
	const char *value = NULL;

	assert_int_equal(form_find(s, len, name, &value, &value_len), expected != NULL);
	if (expected != NULL) {
		assert_int_equal(value_len, strlen(expected));
		assert_memory_equal(value, expected, value_len);
		assert_true(value >= s && value + value_len <= s + len);
	} else {
		assert_null(value);
		assert_int_equal(value_len, 4711);
	}
	free(s);
}

static void
test_find(void **state)
{
	static const struct {
		const char *in, *name, *value;
	} cases[] = {
	    {"", "c", NULL},
	    {"c=1", "c", "1"},
	    {"c=1", "callback", NULL},
	    {"callback=1", "c", NULL},
	    {"a=1&c=2&c=3", "c", "2"},
	    {"a=1&c=2", "c", "2"},
	    {"&&c=2&", "c", "2"},
	    {"c", "c", ""},
	    {"a&c", "c", ""},
	    {"c&a", "c", ""},
	    {"c=", "c", ""},
	    {"c=&a=1", "c", ""},
	    {"c=a=b", "c", "a=b"},
	    {"=c", "c", NULL},
	    {"a=c", "c", NULL},
	    {"%63=%41+b", "c", "%41+b"},
	    {"%63%61llback=x", "callback", "x"},
	    {"c%=1", "c", NULL},
	    {"c%=1", "c%", "1"},
	    {"a+b=1", "a b", "1"},
	    {"C=1", "c", NULL},
	    {"cc=1&c=2", "c", "2"},
	    {"c%00=1&c=2", "c", "2"},
	    {"c;a=1", "c", NULL},
	    {"a=1&", "a", "1"},
	    {"&", "a", NULL},
	    {"d=%5B%22x%22%5D", "d", "%5B%22x%22%5D"},
	};
	const char *value;
	size_t value_len;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check_find(cases[i].in, cases[i].name, cases[i].value);
	assert_false(form_find(NULL, 0, "c", &value, &value_len));
}

/* Each field of a text that is cut at every place is found with what is left of its value. */
static void
test_find_cut(void **state)
{
	const char *text = "a=%41&bb=+&c";
	char cut[16];

	(void)state;
	for (size_t len = 0; len <= strlen(text); len++) {
		snprintf(cut, sizeof(cut), "%.*s", (int)len, text);
		check_find(cut, "a", len >= 2 ? (len < 5 ? cut + 2 : "%41") : len == 1 ? "" : NULL);
		check_find(cut, "bb", len >= 10 ? "+" : len >= 8 ? "" : NULL);
		check_find(cut, "c", len == 12 ? "" : NULL);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_decode),
	    cmocka_unit_test(test_path),
	    cmocka_unit_test(test_every_escape),
	    cmocka_unit_test(test_find),
	    cmocka_unit_test(test_find_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
