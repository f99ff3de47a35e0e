/*
 * sessiond/websocket/websocket.h: how a websocket ends, whoever begins.
 */
#include "tests/unit/websocket/websocket_fixture.h"

static void
test_peer_closes(void **state)
{
	(void)state;
	open_sockjs();
	say_frame(0x88,
	    BYTES("\x0f\xa0"
		  "bye"));
	assert_got("\x88\x05\x0f\xa0"
		   "bye");
	assert_true(is_ended());
	assert_seen("- ");
	/* What still comes is thrown away, until the peer closes. */
	say_text("[\"late\"]");
	assert_seen("");
	assert_int_equal(websockets.count, 1);
	hang_up();
	assert_int_equal(websockets.count, 0);
}

static void
test_peer_closes_without_code(void **state)
{
	(void)state;
	open_raw();
	say_frame(0x88, "", 0);
	assert_got("\x88\x00");
	assert_true(is_ended());
	assert_seen("- ");
}

/* The answers to what came before the close leave before its answer. */
static void
test_answers_before_close(void **state)
{
	char frames[64];
	size_t n;

	(void)state;
	open_sockjs();
	hooks.data = echo;
	n = make_frame(frames, 0x81, "[\"a\"]", 5);
	n += make_frame(frames + n, 0x88, "\x03\xe8", 2);
	n += make_frame(frames + n, 0x81, "[\"b\"]", 5);
	say(frames, n);
	assert_seen("=a - ");
	assert_got("\x81\x06"
		   "a[\"a\"]\x88\x02\x03\xe8");
}

static void
test_we_close(void **state)
{
	(void)state;
	open_sockjs();
	sockjs_close(latest, 3001, "bye");
	run();
	assert_got("\x81\x0d"
		   "c[3001,\"bye\"]\x88\x10\x03\xe8"
		   "Normal closure");
	assert_false(is_ended());
	assert_seen("- ");
	/* Messages are not heard any more, nor pings answered. */
	say_text("[\"late\"]");
	say_frame(0x89, "?", 1);
	assert_got_nothing();
	assert_seen("");
	say_frame(0x88, BYTES("\x03\xe8"));
	assert_got_nothing();
	assert_true(is_ended());
	assert_int_equal(websockets.count, 1);
	hang_up();
	assert_int_equal(websockets.count, 0);
}

/* Only a close frame, and frames before it, are waited for. */
static void
test_garbage_after_our_close(void **state)
{
	(void)state;
	open_raw();
	sockjs_close(latest, 3001, "");
	run();
	say_text("late");
	assert_int_equal(websockets.count, 1);
	say(BYTES("\x81\x01x"));
	assert_int_equal(websockets.count, 0);
	assert_got("\x88\x02\x0b\xb9");
	assert_true(is_ended());
}

/* Who was told of a fault may have sent more before: the close frame has to arrive. */
static void
test_garbage_after_fault(void **state)
{
	(void)state;
	open_raw();
	room = 1;
	say(BYTES("\x81\x01x"));
	say(BYTES("\xff\xff\xff"));
	assert_int_equal(websockets.count, 1);
	room = SIZE_MAX;
	run();
	say(BYTES("\xff\xff\xff"));
	assert_got("\x88\x02\x03\xea");
	assert_true(is_ended());
	assert_int_equal(websockets.count, 1);
	hang_up();
	assert_int_equal(websockets.count, 0);
}

/* Our close frame waits behind what the peer did not take; only then our side ends. */
static void
test_close_with_backlog(void **state)
{
	(void)state;
	open_raw();
	room = 2;
	write_text(latest, "abc");
	sockjs_close(latest, 3001, "");
	run();
	assert_got("\x81\x03");
	say_frame(0x88, BYTES("\x03\xe8"));
	assert_false(is_ended());
	room = SIZE_MAX;
	run();
	assert_got("abc\x88\x02\x0b\xb9");
	assert_true(is_ended());
}

/* A peer that answers nothing is dropped. */
static void
test_close_wait(void **state)
{
	(void)state;
	open_raw();
	sockjs_close(latest, 3001, "");
	run();
	pass(WEBSOCKET_CLOSE_WAIT - 1);
	run();
	assert_int_equal(websockets.count, 1);
	pass(1);
	run();
	assert_int_equal(websockets.count, 0);
	assert_got("\x88\x02\x0b\xb9");
	assert_true(is_ended());
}

/* Nor does one stay that answers the close, and then never ends the connection. */
static void
test_drain_wait(void **state)
{
	(void)state;
	open_raw();
	say_frame(0x88, BYTES("\x03\xe8"));
	assert_int_equal(websockets.count, 1);
	pass(WEBSOCKET_CLOSE_WAIT);
	run();
	assert_int_equal(websockets.count, 0);
}

static void
test_peer_vanishes(void **state)
{
	(void)state;
	open_sockjs();
	hang_up();
	assert_seen("- ");
	assert_int_equal(websockets.count, 0);
}

/* In the middle of a frame and of a message. */
static void
test_peer_vanishes_halfway(void **state)
{
	(void)state;
	open_sockjs();
	say_frame(0x01, BYTES("[\"a"));
	say(BYTES("\x80\x85\x00"));
	hang_up();
	assert_seen("- ");
	assert_int_equal(websockets.count, 0);
}

/* The application closes from within the message that it is given: the rest of the read is lost. */
static void
close_at_once(sockjs_connection connection, const sockjs_message *message)
{
	(void)message;
	sockjs_close(connection, 3001, "");
}

static void
test_close_within_message(void **state)
{
	char frames[64];
	size_t n;

	(void)state;
	open_raw();
	hooks.data = close_at_once;
	n = make_frame(frames, 0x01, "a", 1);
	n += make_frame(frames + n, 0x80, "b", 1);
	n += make_frame(frames + n, 0x81, "c", 1);
	say(frames, n);
	assert_seen("=ab - ");
	assert_got("\x88\x02\x0b\xb9");
}

static void
test_clear(void **state)
{
	(void)state;
	open_sockjs();
	websockets_clear(&websockets);
	assert_int_equal(websockets.count, 0);
	turn();
	assert_seen("- ");
	assert_true(is_ended());
	uv_run(&loop, UV_RUN_NOWAIT); /* its handle is closed before the next one takes its place */
	websockets_init(&websockets, &loop, &sessions, &websocket_calls);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    WEBSOCKET_TEST(peer_closes),
	    WEBSOCKET_TEST(peer_closes_without_code),
	    WEBSOCKET_TEST(answers_before_close),
	    WEBSOCKET_TEST(we_close),
	    WEBSOCKET_TEST(garbage_after_our_close),
	    WEBSOCKET_TEST(garbage_after_fault),
	    WEBSOCKET_TEST(close_with_backlog),
	    WEBSOCKET_TEST(close_wait),
	    WEBSOCKET_TEST(drain_wait),
	    WEBSOCKET_TEST(peer_vanishes),
	    WEBSOCKET_TEST(peer_vanishes_halfway),
	    WEBSOCKET_TEST(close_within_message),
	    WEBSOCKET_TEST(clear),
	};

	return cmocka_run_group_tests_name("websocket_end", tests, NULL, NULL);
}
