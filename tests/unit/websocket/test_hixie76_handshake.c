/*
 * sessiond/websocket/hixie76_handshake.h: the last 8 bytes of a handshake, our 16, and what
 * follows. The keys are those of the draft's example.
 */
#include "tests/unit/websocket/websocket_fixture.h"

#include "sessiond/websocket/hixie76_handshake.h"

#define KEY3   "^n:ds[4U"
#define ANSWER "8jKS'y:G*Co,Wxa-"

static const uint32_t numbers[2] = {829309203, 259970620};
static struct hixie76_handshakes handshakes;

static void
begin(const char *extra)
{
	struct websocket_plan plan = {
	    .all = &websockets,
	    .service = service,
	    .transport = transport_get(TRANSPORT_WEBSOCKET),
	    .session = admitted(TRANSPORT_WEBSOCKET),
	};
	int pair[2];

	LIST_INIT(&handshakes);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	client = pair[0];
	hixie76_handshake_start(&handshakes, &plan, pair[1], numbers, extra, strlen(extra));
	run();
}

static int
tear_down(void **state)
{
	hixie76_handshakes_clear(&handshakes);
	assert_int_equal(service->users, sessions.count);
	return websocket_tear_down(state);
}

static void
expect_open(void)
{
	assert_true(LIST_EMPTY(&handshakes));
	assert_int_equal(websockets.count, 1);
	assert_got(ANSWER "\x00o\xff");
	assert_seen("+ ");
	say(BYTES("\x00[\"a\"]\xff"));
	assert_seen("=a ");
	write_now("b");
	assert_got("\x00"
		   "a[\"b\"]\xff");
	sockjs_close(latest, 3000, "bye");
	run();
	assert_got("\x00"
		   "c[3000,\"bye\"]\xff\xff\x00");
	say(BYTES("\xff\x00"));
	assert_true(is_ended());
}

static void
test_with_the_head(void **state)
{
	(void)state;
	begin(KEY3);
	expect_open();
}

/* Clients behind HAProxy send them when they have seen the 101. */
static void
test_later(void **state)
{
	size_t i;

	(void)state;
	begin("");
	assert_int_equal(websockets.count, 1); /* for connection_limit */
	for (i = 0; i < strlen(KEY3); i++) {
		assert_false(LIST_EMPTY(&handshakes));
		assert_int_equal(service->users, 2); /* of it and its session */
		assert_got_nothing();
		say(&KEY3[i], 1);
	}
	expect_open();
}

static void
test_in_two(void **state)
{
	(void)state;
	begin("^n:");
	assert_got_nothing();
	say(BYTES("ds[4U"));
	expect_open();
}

/* What follows the 8 bytes at once is the websocket's, in both ways. */
static void
test_more_with_the_head(void **state)
{
	struct websocket_plan plan = {
	    .all = &websockets,
	    .service = service,
	    .transport = transport_get(TRANSPORT_WEBSOCKET),
	    .session = admitted(TRANSPORT_WEBSOCKET),
	};
	int pair[2];

	(void)state;
	LIST_INIT(&handshakes);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	client = pair[0];
	hixie76_handshake_start(
	    &handshakes, &plan, pair[1], numbers, BYTES(KEY3 "\x00[\"first\"]\xff"));
	run();
	assert_got(ANSWER "\x00o\xff");
	assert_seen("+ =first ");
}

static void
test_more_later(void **state)
{
	(void)state;
	begin("^");
	say(BYTES("n:ds[4U\x00[\"first\"]\xff"));
	assert_got(ANSWER "\x00o\xff");
	assert_seen("+ =first ");
}

static void
test_client_goes(void **state)
{
	(void)state;
	begin("^n:");
	hang_up();
	assert_true(LIST_EMPTY(&handshakes));
	assert_int_equal(websockets.count, 0);
	assert_int_equal(service->users, 0);
	assert_seen("");
}

/* The answer does not fit: nothing else was sent, so the peer is gone. */
static void
test_answer_fails(void **state)
{
	(void)state;
	begin("");
	room = 15;
	say(BYTES(KEY3));
	assert_true(LIST_EMPTY(&handshakes));
	assert_int_equal(websockets.count, 0);
	assert_got("8jKS'y:G*Co,Wxa");
	assert_true(is_ended());
	assert_seen("");
}

static void
test_clear(void **state)
{
	(void)state;
	begin("^");
	hixie76_handshakes_clear(&handshakes);
	turn_flush(&sessions);
	assert_true(LIST_EMPTY(&handshakes));
	assert_true(is_ended());
	assert_int_equal(service->users, 0);
}

/* Heartbeats are frames: there are no pings. */
static void
test_heartbeat(void **state)
{
	(void)state;
	begin(KEY3);
	assert_got(ANSWER "\x00o\xff");
	pass(HEARTBEAT_DELAY);
	assert_got("\x00h\xff");
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, websocket_set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(with_the_head),
	    TEST(later),
	    TEST(in_two),
	    TEST(more_with_the_head),
	    TEST(more_later),
	    TEST(client_goes),
	    TEST(answer_fails),
	    TEST(clear),
	    TEST(heartbeat),
	};

	return cmocka_run_group_tests_name("hixie76_handshake", tests, NULL, NULL);
}
