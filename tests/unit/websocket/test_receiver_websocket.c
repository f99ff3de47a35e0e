/*
 * sessiond/websocket/receiver_websocket.c: SockJS frames as text messages.
 */
#include "tests/unit/websocket/websocket_fixture.h"

static void
test_frames(void **state)
{
	(void)state;
	open_sockjs();
	write_text(latest, "a");
	write_now("b");
	assert_got("\x81\x0a"
		   "a[\"a\",\"b\"]");
	sockjs_close(latest, 3000, "Go away!");
	run();
	assert_got("\x81\x12"
		   "c[3000,\"Go away!\"]\x88\x10\x03\xe8"
		   "Normal closure");
}

static void
test_received(void **state)
{
	(void)state;
	open_sockjs();
	say_text("[\"a\",\"\\u00e4\"]");
	say_text("\"one\"");
	say_text("[]");
	say_text(""); /* says nothing */
	assert_seen("=a =\xc3\xa4 =one ");
	say_text("[\"1\",\"2\",\"3\",\"4\",\"5\"]");
	assert_seen("=1 =2 =3 =4 =5 ");
	assert_got_nothing();
}

static void
expect_broken(int first, const char *text, const char *file, int line)
{
	open_sockjs();
	say_frame(first, text, strlen(text));
	expect_bytes(BYTES("\x88\x11\x0b\xb8"
			   "Broken framing."),
	    file, line);
	_assert_int_equal(is_ended(), true, file, line);
	expect_seen("- ", file, line);
	hang_up();
}

#define assert_broken(first, text) expect_broken(first, text, __FILE__, __LINE__)

static void
test_broken(void **state)
{
	(void)state;
	assert_broken(0x81, "[\"a\"");
	assert_broken(0x81, "a");
	assert_broken(0x81, "{}");
	assert_broken(0x81, "[1]");
	assert_broken(0x82, "[\"a\"]");				      /* a binary message */
	assert_broken(0x81, "[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\"]"); /* messages_limit */
}

/* A ping, whose pong is awaited; any sign of life will do. */
static void
test_pings(void **state)
{
	(void)state;
	open_sockjs();
	pass(HEARTBEAT_DELAY - 1);
	assert_got_nothing();
	pass(1);
	assert_got("\x89\x00");
	pass(SESSION_PONG_DELAY - 1);
	say_frame(0x8a, "", 0);
	pass(HEARTBEAT_DELAY - 1);
	assert_got_nothing();
	pass(1);
	assert_got("\x89\x00");
	pass(SESSION_PONG_DELAY);
	run();
	assert_got("\x81\x24"
		   "c[3000,\"No response from heartbeat\"]\x88\x10\x03\xe8"
		   "Normal closure");
	assert_seen("- ");
}

static void
test_heartbeat_frames(void **state)
{
	(void)state;
	service->protocol.options.websocket_heartbeat = WEBSOCKET_HEARTBEAT_FRAME;
	open_sockjs();
	pass(HEARTBEAT_DELAY);
	assert_got("\x81\x01h");
	pass(HEARTBEAT_DELAY);
	assert_got("\x81\x01h");
}

/* The daemon aborts the session: its close frame is all that is said. */
static void
test_abort(void **state)
{
	struct websocket *websocket = open_sockjs();

	(void)state;
	session_abort(websocket->receiver.session);
	run();
	assert_got("\x88\x10\x03\xe8"
		   "Normal closure");
	assert_seen("- ");
}

/* What a broken connection's session still says goes to nobody else. */
static void
test_close_after_break(void **state)
{
	sockjs_connection broken;
	int other;

	(void)state;
	open_sockjs();
	broken = latest;
	other = client;
	open_sockjs();
	send_error = EPIPE;
	write_text(broken, "a");
	sockjs_close(broken, 3000, "x");
	write_now("b");
	assert_got("\x81\x06"
		   "a[\"b\"]");
	assert_seen("- ");
	close(other);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    WEBSOCKET_TEST(frames),
	    WEBSOCKET_TEST(received),
	    WEBSOCKET_TEST(broken),
	    WEBSOCKET_TEST(pings),
	    WEBSOCKET_TEST(heartbeat_frames),
	    WEBSOCKET_TEST(abort),
	    WEBSOCKET_TEST(close_after_break),
	};

	return cmocka_run_group_tests_name("receiver_websocket", tests, NULL, NULL);
}
