/* sessiond/ctl/request_body.h: words of the command line as JSON. */
#include "sessiond/ctl/request_body.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include <cmocka.h>

static void
expect(char *body, const struct error *err, const char *json)
{
	assert_string_equal(err->text, "");
	assert_string_equal(body, json);
	free(body);
}

static void
expect_error(char *body, const struct error *err, const char *text)
{
	assert_null(body);
	assert_int_equal(err->code, EX_USAGE);
	assert_string_equal(err->text, text);
}

static void
test_publish(void **state)
{
	struct words words = {.arguments = {"publish", "news", "text\n"}};
	struct error err = ERROR_INIT;

	(void)state;
	expect(request_body_publish(&words, &err), &err,
	    "{\"channel\":\"news\",\"data\":\"text\\n\"}");
	words.service = "/chat";
	words.event = "added";
	words.except = "id";
	expect(request_body_publish(&words, &err), &err,
	    "{\"channel\":\"news\",\"service\":\"/chat\",\"event\":\"added\",\"except\":\"id\","
	    "\"data\":\"text\\n\"}");
	words.service = words.except = NULL;
	words.app = "1";
	expect(request_body_publish(&words, &err), &err,
	    "{\"channel\":\"news\",\"app\":\"1\",\"event\":\"added\",\"data\":\"text\\n\"}");
	words.arguments[2] = "\xff";
	expect_error(request_body_publish(&words, &err), &err, "the data is not UTF-8");
}

static void
test_send(void **state)
{
	struct words words = {.arguments = {"send", "id", ""}, .service = "/chat"};
	struct error err = ERROR_INIT;

	(void)state;
	expect(request_body_send(&words, &err), &err,
	    "{\"id\":\"id\",\"service\":\"/chat\",\"data\":\"\"}");
	words.arguments[1] = "\xc0\x80";
	expect_error(request_body_send(&words, &err), &err, "the id is not UTF-8");
}

static void
test_close(void **state)
{
	struct words words = {.arguments = {"close", "id"}};
	struct error err = ERROR_INIT;

	(void)state;
	expect(request_body_close(&words, 0, &err), &err, "{\"id\":\"id\"}");
	words = (struct words){
	    .arguments = {"close", "all"}, .service = "/chat", .code = "4000", .reason = "bye"};
	expect(request_body_close(&words, 7, &err), &err,
	    "{\"all\":true,\"after\":7,\"service\":\"/chat\",\"code\":4000,\"reason\":\"bye\"}");
}

static void
test_bad_code(void **state)
{
	static const char *const codes[] = {"", "x", "4000x"};
	struct words words = {.arguments = {"close", "id"}};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof codes / sizeof codes[0]; i++) {
		struct error err = ERROR_INIT;

		words.code = codes[i];
		expect_error(request_body_close(&words, 0, &err), &err,
		    "the code is to be a number: 1000, or 3000 to 4999");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_publish),
	    cmocka_unit_test(test_send),
	    cmocka_unit_test(test_close),
	    cmocka_unit_test(test_bad_code),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
