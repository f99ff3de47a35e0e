/*
 * sessiond/websocket/websocket.h: reading, writing as far as the peer takes it, limits, and the
 * end.
 */
#include "tests/unit/websocket/websocket_fixture.h"

/* --- reading ---------------------------------------------------------------------------------- */

static void
test_messages(void **state)
{
	char two[64];
	size_t n;

	(void)state;
	open_sockjs();
	say_text("[\"a\",\"b\"]");
	assert_seen("=a =b ");
	n = make_frame(two, 0x81, "\"c\"", 3);
	n += make_frame(two + n, 0x81, "[\"d\"]", 5);
	say(two, n);
	assert_seen("=c =d ");
}

static void
test_byte_by_byte(void **state)
{
	char frame[64];
	size_t n, i;

	(void)state;
	open_sockjs();
	n = make_frame(frame, 0x81, "[\"a\"]", 5);
	for (i = 0; i < n; i++) {
		assert_seen("");
		say(frame + i, 1);
	}
	assert_seen("=a ");
	say_text("[\"b\"]");
	assert_seen("=b ");
}

/* A ping between the pieces of a message is answered at once. */
static void
test_fragments(void **state)
{
	(void)state;
	open_sockjs();
	say_frame(0x01, BYTES("[\"a\","));
	say_frame(0x89, BYTES("ping"));
	assert_got("\x8a\x04ping");
	say_frame(0x00, BYTES("\"b"));
	assert_seen("");
	say_frame(0x80, BYTES("\"]"));
	assert_seen("=a =b ");
	say_text("[\"c\"]");
	assert_seen("=c ");
}

static void
test_masked(void **state)
{
	(void)state;
	open_sockjs();
	say(BYTES("\x81\x83\x01\x02\x03\x04\x23\x63\x21"));
	assert_seen("=a ");
}

/* What waits is kept beside the websocket, and given back when all of it has gone on. */
static void
test_rest(void **state)
{
	struct websocket *websocket = open_sockjs();
	const struct websocket_rest *nothing = &websockets.nothing;

	(void)state;
	assert_ptr_equal(websocket->rest, nothing);
	say(BYTES("\x81")); /* a part of a head */
	assert_ptr_not_equal(websocket->rest, nothing);
	say(BYTES("\x83\x01\x02\x03\x04\x23\x63\x21"));
	assert_seen("=a ");
	assert_ptr_equal(websocket->rest, nothing);
	say_frame(0x01, BYTES("[\"a\",")); /* a part of a message */
	assert_int_equal(websocket->rest->message.len, 5);
	room = 3;
	write_now("abc"); /* both directions */
	assert_got("\x81\x08"
		   "a");
	say_frame(0x80, BYTES("\"b\"]"));
	assert_seen("=a =b ");
	assert_int_equal(websocket->rest->out.len, 7);
	room = SIZE_MAX;
	run();
	assert_got("[\"abc\"]");
	assert_ptr_equal(websocket->rest, nothing);
	/* What is left is freed with the websocket; ASan tells. */
	say(BYTES("\x81"));
	hang_up();
	assert_seen("- ");
	assert_int_equal(nothing->input + nothing->unparsed.len + nothing->out.len, 0);
}

/* What each of many costs that say nothing. */
static void
test_size(void **state)
{
	(void)state;
	if (sizeof(void *) == 8)
		assert_true(sizeof(struct websocket) + sizeof(struct session) <= 376 + 328);
}

/* More than the shared buffer takes, in one frame, and in many of which one is cut. */
static void
test_large(void **state)
{
	static char message[MESSAGE_LIMIT + 2], frames[1 << 20];
	size_t n = 0;
	int i;

	(void)state;
	open_raw();
	memset(message, 'x', MESSAGE_LIMIT);
	message[0] = '<';
	message[MESSAGE_LIMIT - 1] = '>';
	message[MESSAGE_LIMIT] = '\0';
	say_frame(0x81, message, MESSAGE_LIMIT);
	assert_int_equal(seen.len, MESSAGE_LIMIT + 2);
	assert_memory_equal(seen.data + 1, message, MESSAGE_LIMIT);
	buffer_clear(&seen);
	for (i = 0; i < 7; i++)
		n += make_frame(frames + n, 0x81, message, 20000);
	say(frames, n);
	assert_int_equal(seen.len, 7 * (20000 + 2));
	buffer_clear(&seen);
}

/* What came with the handshake is handled before anything is read; it may exceed the buffer. */
static void
test_extra(void **state)
{
	static char extra[200000];
	char last[64];
	size_t n = 0, cut;
	int i;

	(void)state;
	for (i = 0; i < 12000; i++)
		n += make_frame(extra + n, 0x82, "x", 1);
	cut = make_frame(last, 0x82, "last", 4) - 2;
	memcpy(extra + n, last, cut);
	open_with(TRANSPORT_WEBSOCKET_RAW, NULL, extra, n + cut);
	assert_int_equal(seen.len, strlen("+ ") + 12000 * strlen("=<x> "));
	buffer_clear(&seen);
	say(last + cut, 2);
	assert_seen("=<last> ");
}

/* --- what breaks the rules -------------------------------------------------------------------- */

/* The session ends, the peer gets the code; its close frame is not waited for. */
static void
expect_failure(const char *bytes, size_t len, int code, const char *file, int line)
{
	char close_frame[4] = {'\x88', 2, (char)(code >> 8), (char)code};

	open_raw();
	say(bytes, len);
	expect_bytes(close_frame, sizeof close_frame, file, line);
	_assert_int_equal(is_ended(), true, file, line);
	expect_seen("- ", file, line);
	_assert_int_equal(websockets.count, 1, file, line);
	hang_up();
	_assert_int_equal(websockets.count, 0, file, line);
}

#define assert_fails(code, ...) expect_failure(__VA_ARGS__, code, __FILE__, __LINE__)

static void
test_broken(void **state)
{
	(void)state;
	assert_fails(1002, BYTES("\x81\x01x"));			   /* no mask */
	assert_fails(1002, BYTES("\x80\x80\x00\x00\x00\x00"));	   /* nothing to continue */
	assert_fails(1002, BYTES("\xc1\x80\x00\x00\x00\x00"));	   /* compressed: not agreed */
	assert_fails(1007, BYTES("\x81\x81\x00\x00\x00\x00\xff")); /* no UTF-8 */
	assert_fails(1002, BYTES("\x88\x81\x00\x00\x00\x00\x01")); /* half a code */
	assert_fails(1009, BYTES("\x82\xff\x00\x00\x00\x00\x00\x01\x11\x71")); /* 70001 bytes */
}

static void
test_message_limit(void **state)
{
	static char message[MESSAGE_LIMIT];

	(void)state;
	memset(message, 'x', sizeof message);
	open_raw();
	say_frame(0x01, message, MESSAGE_LIMIT - 1);
	say_frame(0x80, "x", 1);
	assert_int_equal(seen.len, MESSAGE_LIMIT + 2);
	buffer_clear(&seen);
	say_frame(0x01, message, MESSAGE_LIMIT - 1);
	say_frame(0x80, "xx", 2);
	assert_got("\x88\x02\x03\xf1");
	assert_seen("- ");
}

/* What was agreed in the configuration meanwhile counts for the next message. */
static void
test_renewed_limit(void **state)
{
	(void)state;
	open_raw();
	service->protocol.options.message_limit = 3;
	say_frame(0x81, "four", 4);
	assert_seen("=four ");
	websockets_renew_limits(&websockets);
	say_frame(0x81, "one", 3);
	assert_seen("=one ");
	say_frame(0x81, "four", 4);
	assert_got("\x88\x02\x03\xf1");
	assert_seen("- ");
}

/* What follows the fault in the same read is not looked at. */
static void
test_nothing_after_failure(void **state)
{
	(void)state;
	open_raw();
	say(BYTES("\x81\x81\x00\x00\x00\x00"
		  "a\x81\x01x\x81\x81\x00\x00\x00\x00z"));
	assert_seen("=a - ");
}

static void
test_failure_comes_last(void **state)
{
	(void)state;
	open_raw();
	hooks.data = echo;
	say(BYTES("\x81\x81\x00\x00\x00\x00"
		  "a\x81\x01x"));
	assert_got("\x81\x01"
		   "a\x88\x02\x03\xea");
}

/* --- writing ---------------------------------------------------------------------------------- */

static void
test_partial_writes(void **state)
{
	struct websocket *websocket = open_sockjs();

	(void)state;
	room = 3;
	write_now("abc");
	assert_got("\x81\x08"
		   "a");
	assert_int_equal(websocket_backlog(websocket), 7);
	/* The next one waits behind it, also when there is room. */
	assert_int_equal(write_text(latest, "d"), SOCKJS_OK);
	turn();
	assert_int_equal(websocket_backlog(websocket), 7 + 8);
	assert_got_nothing();
	room = 4;
	run();
	assert_got("[\"ab");
	room = SIZE_MAX;
	run();
	assert_got("c\"]\x81\x06"
		   "a[\"d\"]");
	assert_int_equal(websocket_backlog(websocket), 0);
	assert_int_equal(websocket->events, UV_READABLE);
}

/* Room that comes between two messages is not used by the later one. */
static void
test_order(void **state)
{
	(void)state;
	open_raw();
	room = 0;
	assert_int_equal(write_text(latest, "1"), SOCKJS_OK);
	turn();
	room = SIZE_MAX;
	assert_int_equal(write_text(latest, "2"), SOCKJS_OK);
	turn();
	assert_got_nothing();
	run();
	assert_got("\x81\x01"
		   "1\x81\x01"
		   "2");
}

static void
test_one_write_a_turn(void **state)
{
	(void)state;
	open_raw();
	sends = 0;
	write_text(latest, "1");
	write_text(latest, "2");
	write_now("3");
	assert_got("\x81\x01"
		   "1\x81\x01"
		   "2\x81\x01"
		   "3");
	assert_int_equal(sends, 1);
}

static void
test_interrupted(void **state)
{
	(void)state;
	open_raw();
	send_error = EINTR;
	write_now("a");
	assert_got("\x81\x01"
		   "a");
}

static void
test_write_fails(void **state)
{
	(void)state;
	open_raw();
	send_error = EPIPE;
	write_now("a");
	assert_got_nothing();
	assert_true(is_ended());
	assert_seen("- ");
	assert_int_equal(websockets.count, 0);
}

static void
test_backlog_fails(void **state)
{
	(void)state;
	open_raw();
	room = 1;
	write_now("a");
	assert_got("\x81");
	send_error = ECONNRESET;
	run();
	assert_true(is_ended());
	assert_seen("- ");
	assert_int_equal(websockets.count, 0);
}

/*
 * A long message is written from where it is, behind what was added before it. However much of that
 * the peer takes at first, all arrives in order.
 */
static void
test_long_message(void **state)
{
	enum { LARGE = 20000, ALL = 3 + 4 + LARGE + 3 };
	static const size_t rooms[] = {0, 1, 3, 4, 6, 7, 8, LARGE, ALL - 4, ALL - 3, ALL - 1, ALL};
	static char text[LARGE + 1], expected[ALL + 1];
	struct websocket *websocket = open_raw();
	size_t i;

	(void)state;
	for (i = 0; i < LARGE; i++)
		text[i] = (char)('a' + i % 26);
	snprintf(
	    expected, sizeof expected, "\x81\x01%s\x81\x7e\x4e\x20%s\x81\x01%s", "1", text, "2");
	for (i = 0; i < sizeof rooms / sizeof *rooms; i++) {
		room = rooms[i];
		write_text(latest, "1");
		write_text(latest, text);
		write_text(latest, "2");
		turn();
		assert_int_equal(websocket_backlog(websocket), ALL - rooms[i]);
		room = SIZE_MAX;
		run();
		expect_bytes(expected, ALL, __FILE__, __LINE__);
	}
	sends = 0;
	write_now(text);
	assert_int_equal(sends, 1);
	send_error = EPIPE;
	write_now(text);
	expect_bytes(expected + 3, 4 + LARGE, __FILE__, __LINE__);
	assert_true(is_ended());
	assert_seen("- ");
}

/* Beyond 256 KiB messages stay with the session, and pings go unanswered, until there is room. */
static void
test_congestion(void **state)
{
	enum { LARGE = 256 * 1024 };
	static char text[LARGE + 1];
	struct websocket *websocket = open_raw();
	struct session *session = websocket->receiver.session;

	(void)state;
	memset(text, 'x', LARGE);
	room = 0;
	write_now(text);
	assert_int_equal(websocket_backlog(websocket), LARGE + 10);
	assert_true(websocket_is_congested(websocket));
	write_now("next");
	assert_int_equal(session->queue.count, 1);
	say_frame(0x89, "?", 1);
	assert_int_equal(websocket_backlog(websocket), LARGE + 10);
	room = 9;
	run();
	assert_int_equal(session->queue.count, 1);
	room = 1;
	run();
	assert_int_equal(websocket_backlog(websocket), LARGE + strlen("\x81\x04next"));
	assert_int_equal(session->queue.count, 0);
	room = SIZE_MAX;
	while (websocket_backlog(websocket) > 0) {
		assert_true(recv(client, text, LARGE, MSG_DONTWAIT) > 0);
		run();
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    WEBSOCKET_TEST(messages),
	    WEBSOCKET_TEST(byte_by_byte),
	    WEBSOCKET_TEST(fragments),
	    WEBSOCKET_TEST(masked),
	    WEBSOCKET_TEST(rest),
	    WEBSOCKET_TEST(size),
	    WEBSOCKET_TEST(large),
	    WEBSOCKET_TEST(extra),
	    WEBSOCKET_TEST(broken),
	    WEBSOCKET_TEST(message_limit),
	    WEBSOCKET_TEST(renewed_limit),
	    WEBSOCKET_TEST(nothing_after_failure),
	    WEBSOCKET_TEST(failure_comes_last),
	    WEBSOCKET_TEST(partial_writes),
	    WEBSOCKET_TEST(order),
	    WEBSOCKET_TEST(one_write_a_turn),
	    WEBSOCKET_TEST(interrupted),
	    WEBSOCKET_TEST(write_fails),
	    WEBSOCKET_TEST(backlog_fails),
	    WEBSOCKET_TEST(long_message),
	    WEBSOCKET_TEST(congestion),
	};

	return cmocka_run_group_tests_name("websocket", tests, NULL, NULL);
}
