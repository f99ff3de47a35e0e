/* sessiond/ctl/text.h: what clients say cannot do anything to a terminal. */
#include "sessiond/ctl/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char *printed;
static size_t printed_len;

static FILE *
begin(void)
{
	return open_memstream(&printed, &printed_len);
}

static void
expect(FILE *to, const char *text)
{
	fclose(to);
	assert_string_equal(printed, text);
	free(printed);
}

static void
test_print(void **state)
{
	FILE *to = begin();

	(void)state;
	text_print("a \x1b[2J\n\x7f \xc2\x9b \xc3\x9b \xe2\x82\xac \xc2", to);
	expect(to, "a \\u001b[2J\\u000a\\u007f \\u009b \xc3\x9b \xe2\x82\xac \xc2");
}

static void
test_quoted(void **state)
{
	json_t *string = json_string("a\"\x1b\x7f\n\xc2\x85");
	FILE *to = begin();

	(void)state;
	text_print_quoted(string, to);
	json_decref(string);
	expect(to, "\"a\\\"\\u001B\\u007f\\n\\u0085\"");
}

static void
test_table(void **state)
{
	static const struct text_column columns[] = {
	    {"name", "name"}, {"count", "count"}, {"rest", "rest"}, {NULL}};
	json_t *rows = json_pack("[{ss si ss} {ss si} {}]", "name", "\xe2\x82\xac\xe2\x82\xac\n",
	    "count", 5, "rest", "x", "name", "b", "count", 1234567);
	FILE *to = begin();

	(void)state;
	text_print_table(columns, rows, to);
	json_decref(rows);
	expect(to,
	    "name      count    rest\n"
	    "\xe2\x82\xac\xe2\x82\xac\\u000a        5  x\n"
	    "b         1234567  \n"
	    "                   \n");
}

static void
test_empty_table(void **state)
{
	static const struct text_column columns[] = {{"a", "a"}, {"b", "b"}, {NULL}};
	json_t *rows = json_array();
	FILE *to = begin();

	(void)state;
	text_print_table(columns, rows, to);
	json_decref(rows);
	expect(to, "a  b\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_print),
	    cmocka_unit_test(test_quoted),
	    cmocka_unit_test(test_table),
	    cmocka_unit_test(test_empty_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
