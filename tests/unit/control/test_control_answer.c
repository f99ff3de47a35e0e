/* sessiond/control/control_answer.h: which page a query asks for. */
#include "sessiond/control/control_answer.h"

#include "sessiond/modules/services.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct service_number numbers[] = {{.name = "/a"}, {.name = "~ ^/b+$"}};
static const struct services services = {.numbers = numbers, .number_count = 2};

static void
expect(const char *query, const char *service, uint64_t after, uint32_t limit)
{
	struct control_page page;
	struct error err = ERROR_INIT;

	assert_int_equal(control_page_read(query, &services, &page, &err), 0);
	if (service == NULL)
		assert_null(page.service);
	else
		assert_string_equal(page.service, service);
	assert_int_equal(page.after, after);
	assert_int_equal(page.limit, limit);
	control_page_clear(&page);
}

static void
test_page(void **state)
{
	(void)state;
	expect(NULL, NULL, 0, CONTROL_PAGE_MAX);
	expect("", NULL, 0, CONTROL_PAGE_MAX);
	expect("after=18446744073709551615", NULL, UINT64_MAX, CONTROL_PAGE_MAX);
	expect("limit=1&after=007&other", NULL, 7, 1);
	expect("limit=1000000000000", NULL, 0, CONTROL_PAGE_MAX);
	expect("service=%2fa", "/a", 0, CONTROL_PAGE_MAX);
	expect("service=~+%5E/b%2B$&after=1", "~ ^/b+$", 1, CONTROL_PAGE_MAX);
}

static void
expect_error(const char *query, int code, const char *text)
{
	struct control_page page;
	struct error err = ERROR_INIT;

	assert_int_equal(control_page_read(query, &services, &page, &err), -1);
	assert_int_equal(err.code, code);
	assert_string_equal(err.text, text);
	control_page_clear(&page);
}

static void
test_bad_page(void **state)
{
	(void)state;
	expect_error("after=", CONTROL_BAD_REQUEST, "\"after\" is to be a number");
	expect_error("after=-1", CONTROL_BAD_REQUEST, "\"after\" is to be a number");
	expect_error("after=+1", CONTROL_BAD_REQUEST, "\"after\" is to be a number");
	expect_error("after=1x", CONTROL_BAD_REQUEST, "\"after\" is to be a number");
	expect_error(
	    "after=18446744073709551616", CONTROL_BAD_REQUEST, "\"after\" is to be a number");
	expect_error("limit=0", CONTROL_BAD_REQUEST, "\"limit\" is to be a number");
	expect_error("service=", CONTROL_NOT_FOUND, "there is no service ");
	expect_error("service=/b", CONTROL_NOT_FOUND, "there is no service /b");
}

static void
test_strings(void **state)
{
	static const char json[] = "{\"a\":\"text\",\"b\":1,\"c\":null,\"d\":\"\\u0000\"}";
	json_t *object = json_loads(json, JSON_ALLOW_NUL, NULL);
	struct error err = ERROR_INIT;
	const char *text;

	(void)state;
	assert_int_equal(control_read_string(object, "a", NULL, &text, &err), 0);
	assert_string_equal(text, "text");
	assert_int_equal(control_read_string(object, "c", "else", &text, &err), 0);
	assert_string_equal(text, "else");
	assert_int_equal(control_read_string(object, "c", NULL, &text, &err), -1);
	assert_string_equal(err.text, "there is no \"c\"");
	assert_int_equal(control_read_string(object, "b", "else", &text, NULL), -1);
	error_clear(&err);
	assert_int_equal(control_read_string(object, "d", "else", &text, &err), -1);
	assert_string_equal(err.text, "\"d\" is to be a string without NUL");
	json_decref(object);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_page),
	    cmocka_unit_test(test_bad_page),
	    cmocka_unit_test(test_strings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
