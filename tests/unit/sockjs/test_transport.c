/*
 * sockjs/transport.h: the bytes each transport makes of a frame (protocol: the table of wrappings).
 */
#include "sockjs/transport.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define WHOLE(literal) (literal), sizeof(literal) - 1

static void
assert_wraps_bytes(
    enum transport_id id, const char *frame, size_t len, const char *expected, size_t expected_len)
{
	struct buffer out = BUFFER_INIT;

	buffer_append_str(&out, "before|");
	transport_get(id)->wrap("cb.x", frame, len, &out);
	assert_false(buffer_failed(&out));
	assert_int_equal(out.len, strlen("before|") + expected_len);
	assert_memory_equal(out.data, "before|", strlen("before|"));
	assert_memory_equal(out.data + strlen("before|"), expected, expected_len);
	buffer_free(&out);
}

static void
assert_wraps(enum transport_id id, const char *frame, const char *expected)
{
	assert_wraps_bytes(id, frame, strlen(frame), expected, strlen(expected));
}

static void
test_table(void **state)
{
	static const struct {
		const char *name;
		bool streaming, callback, prelude;
	} expected[TRANSPORT_COUNT] = {
	    [TRANSPORT_EVENTSOURCE] = {"eventsource", true, false, true},
	    [TRANSPORT_HTMLFILE] = {"htmlfile", true, true, true},
	    [TRANSPORT_JSONP_POLLING] = {"jsonp-polling", false, true, false},
	    [TRANSPORT_WEBSOCKET] = {"websocket", true, false, false},
	    [TRANSPORT_WEBSOCKET_RAW] = {"websocket-raw", true, false, false},
	    [TRANSPORT_XHR_POLLING] = {"xhr-polling", false, false, false},
	    [TRANSPORT_XHR_STREAMING] = {"xhr-streaming", true, false, true},
	};
	unsigned i;

	(void)state;
	for (i = 0; i < TRANSPORT_COUNT; i++) {
		const struct transport *transport = transport_get(i);

		assert_int_equal(transport->id, i);
		assert_string_equal(transport->name, expected[i].name);
		assert_string_equal(transport_names[i], expected[i].name);
		assert_int_equal(transport->streaming, expected[i].streaming);
		assert_int_equal(transport->callback, expected[i].callback);
		assert_int_equal(transport->prelude != NULL, expected[i].prelude);
		assert_true(TRANSPORTS_ALL & (1u << i));
	}
	assert_null(transport_names[TRANSPORT_COUNT]);
}

/* What may be composed in place comes out as wrap makes it. */
static void
test_plain_end(void **state)
{
	const char frame[] = "a[\"1%\\r\"]";
	unsigned i;

	(void)state;
	for (i = 0; i < TRANSPORT_COUNT; i++) {
		const char *plain_end = transport_get(i)->plain_end;
		char expected[sizeof frame + 10];

		if (plain_end == NULL)
			continue;
		snprintf(expected, sizeof expected, "%s%s", frame, plain_end);
		assert_wraps(i, frame, expected);
	}
	assert_non_null(transport_get(TRANSPORT_XHR_POLLING)->plain_end);
	assert_non_null(transport_get(TRANSPORT_XHR_STREAMING)->plain_end);
	assert_null(transport_get(TRANSPORT_JSONP_POLLING)->plain_end);
	assert_null(transport_get(TRANSPORT_EVENTSOURCE)->plain_end);
	assert_null(transport_get(TRANSPORT_HTMLFILE)->plain_end);
}

static void
test_xhr(void **state)
{
	(void)state;
	assert_wraps(TRANSPORT_XHR_POLLING, "o", "o\n");
	assert_wraps(TRANSPORT_XHR_POLLING, "a[\"x\"]", "a[\"x\"]\n");
	assert_wraps(TRANSPORT_XHR_STREAMING, "c[3000,\"Go away!\"]", "c[3000,\"Go away!\"]\n");
}

static void
test_websocket(void **state)
{
	(void)state;
	assert_wraps(TRANSPORT_WEBSOCKET, "a[\"x\"]", "a[\"x\"]");
	assert_wraps(TRANSPORT_WEBSOCKET_RAW, "h", "h");
}

static void
test_eventsource(void **state)
{
	(void)state;
	assert_wraps(TRANSPORT_EVENTSOURCE, "o", "data: o\r\n\r\n");
	assert_wraps(TRANSPORT_EVENTSOURCE, "a[\"100%\"]", "data: a[\"100%25\"]\r\n\r\n");
	assert_wraps(TRANSPORT_EVENTSOURCE, "%%25%", "data: %25%2525%25\r\n\r\n");
	assert_wraps_bytes(
	    TRANSPORT_EVENTSOURCE, WHOLE("\r\n\0x%"), WHOLE("data: %0D%0A%00x%25\r\n\r\n"));
	assert_wraps(TRANSPORT_EVENTSOURCE, "", "data: \r\n\r\n");
}

static void
test_htmlfile(void **state)
{
	(void)state;
	assert_wraps(TRANSPORT_HTMLFILE, "o", "<script>\np(\"o\");\n</script>\r\n");
	assert_wraps(TRANSPORT_HTMLFILE, "a[\"</script>\"]",
	    "<script>\np(\"a[\\\"\\u003c/script>\\\"]\");\n</script>\r\n");
	assert_wraps(TRANSPORT_HTMLFILE, "a[\"\\u2028\\\\\"]",
	    "<script>\np(\"a[\\\"\\\\u2028\\\\\\\\\\\"]\");\n</script>\r\n");
}

static void
test_jsonp(void **state)
{
	(void)state;
	assert_wraps(TRANSPORT_JSONP_POLLING, "o", "/**/cb.x(\"o\");\r\n");
	assert_wraps(TRANSPORT_JSONP_POLLING, "a[\"x\"]", "/**/cb.x(\"a[\\\"x\\\"]\");\r\n");
}

static struct buffer
prelude_of(enum transport_id id, const char *callback)
{
	struct buffer out = BUFFER_INIT;

	transport_get(id)->prelude(callback, &out);
	assert_false(buffer_failed(&out));
	return out;
}

static void
test_short_preludes(void **state)
{
	struct buffer out = prelude_of(TRANSPORT_XHR_STREAMING, "");
	size_t i;

	(void)state;
	assert_int_equal(out.len, 2049);
	for (i = 0; i < 2048; i++)
		assert_int_equal(out.data[i], 'h');
	assert_int_equal(out.data[2048], '\n');
	buffer_free(&out);
	out = prelude_of(TRANSPORT_EVENTSOURCE, "");
	assert_int_equal(out.len, 2);
	assert_memory_equal(out.data, "\r\n", 2);
	buffer_free(&out);
}

/*
 * At least 1024 bytes, then an empty line, whatever the callback's name adds and whatever was in
 * the buffer before.
 */
static void
test_htmlfile_prelude(void **state)
{
	static const char head[] =
	    "<!doctype html>\n"
	    "<html><head>\n"
	    "  <meta http-equiv=\"X-UA-Compatible\" content=\"IE=edge\" />\n"
	    "  <meta http-equiv=\"Content-Type\" content=\"text/html; charset=UTF-8\" />\n"
	    "</head><body><h2>Don't panic!</h2>\n"
	    "  <script>\n"
	    "    document.domain = document.domain;\n"
	    "    var c = parent.cb;\n"
	    "    c.start();\n"
	    "    function p(d) {c.message(d);};\n"
	    "    window.onload = function() {c.stop();};\n"
	    "  </script>";
	struct buffer out = prelude_of(TRANSPORT_HTMLFILE, "cb");
	size_t i;

	(void)state;
	assert_int_equal(out.len, 1024 + 4);
	assert_memory_equal(out.data, head, sizeof head - 1);
	for (i = sizeof head - 1; i < 1024; i++)
		assert_int_equal(out.data[i], ' ');
	assert_memory_equal(out.data + 1024, "\r\n\r\n", 4);
	transport_get(TRANSPORT_HTMLFILE)->prelude("abcdefghijklmnopqrstuvwxyz012345", &out);
	assert_int_equal(out.len, 2 * (1024 + 4));
	buffer_free(&out);
}

static void
test_callbacks(void **state)
{
	static const char longest[] = "abcdefghijklmnopqrstuvwxyz-_.019";
	char one;
	int c;

	(void)state;
	assert_int_equal(strlen(longest), TRANSPORT_CALLBACK_MAX);
	assert_true(transport_callback_is_valid(longest, TRANSPORT_CALLBACK_MAX));
	assert_false(transport_callback_is_valid(
	    "abcdefghijklmnopqrstuvwxyz0123456", TRANSPORT_CALLBACK_MAX + 1));
	assert_false(transport_callback_is_valid("", 0));
	assert_true(transport_callback_is_valid("_jp.a1-B", 8));
	assert_false(transport_callback_is_valid("a\0b", 3));
	for (c = 0; c < 256; c++) {
		one = (char)c;
		assert_int_equal(transport_callback_is_valid(&one, 1),
		    c != 0 &&
			strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.",
			    c) != NULL);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_table),
	    cmocka_unit_test(test_plain_end),
	    cmocka_unit_test(test_xhr),
	    cmocka_unit_test(test_websocket),
	    cmocka_unit_test(test_eventsource),
	    cmocka_unit_test(test_htmlfile),
	    cmocka_unit_test(test_jsonp),
	    cmocka_unit_test(test_short_preludes),
	    cmocka_unit_test(test_htmlfile_prelude),
	    cmocka_unit_test(test_callbacks),
	};

	return cmocka_run_group_tests_name("transport", tests, NULL, NULL);
}
