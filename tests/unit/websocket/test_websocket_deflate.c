/*
 * sessiond/websocket/websocket_deflate.h: compressed messages of one connection, and of many that
 * share what is sent to all. The other side is a context of sockjs/ws_deflate.h.
 */
#include "tests/unit/websocket/websocket_fixture.h"

#include "sessiond/websocket/websocket_deflate.h"

enum {
	LONG = 1000,
	MOST = 300, /* bytes inflated at once */
	SHORTEST = 128,
};

static const struct ws_deflate_params with_context = {false, false, 15, 15},
				      without_context = {true, true, 15, 15},
				      small_window = {true, true, 9, 15};

static char text[LONG + 1];

static int
fill(void **state)
{
	(void)state;
	memset(text, 'x', LONG);
	return 0;
}

/* The frame's payload, inflated by a peer who begins anew; its header is checked. */
static void
inflate_frame(
    struct ws_inflater *inflater, const struct buffer *frame, int first, struct buffer *message)
{
	const unsigned char *bytes = (const unsigned char *)frame->data;
	size_t header = 2;

	assert_int_equal(bytes[0], first);
	assert_true(bytes[1] < 126); /* what compresses so well is short */
	assert_int_equal(frame->len, header + bytes[1]);
	assert_int_equal(
	    ws_inflate(inflater, frame->data + header, bytes[1], true, LONG * 2, SIZE_MAX, message),
	    0);
}

static void
check_append(const struct ws_deflate_params *params, bool binary)
{
	struct websocket_deflate *deflate = websocket_deflate_create(params);
	struct ws_inflater *inflater = ws_inflater_create(params);
	struct buffer out = BUFFER_INIT, message = BUFFER_INIT;
	int round;

	for (round = 0; round < 3; round++) {
		text[round] = 'y';
		assert_true(websocket_deflate_append(deflate, &out, binary, text, LONG));
		inflate_frame(inflater, &out, binary ? 0xc2 : 0xc1, &message);
		assert_int_equal(message.len, LONG);
		assert_memory_equal(message.data, text, LONG);
		buffer_clear(&message);
		buffer_clear(&out);
	}
	buffer_free(&message);
	buffer_free(&out);
	ws_inflater_destroy(&inflater);
	websocket_deflate_destroy(&deflate);
	assert_null(deflate);
	websocket_deflate_destroy(&deflate);
}

static void
test_append(void **state)
{
	(void)state;
	check_append(&with_context, false);
	check_append(&with_context, true);
	check_append(&without_context, false);
	check_append(&small_window, true);
}

static void
test_short(void **state)
{
	struct websocket_deflate *deflate = websocket_deflate_create(&without_context);
	struct buffer out = BUFFER_INIT;

	(void)state;
	assert_false(websocket_deflate_append(deflate, &out, false, text, SHORTEST - 1));
	assert_int_equal(out.len, 0);
	assert_true(websocket_deflate_append(deflate, &out, false, text, SHORTEST));
	assert_true(out.len > 0 && out.len < SHORTEST);
	buffer_free(&out);
	websocket_deflate_destroy(&deflate);
}

/*
 * The same payload for another connection gives the same bytes; another window, or payload, its
 * own.
 */
static void
test_shared(void **state)
{
	struct websocket_deflate *one = websocket_deflate_create(&without_context),
				 *two = websocket_deflate_create(&without_context),
				 *small = websocket_deflate_create(&small_window);
	struct buffer first = BUFFER_INIT, second = BUFFER_INIT, message = BUFFER_INIT;
	struct ws_inflater *inflater = ws_inflater_create(&without_context);

	(void)state;
	assert_true(websocket_deflate_append(one, &first, false, text, LONG));
	assert_true(websocket_deflate_append(two, &second, false, text, LONG));
	assert_int_equal(first.len, second.len);
	assert_memory_equal(first.data, second.data, first.len);
	buffer_clear(&second);
	text[0] = 'z';
	assert_true(websocket_deflate_append(two, &second, false, text, LONG));
	inflate_frame(inflater, &second, 0xc1, &message);
	assert_memory_equal(message.data, text, LONG);
	buffer_clear(&second);
	buffer_clear(&message);
	assert_true(websocket_deflate_append(small, &second, true, text, LONG));
	inflate_frame(inflater, &second, 0xc2, &message);
	assert_memory_equal(message.data, text, LONG);
	ws_inflater_destroy(&inflater);
	buffer_free(&first);
	buffer_free(&second);
	buffer_free(&message);
	websocket_deflate_destroy(&one);
	websocket_deflate_destroy(&two);
	websocket_deflate_destroy(&small);
}

/* What a large window finds again, a small one cannot: their results are not shared. */
static void
test_windows(void **state)
{
	enum { FAR = 600 };
	struct websocket_deflate *large = websocket_deflate_create(&without_context),
				 *small = websocket_deflate_create(&small_window);
	struct buffer first = BUFFER_INIT, second = BUFFER_INIT;
	uint32_t random = 1;
	char twice[2 * FAR];
	size_t i;

	(void)state;
	for (i = 0; i < FAR; i++) {
		random = random * 1664525 + 1013904223;
		twice[i] = twice[FAR + i] = (char)(random >> 24);
	}
	assert_true(websocket_deflate_append(large, &first, true, twice, sizeof twice));
	assert_true(websocket_deflate_append(small, &second, true, twice, sizeof twice));
	assert_true(first.len < FAR + 100);
	assert_true(second.len > 2 * FAR);
	buffer_free(&first);
	buffer_free(&second);
	websocket_deflate_destroy(&large);
	websocket_deflate_destroy(&small);
}

/* --- receiving -------------------------------------------------------------------------------- */

static void
deflate_text(const char *data, size_t len, struct buffer *payload)
{
	struct ws_deflater *deflater = ws_deflater_create(&without_context, 1);

	assert_int_equal(ws_deflate(deflater, data, len, payload), 0);
	ws_deflater_destroy(&deflater);
}

static int
receive(const char *data, size_t len, enum ws_opcode opcode, size_t limit, struct buffer *message)
{
	struct websocket_deflate *deflate = websocket_deflate_create(&without_context);
	struct buffer payload = BUFFER_INIT;
	struct ws_event event = {.type = WS_EVENT_DATA, .opcode = opcode, .compressed = true};
	int code = 0;
	size_t i;

	deflate_text(data, len, &payload);
	/* In two pieces. */
	for (i = 0; i < 2 && code == 0; i++) {
		event.first = i == 0;
		event.last = i == 1;
		event.data = payload.data + (i == 0 ? 0 : payload.len / 2);
		event.len = i == 0 ? payload.len / 2 : payload.len - payload.len / 2;
		code = websocket_deflate_receive(deflate, &event, limit, MOST, message);
		while (code == 1) {
			assert_true(websocket_deflate_is_busy(deflate));
			code = websocket_deflate_more(deflate, limit, MOST, message);
		}
		assert_false(websocket_deflate_is_busy(deflate));
		assert_int_equal(websocket_deflate_ends_message(deflate), i == 1);
		assert_int_equal(websocket_deflate_is_binary(deflate), opcode == WS_BINARY);
	}
	buffer_free(&payload);
	websocket_deflate_destroy(&deflate);
	return code;
}

static void
test_receive(void **state)
{
	struct buffer message = BUFFER_INIT;

	(void)state;
	assert_int_equal(receive(text, LONG, WS_TEXT, LONG, &message), 0);
	assert_int_equal(message.len, LONG);
	assert_memory_equal(message.data, text, LONG);
	buffer_clear(&message);
	assert_int_equal(receive(text, LONG, WS_TEXT, LONG - 1, &message), -WS_CODE_TOO_BIG);
	buffer_clear(&message);
	assert_int_equal(receive("a\xff", 2, WS_TEXT, LONG, &message), -WS_CODE_INVALID_DATA);
	buffer_clear(&message);
	assert_int_equal(receive("a\xff", 2, WS_BINARY, LONG, &message), 0);
	assert_memory_equal(message.data, "a\xff", 2);
	buffer_free(&message);
}

/* --- on a websocket --------------------------------------------------------------------------- */

static void
test_websocket(void **state)
{
	struct ws_inflater *inflater = ws_inflater_create(&with_context);
	struct buffer payload = BUFFER_INIT, message = BUFFER_INIT;
	struct buffer got = BUFFER_INIT;

	(void)state;
	open_with(TRANSPORT_WEBSOCKET_RAW, &with_context, "", 0);
	assert_seen("+ ");
	deflate_text(text, LONG, &payload);
	say_frame(0x41, payload.data, 1);
	say_frame(0x80, payload.data + 1, payload.len - 1);
	assert_int_equal(seen.len, LONG + 2);
	assert_memory_equal(seen.data + 1, text, LONG);
	buffer_clear(&seen);
	write_now("short");
	assert_got("\x81\x05short");
	write_now(text);
	assert_non_null(buffer_reserve(&got, LONG));
	buffer_added(&got, (size_t)recv(client, got.data, LONG, MSG_DONTWAIT));
	inflate_frame(inflater, &got, 0xc1, &message);
	assert_int_equal(message.len, LONG);
	assert_memory_equal(message.data, text, LONG);
	/* Not what deflate makes. */
	say_frame(0xc1, BYTES("\xff\xff\xff\xff"));
	assert_got("\x88\x02\x03\xef");
	assert_seen("- ");
	buffer_free(&payload);
	buffer_free(&message);
	buffer_free(&got);
	ws_inflater_destroy(&inflater);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_append, fill),
	    cmocka_unit_test_setup(test_short, fill),
	    cmocka_unit_test_setup(test_shared, fill),
	    cmocka_unit_test(test_windows),
	    cmocka_unit_test_setup(test_receive, fill),
	    WEBSOCKET_TEST(websocket),
	};

	return cmocka_run_group_tests_name("websocket_deflate", tests, NULL, NULL);
}
