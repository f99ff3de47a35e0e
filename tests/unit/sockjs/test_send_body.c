/*
 * sockjs/send_body.h: the bodies of xhr_send and jsonp_send.
 */
#include "sockjs/send_body.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FORM	"application/x-www-form-urlencoded"
#define NO_TYPE NULL

static const char payload_expected[] = "Payload expected.";
static const char broken_json[] = "Broken JSON encoding.";

/* Expects messages, each followed by the end byte (\xff), or the text of an error. */
static void
check(bool form, const char *type, const char *text, const char *error, const char *messages)
{
	struct buffer body = BUFFER_INIT;
	const char *got;
	size_t len = 12345;

	buffer_append_str(&body, text);
	got = send_body_decode(&body, form, type, 100, &len);
	if (error != NULL) {
		assert_non_null(got);
		assert_string_equal(got, error);
	} else {
		if (got != NULL)
			fail_msg("%s: %s", text, got);
		assert_int_equal(len, strlen(messages));
		if (len > 0)
			assert_memory_equal(body.data, messages, len);
	}
	buffer_free(&body);
}

static void
test_xhr_send(void **state)
{
	static const char *const types[] = {NO_TYPE, "", "text/plain", "application/json", FORM};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof types / sizeof types[0]; i++) {
		check(false, types[i], "[\"a\"]", NULL, "a\xff");
		check(false, types[i], "[\"a\",\"\",\"b c\"]", NULL,
		    "a\xff\xff"
		    "b c\xff");
		check(false, types[i], "[]", NULL, "");
		check(false, types[i], "", payload_expected, NULL);
		check(false, types[i], "{}", payload_expected, NULL);
		check(false, types[i], "\"a\"", payload_expected, NULL);
		check(false, types[i], "[1]", payload_expected, NULL);
		check(false, types[i], "[\"a", broken_json, NULL);
		check(false, types[i], "d=%5B%22a%22%5D", broken_json, NULL);
	}
}

static void
test_jsonp_send_form(void **state)
{
	static const char *const types[] = {FORM, FORM "; charset=UTF-8", FORM " ; x", FORM ";",
	    "Application/X-WWW-Form-URLEncoded", FORM "\t"};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof types / sizeof types[0]; i++) {
		check(true, types[i], "d=%5B%22a%22%5D", NULL, "a\xff");
		check(true, types[i], "x=1&d=%5b%22a%2Bb+c%22%5d&y=2", NULL, "a+b c\xff");
		check(true, types[i], "d=[\"%61\"]", NULL, "a\xff");
		check(true, types[i], "d=[]", NULL, "");
		check(true, types[i], "d=", payload_expected, NULL);
		check(true, types[i], "d", payload_expected, NULL);
		check(true, types[i], "", payload_expected, NULL);
		check(true, types[i], "e=[]", payload_expected, NULL);
		check(true, types[i], "[\"a\"]", payload_expected, NULL);
		check(true, types[i], "d=%5B%22a", broken_json, NULL);
		check(true, types[i], "d={}", payload_expected, NULL);
	}
}

/* Any other type is the array itself, as it stands. */
static void
test_jsonp_send_plain(void **state)
{
	static const char *const types[] = {
	    NO_TYPE, "", "text/plain", FORM "x", "x" FORM, "application/x-www-form-urlencode"};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof types / sizeof types[0]; i++) {
		check(true, types[i], "[\"%61bc\"]", NULL, "%61bc\xff");
		check(true, types[i], "d=[\"a\"]", broken_json, NULL);
		check(true, types[i], "", payload_expected, NULL);
	}
}

static void
test_too_many(void **state)
{
	struct buffer body = BUFFER_INIT;
	size_t len;

	(void)state;
	buffer_append_str(&body, "[\"a\",\"b\",\"c\"]");
	assert_string_equal(send_body_decode(&body, false, NULL, 2, &len), "Too many messages.");
	buffer_free(&body);
	buffer_append_str(&body, "[\"a\",\"b\",\"c\"]");
	assert_null(send_body_decode(&body, false, NULL, 3, &len));
	assert_int_equal(len, 6);
	buffer_free(&body);
}

/* A buffer that was read into and consumed from begins anywhere in its storage. */
static void
test_consumed_buffer(void **state)
{
	struct buffer body = BUFFER_INIT;
	size_t len;

	(void)state;
	buffer_append_str(&body, "before d=%5B%22a%22%5D");
	buffer_consume(&body, strlen("before "));
	assert_null(send_body_decode(&body, true, FORM, 10, &len));
	assert_int_equal(len, 2);
	assert_memory_equal(body.data, "a\xff", 2);
	buffer_free(&body);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_xhr_send),
	    cmocka_unit_test(test_jsonp_send_form),
	    cmocka_unit_test(test_jsonp_send_plain),
	    cmocka_unit_test(test_too_many),
	    cmocka_unit_test(test_consumed_buffer),
	};

	return cmocka_run_group_tests_name("send_body", tests, NULL, NULL);
}
