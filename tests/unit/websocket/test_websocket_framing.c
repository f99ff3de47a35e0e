/*
 * sessiond/websocket/websocket_framing.h: both tables, what they write and that they read with the
 * parser they name.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sessiond/websocket/websocket_framing.h"

#define BYTES(literal) (literal), sizeof(literal) - 1

static const struct websocket_framing *const rfc6455 = &websocket_framing_rfc6455,
					     *const hixie76 = &websocket_framing_hixie76;
static struct buffer out;

static int
clear(void **state)
{
	(void)state;
	buffer_free(&out);
	return 0;
}

static void
expect_out(const char *bytes, size_t len)
{
	assert_int_equal(out.len, len);
	if (len > 0)
		assert_memory_equal(out.data, bytes, len);
	buffer_clear(&out);
}

static void
test_messages(void **state)
{
	char head[WS_HEADER_MAX];

	(void)state;
	rfc6455->append_message(&out, false, false, "text", 4);
	rfc6455->append_message(&out, true, false, "\x00", 1);
	rfc6455->append_message(&out, false, true, "z", 1);
	expect_out(BYTES("\x81\x04text\x82\x01\x00\xc1\x01z"));
	assert_int_equal(rfc6455->head(head, false, 4), 2);
	assert_memory_equal(head, "\x81\x04", 2);
	assert_int_equal(rfc6455->head(head, true, 126), 4);
	assert_memory_equal(head, "\x82\x7e\x00\x7e", 4);
	assert_null(hixie76->head); /* a message has an end */
	hixie76->append_message(&out, false, false, "text", 4);
	expect_out(BYTES("\x00text\xff"));
	hixie76->append_message(&out, true, false, "text", 4); /* it has no binary messages */
	expect_out("", 0);
}

static void
test_control(void **state)
{
	(void)state;
	assert_true(rfc6455->control);
	assert_false(hixie76->control);
	rfc6455->append_control(&out, WS_PING, "", 0);
	rfc6455->append_control(&out, WS_PONG, "ab", 2);
	expect_out(BYTES("\x89\x00\x8a\x02"
			 "ab"));
	hixie76->append_control(&out, WS_PING, "", 0);
	expect_out("", 0);
}

static void
test_close(void **state)
{
	(void)state;
	rfc6455->append_close(&out, 3000, "bye", 3);
	rfc6455->append_close(&out, WS_CODE_NO_STATUS, "", 0);
	expect_out(BYTES("\x88\x05\x0b\xb8"
			 "bye\x88\x00"));
	hixie76->append_close(&out, 3000, "bye", 3);
	expect_out(BYTES("\xff\x00"));
}

static void
assert_parses(const struct websocket_framing *framing, const char *bytes, size_t len)
{
	const struct ws_limits limits = {.message = 10};
	union websocket_parser parser;
	struct ws_event event;
	char data[32];
	size_t at = 0;

	memset(&parser, 0xff, sizeof parser);
	framing->init(&parser);
	memcpy(data, bytes, len);
	do {
		ssize_t n = framing->parse(&parser, data + at, len - at, &limits, &event);

		assert_true(n > 0);
		at += (size_t)n;
	} while (event.type == WS_EVENT_NONE && at < len);
	assert_int_equal(event.type, WS_EVENT_DATA);
	assert_int_equal(event.len, 2);
	assert_memory_equal(event.data, "ab", 2);
}

static void
test_parse(void **state)
{
	(void)state;
	assert_parses(rfc6455,
	    BYTES("\x81\x82\x00\x00\x00\x00"
		  "ab"));
	assert_parses(hixie76,
	    BYTES("\x00"
		  "ab\xff"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(test_messages, clear),
	    cmocka_unit_test_teardown(test_control, clear),
	    cmocka_unit_test_teardown(test_close, clear),
	    cmocka_unit_test_teardown(test_parse, clear),
	};

	return cmocka_run_group_tests_name("websocket_framing", tests, NULL, NULL);
}
