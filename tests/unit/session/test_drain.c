/*
 * sessiond/session/drain.c: the drain event comes once, when everything has left after more than
 * DRAIN_MARK bytes waited, and never from within a call.
 */
#include "tests/unit/session/session_fixture.h"

#include "sessiond/session/turn.h"

enum { COST = 64 }; /* that a queued message counts beside its bytes */

static struct sockjs_module module;
static int drains;
static int again; /* times that the drain event writes a flood of its own */
static bool is_calling;

static int
flood(sockjs_connection connection)
{
	char text[DRAIN_MARK];
	int result;

	memset(text, 'x', sizeof text);
	is_calling = true;
	result = sockjs_write(connection, text, sizeof text);
	is_calling = false;
	return result;
}

static void
on_drain(sockjs_connection connection)
{
	assert_false(is_calling);
	assert_int_equal(sockjs_queued_bytes(connection), 0);
	drains++;
	if (again > 0) {
		again--;
		flood(connection);
	}
}

static int
set_up(void **state)
{
	fixture_set_up(state);
	drains = again = 0;
	module = fake_application;
	module.drain = on_drain;
	service->application = &module;
	return 0;
}

static void
test_queued_bytes(void **state)
{
	struct fake_receiver *slow = fake_websocket('1');

	(void)state;
	arrive(NULL, slow);
	assert_int_equal(sockjs_queued_bytes(latest), 0);
	slow->congested = true;
	write_text(latest, "hello");
	assert_int_equal(sockjs_queued_bytes(latest), 5 + COST);
	slow->backlog = 100;
	assert_int_equal(sockjs_queued_bytes(latest), 5 + COST + 100);
	slow->congested = false;
	turn();
	assert_int_equal(sockjs_queued_bytes(latest), 100);
	assert_int_equal(sockjs_queued_bytes((sockjs_connection){0}), 0);
}

static void
test_once(void **state)
{
	(void)state;
	arrive("s", fake_stream('1'));
	write_text(latest, "short");
	turn();
	assert_int_equal(drains, 0); /* it was never over the mark */
	assert_int_equal(flood(latest), SOCKJS_OK);
	assert_int_equal(flood(latest), SOCKJS_OK);
	assert_int_equal(drains, 0);
	turn();
	assert_int_equal(drains, 1);
	turn();
	write_text(latest, "short");
	turn();
	assert_int_equal(drains, 1);
	flood(latest);
	turn();
	assert_int_equal(drains, 2);
}

/* The mark itself may be reached; the next byte is over it. */
static void
test_mark(void **state)
{
	char text[DRAIN_MARK];

	(void)state;
	memset(text, 'x', sizeof text);
	arrive("s", fake_stream('1'));
	assert_int_equal(sockjs_write(latest, text, DRAIN_MARK - COST), SOCKJS_OK);
	assert_int_equal(sockjs_queued_bytes(latest), DRAIN_MARK);
	turn();
	assert_int_equal(drains, 0);
	assert_int_equal(sockjs_write(latest, text, DRAIN_MARK - COST + 1), SOCKJS_OK);
	turn();
	assert_int_equal(drains, 1);
}

static void
test_slow_reader(void **state)
{
	struct fake_receiver *slow = fake_websocket('1');

	(void)state;
	arrive(NULL, slow);
	slow->congested = true;
	flood(latest);
	turn();
	assert_int_equal(drains, 0);
	slow->congested = false;
	slow->backlog = 50;
	session_receiver_drained(&slow->receiver);
	turn();
	assert_int_equal(drains, 0); /* the last bytes are still on their way */
	slow->backlog = 0;
	session_receiver_drained(&slow->receiver);
	turn();
	assert_int_equal(drains, 1);
}

static void
test_polling(void **state)
{
	(void)state;
	arrive("s", fake_poll('1'));
	turn();
	flood(latest);
	turn();
	assert_int_equal(drains, 0);
	arrive("s", fake_poll('2'));
	turn();
	assert_int_equal(drains, 1);
}

/* Each flood is a round of its own: the loop comes to its sockets between two. */
static void
test_writes_again(void **state)
{
	(void)state;
	arrive("s", fake_stream('1'));
	again = 3;
	flood(latest);
	assert_true(turn_flush(&sessions));
	assert_int_equal(drains, 1);
	assert_true(turn_flush(&sessions));
	assert_int_equal(drains, 2);
	turn();
	assert_int_equal(drains, 4);
	assert_false(turn_flush(&sessions));
}

static void
test_not_after_close(void **state)
{
	struct session *session;

	(void)state;
	arrive("s", fake_stream('1'));
	flood(latest);
	sockjs_close(latest, 3000, "x");
	turn();
	assert_int_equal(drains, 0);
	session = arrive(NULL, fake_websocket('2'));
	flood(latest);
	turn_flush_session(session); /* it has drained, but was not told yet */
	session_abort(session);
	turn();
	assert_int_equal(drains, 0);
	session = arrive("t", fake_stream('3'));
	flood(latest);
	turn_flush_session(session); /* the same, and it lingers after its end */
	sockjs_close(latest, 3000, "x");
	turn();
	assert_int_equal(drains, 0);
}

/* A client too slow is closed: that is no drain, though its queue is emptied. */
static void
test_not_when_full(void **state)
{
	struct fake_receiver *slow = fake_websocket('1');
	int result;

	(void)state;
	arrive(NULL, slow);
	slow->congested = true;
	do
		result = flood(latest);
	while (result == SOCKJS_OK);
	assert_int_equal(result, SOCKJS_FULL);
	slow->congested = false;
	turn();
	assert_int_equal(drains, 0);
}

#define DRAIN_TEST(name) cmocka_unit_test_setup_teardown(test_##name, set_up, fixture_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    DRAIN_TEST(queued_bytes),
	    DRAIN_TEST(once),
	    DRAIN_TEST(mark),
	    DRAIN_TEST(slow_reader),
	    DRAIN_TEST(polling),
	    DRAIN_TEST(writes_again),
	    DRAIN_TEST(not_after_close),
	    DRAIN_TEST(not_when_full),
	};

	return cmocka_run_group_tests_name("drain", tests, NULL, NULL);
}
