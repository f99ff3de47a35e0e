/*
 * sessiond/websocket/receiver_raw.c: each message is a websocket message, a close is a close.
 */
#include "tests/unit/websocket/websocket_fixture.h"

static void
test_received(void **state)
{
	(void)state;
	open_raw();
	say_frame(0x81, BYTES("text"));
	say_frame(0x82,
	    BYTES("\xff"
		  "bytes"));
	say_frame(0x81, "", 0);
	say_frame(0x82, "", 0);
	assert_seen("=text =<\xff"
		    "bytes> = =<> ");
}

static void
test_sent(void **state)
{
	(void)state;
	open_raw();
	write_text(latest, "text");
	write_text(latest, "");
	assert_int_equal(sockjs_write_binary(latest, "\xff\x00", 2), SOCKJS_OK);
	run();
	assert_got("\x81\x04text\x81\x00\x82\x02\xff\x00");
}

/* A lone surrogate, which JSON can carry, is no UTF-8. */
static void
test_surrogates(void **state)
{
	(void)state;
	open_raw();
	write_now("a\xed\xa0\x80z");
	assert_got("\x81\x05"
		   "a\xef\xbf\xbdz");
	write_now("\xf0\x9f\x98\x80");
	assert_got("\x81\x04\xf0\x9f\x98\x80");
}

static void
test_close(void **state)
{
	(void)state;
	open_raw();
	sockjs_close(latest, 3001, "bye");
	run();
	assert_got("\x88\x05\x0b\xb9"
		   "bye");
	say_frame(0x88,
	    BYTES("\x0b\xb9"
		  "bye"));
	assert_true(is_ended());
}

static void
test_heartbeat(void **state)
{
	(void)state;
	service->protocol.options.websocket_heartbeat = WEBSOCKET_HEARTBEAT_FRAME;
	open_raw();
	pass(HEARTBEAT_DELAY);
	assert_got("\x89\x00"); /* there are no frames to send instead */
	pass(SESSION_PONG_DELAY);
	run();
	assert_got("\x88\x1c\x0b\xb8No response from heartbeat");
}

static void
test_abort(void **state)
{
	struct websocket *websocket = open_raw();

	(void)state;
	session_abort(websocket->receiver.session);
	run();
	assert_got("\x88\x02\x03\xe9");
}

/* Messages are taken one by one, as long as the peer takes them. */
static void
test_congestion(void **state)
{
	enum { LARGE = 200 * 1024 };
	static char text[LARGE + 1];
	struct websocket *websocket = open_raw();
	struct session *session = websocket->receiver.session;

	(void)state;
	memset(text, 'x', LARGE);
	room = 0;
	write_now(text);
	assert_int_equal(session->queue.count, 0);
	write_now(text);
	assert_int_equal(session->queue.count, 0);
	write_now("more");
	assert_int_equal(session->queue.count, 1);
	assert_int_equal(websocket_backlog(websocket), 2 * (LARGE + 10));
	assert_int_equal(session_queued_bytes(session) > 2 * LARGE, true);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    WEBSOCKET_TEST(received),
	    WEBSOCKET_TEST(sent),
	    WEBSOCKET_TEST(surrogates),
	    WEBSOCKET_TEST(close),
	    WEBSOCKET_TEST(heartbeat),
	    WEBSOCKET_TEST(abort),
	    WEBSOCKET_TEST(congestion),
	};

	return cmocka_run_group_tests_name("receiver_raw", tests, NULL, NULL);
}
