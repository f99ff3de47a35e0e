/*
 * sessiond/session/turn.h: what waits until the turn is committed. What else a turn does, the tests
 * of sessions see.
 */
#include "tests/unit/session/session_fixture.h"

static void
write_to(struct session *session, const char *text)
{
	assert_int_equal(write_text((sockjs_connection){session->handle}, text), SOCKJS_OK);
}

/* What is stored is sent after the commit anyway; a websocket is written to at once. */
static void
test_hold_unstored(void **state)
{
	struct session *stored, *websocket;

	(void)state;
	sessions.journal.is_kept = true;
	stored = arrive("s", fake_stream('1'));
	websocket = arrive(NULL, fake_websocket('2'));
	turn();
	buffer_clear(&seen);
	turn_hold_unstored(&sessions);
	write_to(websocket, "a");
	write_to(stored, "b");
	turn();
	assert_seen("1<a[\"b\"] ");
	write_to(websocket, "c");
	turn();
	assert_seen("");
	turn_release(&sessions);
	assert_true(turn_is_due(&sessions));
	turn();
	assert_seen("2<a[\"a\",\"c\"] ");
	write_to(websocket, "d");
	turn();
	assert_seen("2<a[\"d\"] ");
}

/* One that ends while it is held is freed, after its application has heard of it. */
static void
test_end_while_held(void **state)
{
	struct session *websocket;

	(void)state;
	sessions.journal.is_kept = true;
	websocket = arrive(NULL, fake_websocket('1'));
	turn();
	buffer_clear(&seen);
	turn_hold_unstored(&sessions);
	write_to(websocket, "a");
	turn();
	session_abort(websocket);
	assert_int_equal(sessions.count, 0);
	turn();
	turn_release(&sessions);
	turn();
	assert_seen("1. - ");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    SESSION_TEST(hold_unstored),
	    SESSION_TEST(end_while_held),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
