/*
 * wire/wire_api.h, byte by byte.
 */
#include "tests/unit/wire/wire_fixture.h"

static void
test_api(void **state)
{
	const struct wire_api api = {"/apps/", 0x0102};
	struct buffer out = BUFFER_INIT;
	struct wire_header header;
	struct wire_api got;
	char *payload;

	(void)state;
	assert_int_equal(wire_encode_api(&out, &api), 0);
	assert_content(&out,
	    BYTES("\0\0\0\x11\0\x12\0\0\0\0\0\0\0\0\0\0"
		  "\0\6/apps/\0\0\0\0\0\0\0\1\2"));
	payload = take_message(&out, &header);
	assert_int_equal(wire_decode_api(&header, payload, &got), 0);
	assert_string_equal(got.path, "/apps/");
	assert_int_equal(got.body_limit, 0x0102);
	free(payload);
	buffer_free(&out);
}

static void
test_ask(void **state)
{
	struct wire_ask ask = {.method = "POST", .path = "/apps/1", .query = "a", .body = "{}"};
	struct buffer out = BUFFER_INIT;
	struct wire_header header;
	struct wire_ask got;
	char *payload;

	(void)state;
	ask.body_len = 2;
	assert_int_equal(wire_encode_ask(&out, 7, &ask), 0);
	assert_content(&out,
	    BYTES("\0\0\0\x1d\0\x25\0\0\0\0\0\0\0\0\0\7"
		  "\0\4POST\0\0\7/apps/1\0\1\0\1a\0\0\0\0\0\2{}"));
	payload = take_message(&out, &header);
	assert_int_equal(wire_decode_ask(&header, payload, &got), 0);
	assert_string_equal(got.method, "POST");
	assert_string_equal(got.path, "/apps/1");
	assert_string_equal(got.query, "a");
	assert_true(got.client.any.sa_family == AF_UNSPEC && got.body_len == 2);
	assert_memory_equal(got.body, "{}", 2);
	free(payload);
	buffer_clear(&out);
	ask.method = "A method that is longer than it may be";
	assert_int_equal(wire_encode_ask(&out, 7, &ask), -1);
	ask.method = "GET";
	ask.path = "apps";
	assert_int_equal(wire_encode_ask(&out, 7, &ask), -1);
	assert_int_equal(out.len, 0);
	buffer_free(&out);
}

static void
test_answer(void **state)
{
	struct wire_answer answer = {413, "text/plain", "no\n", 3};
	struct buffer out = BUFFER_INIT;
	struct wire_header header;
	struct wire_answer got;
	char *payload;

	(void)state;
	assert_int_equal(wire_encode_answer(&out, 7, &answer), 0);
	assert_content(&out,
	    BYTES("\0\0\0\x16\0\x34\0\0\0\0\0\0\0\0\0\7"
		  "\1\x9d\0\x0atext/plain\0\0\0\0\3no\n"));
	payload = take_message(&out, &header);
	assert_int_equal(wire_decode_answer(&header, payload, &got), 0);
	assert_true(got.status == 413 && got.body_len == 3);
	assert_string_equal(got.content_type, "text/plain");
	assert_memory_equal(got.body, "no\n", 3);
	free(payload);
	buffer_clear(&out);
	answer.body_len = WIRE_ANSWER_MAX + 1;
	assert_int_equal(wire_encode_answer(&out, 7, &answer), -1);
	answer = (struct wire_answer){199, "text/plain", "", 0};
	assert_int_equal(wire_encode_answer(&out, 7, &answer), -1);
	answer = (struct wire_answer){200, "a\nb", "", 0};
	assert_int_equal(wire_encode_answer(&out, 7, &answer), -1);
	assert_int_equal(out.len, 0);
	buffer_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_api),
	    cmocka_unit_test(test_ask),
	    cmocka_unit_test(test_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
