/*
 * sessiond/session/session.h: how sessions end, whoever ends them, and that the application hears
 * of it exactly once.
 */
#include "sessiond/session/session_set.h"
#include "sessiond/session/turn.h"
#include "tests/unit/session/session_fixture.h"

#include <stdio.h>

#define GO_AWAY "c[3000,\"Go away!\"] "

static void
go_away(sockjs_connection connection)
{
	assert_int_equal(sockjs_close(connection, 3000, "Go away!"), SOCKJS_OK);
	assert_int_equal(sockjs_ready_state(connection), SOCKJS_CLOSING);
}

/* --- no receiver ------------------------------------------------------------------------------ */

static void
test_disconnect_delay(void **state)
{
	(void)state;
	arrive("s", fake_poll('1'));
	assert_seen("1<o 1. + ");
	pass(DISCONNECT_DELAY - 1);
	assert_seen("");
	pass(1);
	assert_seen("- ");
	assert_false(is_known("s"));
	assert_int_equal(sessions.count, 0);
	pass(2 * HEARTBEAT_DELAY);
	assert_seen("");
	arrive("s", fake_poll('2'));
	assert_seen("2<o 2. + ");
}

/* The next daemon has it: while this one stops, nobody can ask in time. */
static void
test_disconnect_delay_while_stopping(void **state)
{
	(void)state;
	sessions.journal.is_kept = true;
	arrive("s", fake_poll('1'));
	assert_seen("1<o 1. + ");
	sessions.closing = true;
	pass(2 * DISCONNECT_DELAY);
	assert_seen("");
	assert_true(is_known("s"));
	arrive("s", fake_poll('2'));
	assert_seen("");
	sessions.closing = false;
	pass(HEARTBEAT_DELAY + DISCONNECT_DELAY);
	assert_seen("2<h 2. - ");
}

/* Who is not stored has nobody to wait for. */
static void
test_disconnect_delay_without_store(void **state)
{
	(void)state;
	arrive("s", fake_poll('1'));
	sessions.closing = true;
	pass(DISCONNECT_DELAY);
	assert_seen("1<o 1. + - ");
	sessions.closing = false;
}

static void
test_poll_in_time(void **state)
{
	int i;

	(void)state;
	arrive("s", fake_poll('0'));
	for (i = 1; i <= 9; i++) {
		pass(DISCONNECT_DELAY - 1);
		write_text(latest, "x");
		arrive("s", fake_poll('x'));
	}
	buffer_clear(&seen);
	assert_true(is_known("s"));
	arrive("s", fake_poll('y')); /* no delay runs while one is there */
	pass(HEARTBEAT_DELAY - 1);
	assert_seen("");
	pass(1 + DISCONNECT_DELAY);
	assert_seen("y<h y. - ");
}

/* --- a broken receiver ------------------------------------------------------------------------ */

static void
test_broken_receiver(void **state)
{
	struct fake_receiver *stream = fake_stream('1');

	(void)state;
	arrive("s", stream);
	assert_seen("1<o + ");
	session_receiver_broke(&stream->receiver);
	assert_seen("- "); /* it was gone: it is not let go */
	assert_null(stream->receiver.session);
	assert_int_equal(stream->ends, 0);
	assert_false(is_known("s"));
	arrive("s", fake_stream('2'));
	assert_seen("2<o + ");
	session_receiver_broke(&stream->receiver);
	pass(DISCONNECT_DELAY);
	assert_seen("");
}

/* One that the server has ended may break later: that says nothing of the session. */
static void
test_ended_receiver_breaks(void **state)
{
	struct fake_receiver *poll = fake_poll('1');

	(void)state;
	arrive("s", poll);
	session_receiver_broke(&poll->receiver);
	turn();
	assert_seen("1<o 1. + ");
	assert_true(is_known("s"));
}

static void
test_broken_while_closing(void **state)
{
	struct fake_receiver *websocket = fake_websocket('1');

	(void)state;
	arrive(NULL, websocket);
	go_away(latest);
	session_receiver_broke(&websocket->receiver);
	turn();
	assert_seen("1<o + - ");
	assert_int_equal(sessions.count, 0);
}

/* --- the application closes ------------------------------------------------------------------- */

static void
test_close_on_stream(void **state)
{
	(void)state;
	arrive("s", fake_stream('1'));
	write_text(latest, "a");
	write_text(latest, "b");
	go_away(latest);
	assert_seen("1<o + ");
	turn();
	assert_seen("1<a[\"a\",\"b\"] 1<" GO_AWAY "1. - ");
	pass(1000);
	arrive("s", fake_poll('2'));
	assert_seen("2<" GO_AWAY "2. ");
	pass(DISCONNECT_DELAY - 1000 - 1);
	arrive("s", fake_stream('3'));
	assert_seen("3<" GO_AWAY "3. ");
	pass(1); /* asking did not prolong it */
	assert_seen("");
	assert_int_equal(sessions.count, 0);
	arrive("s", fake_stream('4'));
	assert_seen("4<o + ");
}

/* A poll has room for one frame: the messages go first, the close frame to the next. */
static void
test_close_on_poll(void **state)
{
	(void)state;
	arrive("s", fake_poll('1'));
	arrive("s", fake_poll('2'));
	write_text(latest, "a");
	go_away(latest);
	turn();
	assert_seen("1<o 1. + 2<a[\"a\"] 2. ");
	pass(DISCONNECT_DELAY - 1);
	arrive("s", fake_poll('3'));
	assert_seen("3<" GO_AWAY "3. - ");
	pass(DISCONNECT_DELAY - 1);
	arrive("s", fake_poll('4'));
	assert_seen("4<" GO_AWAY "4. ");
	pass(1);
	assert_false(is_known("s"));
	assert_seen("");
}

static void
test_close_on_waiting_poll(void **state)
{
	(void)state;
	arrive("s", fake_poll('1'));
	arrive("s", fake_poll('2'));
	go_away(latest);
	turn();
	assert_seen("1<o 1. + 2<" GO_AWAY "2. - ");
}

static void
test_close_while_detached(void **state)
{
	(void)state;
	arrive("s", fake_poll('1'));
	write_text(latest, "a");
	go_away(latest);
	turn();
	assert_seen("1<o 1. + ");
	arrive("s", fake_poll('2'));
	assert_seen("2<a[\"a\"] 2. ");
	arrive("s", fake_poll('3'));
	assert_seen("3<" GO_AWAY "3. - ");
}

static void
test_close_and_nobody_asks(void **state)
{
	(void)state;
	arrive("s", fake_poll('1'));
	pass(1000);
	go_away(latest);
	pass(DISCONNECT_DELAY - 1000 - 1);
	assert_seen("1<o 1. + ");
	pass(1);
	assert_seen("- ");
	assert_int_equal(sessions.count, 0);
}

static void
test_close_on_websocket(void **state)
{
	(void)state;
	arrive(NULL, fake_websocket('1'));
	write_text(latest, "a");
	go_away(latest);
	turn();
	assert_seen("1<o + 1<a[\"a\"] 1<" GO_AWAY "1. - ");
	assert_int_equal(sessions.count, 0); /* nobody else can ask */
}

static void
test_close_waits_for_congested(void **state)
{
	struct fake_receiver *stream = fake_stream('1');

	(void)state;
	arrive("s", stream);
	stream->congested = true;
	write_text(latest, "a");
	go_away(latest);
	turn();
	arrive("s", fake_poll('2'));
	assert_seen("1<o + 2<c[2010,\"Another connection still open\"] 2. ");
	stream->congested = false;
	session_receiver_drained(&stream->receiver);
	turn();
	assert_seen("1<a[\"a\"] 1<" GO_AWAY "1. - ");
}

static void
test_close_in_connection(void **state)
{
	(void)state;
	hooks.connection = go_away;
	arrive("poll", fake_poll('1'));
	turn();
	assert_seen("1<o 1. + ");
	arrive("poll", fake_poll('2'));
	assert_seen("2<" GO_AWAY "2. - ");
	arrive("stream", fake_stream('3'));
	assert_seen("3<o + 3<" GO_AWAY "3. - ");
	arrive(NULL, fake_websocket('4'));
	turn();
	assert_seen("4<o + 4<" GO_AWAY "4. - ");
	assert_int_equal(sessions.count, 2);
	pass(DISCONNECT_DELAY);
	assert_seen("");
	assert_int_equal(sessions.count, 0);
}

static void
close_at_two(sockjs_connection connection, const sockjs_message *message)
{
	if (message->len == 1 && message->data[0] == '2')
		go_away(connection);
}

static void
test_close_in_data(void **state)
{
	struct session *session;

	(void)state;
	hooks.data = close_at_two;
	session = arrive("s", fake_stream('1'));
	receive_text(session, "1");
	receive_text(session, "2");
	receive_text(session, "3");
	assert_seen("1<o + =1 =2 ");
	turn();
	assert_seen("1<" GO_AWAY "1. - ");
	receive_text(session, "4");
	assert_seen("");
}

static void
test_close_twice(void **state)
{
	struct session *session;

	(void)state;
	session = arrive("s", fake_stream('1'));
	assert_true(session_close(session, 3000, "Go away!", strlen("Go away!")));
	assert_false(session_close(session, 3001, "again", strlen("again")));
	turn();
	assert_false(session_close(session, 3002, "and again", strlen("and again")));
	arrive("s", fake_poll('2'));
	assert_seen("1<o + 1<" GO_AWAY "1. - 2<" GO_AWAY "2. ");
}

/* The reason is bytes of a length. */
static void
test_close_reason(void **state)
{
	char reason[SESSION_REASON_MAX], expected[SESSION_REASON_MAX + 40];

	(void)state;
	session_close(arrive(NULL, fake_websocket('1')), 1001, "", 0);
	turn();
	assert_seen("1<o + 1<c[1001,\"\"] 1. - ");
	memset(reason, 'r', sizeof reason);
	session_close(arrive(NULL, fake_websocket('2')), 4999, reason, sizeof reason);
	turn();
	snprintf(expected, sizeof expected, "2<o + 2<c[4999,\"%.*s\"] 2. - ", SESSION_REASON_MAX,
	    reason);
	assert_seen(expected);
}

/* --- during the close event ------------------------------------------------------------------- */

static char user_data;
static sockjs_connection neighbour; /* still open while another closes */

static void
look_around(sockjs_connection connection)
{
	assert_int_equal(sockjs_ready_state(connection), SOCKJS_CLOSED);
	assert_false(sockjs_readable(connection));
	assert_false(sockjs_writable(connection));
	assert_ptr_equal(sockjs_user_data(connection), &user_data);
	assert_string_equal(sockjs_prefix(connection), "/echo");
	assert_string_equal(sockjs_url(connection), "/echo/000/s/xhr?q=1");
	assert_string_equal(sockjs_header(connection, "user-agent"), "cmocka");
	assert_ptr_equal(sockjs_service_of(connection), service);
	assert_non_null(sockjs_id(connection));
	assert_non_null(sockjs_protocol(connection));
	assert_int_equal(write_text(connection, "late"), SOCKJS_GONE);
	assert_int_equal(sockjs_close(connection, 0, NULL), SOCKJS_GONE);
	assert_int_equal(sockjs_end(connection, NULL, 0), SOCKJS_GONE);
	if (neighbour.handle != 0)
		assert_int_equal(write_text(neighbour, "gone"), SOCKJS_OK);
}

static void
mark_user_data(sockjs_connection connection)
{
	sockjs_set_user_data(connection, &user_data);
}

static void
expect_forgotten(sockjs_connection connection)
{
	assert_int_equal(sockjs_ready_state(connection), SOCKJS_CLOSED);
	assert_null(sockjs_user_data(connection));
	assert_null(sockjs_id(connection));
	assert_null(sockjs_url(connection));
	assert_int_equal(write_text(connection, "late"), SOCKJS_GONE);
}

static void
test_close_event(void **state)
{
	struct fake_receiver *websocket = fake_websocket('4');

	(void)state;
	hooks.close = look_around;
	hooks.connection = mark_user_data;
	neighbour.handle = 0;
	arrive("lingers", fake_stream('1'));
	sockjs_close(latest, 0, NULL);
	turn();
	expect_forgotten(latest); /* although its close frame is repeated */
	assert_true(is_known("lingers"));
	arrive("times out", fake_poll('2'));
	pass(DISCONNECT_DELAY);
	expect_forgotten(latest);
	session_abort(arrive("aborted", fake_stream('3')));
	expect_forgotten(latest);
	arrive(NULL, websocket);
	session_receiver_broke(&websocket->receiver);
	expect_forgotten(latest);
	assert_seen("1<o + 1<c[1000,\"Normal closure\"] 1. - 2<o 2. + - 3<o + 3. - 4<o + - ");
}

/* What is written then leaves in the same turn. */
static void
test_write_to_others_in_close(void **state)
{
	(void)state;
	hooks.connection = mark_user_data;
	hooks.close = look_around;
	arrive("s", fake_stream('1'));
	neighbour = latest;
	arrive(NULL, fake_websocket('2'));
	sockjs_close(latest, 0, NULL);
	turn();
	assert_seen("1<o + 2<o + 2<c[1000,\"Normal closure\"] 2. - 1<a[\"gone\"] ");
	neighbour.handle = 0;
}

/* --- in the middle of a turn ------------------------------------------------------------------ */

/* Of three sessions with something to send the middle one ends: the others are served. */
static void
test_end_while_dirty(void **state)
{
	struct fake_receiver *second = fake_stream('2');
	sockjs_connection connections[3];

	(void)state;
	arrive("1", fake_stream('1'));
	connections[0] = latest;
	arrive("2", second);
	connections[1] = latest;
	arrive("3", fake_stream('3'));
	connections[2] = latest;
	assert_seen("1<o + 2<o + 3<o + ");
	write_text(connections[0], "a");
	write_text(connections[1], "b");
	write_text(connections[2], "c");
	session_receiver_broke(&second->receiver);
	arrive("2", fake_poll('4')); /* before the old session is freed */
	turn();
	assert_seen("- 4<o 4. + 1<a[\"a\"] 3<a[\"c\"] ");
	assert_int_equal(sessions.count, 3);
}

static void
test_abort_while_dirty(void **state)
{
	struct session *session;

	(void)state;
	session = arrive(NULL, fake_websocket('1'));
	write_text(latest, "a");
	session_abort(session);
	session_abort(session);
	turn();
	assert_seen("1<o + 1. - ");
	assert_int_equal(sessions.count, 0);
}

/* --- abort ------------------------------------------------------------------------------------ */

static void
test_abort_new(void **state)
{
	struct session *session = session_create(service, "s", 1);

	(void)state;
	assert_int_equal(session_ready_state(session), SOCKJS_CONNECTING);
	session_abort(session);
	turn();
	assert_seen(""); /* the application never heard of it */
	assert_false(is_known("s"));
}

static void
test_abort_from_each_state(void **state)
{
	struct fake_receiver *congested = fake_stream('3');
	struct session *session;

	(void)state;
	session_abort(arrive("attached", fake_stream('1')));
	assert_seen("1<o + 1. - ");
	session_abort(arrive("detached", fake_poll('2')));
	assert_seen("2<o 2. + - ");

	session = arrive("closing-attached", congested);
	congested->congested = true;
	write_text(latest, "a");
	go_away(latest);
	turn();
	assert_int_equal(session->state, SESSION_CLOSING_ATTACHED);
	session_abort(session);
	assert_seen("3<o + 3. - ");

	session = arrive("closing-detached", fake_poll('4'));
	go_away(latest);
	assert_int_equal(session->state, SESSION_CLOSING_DETACHED);
	session_abort(session);
	assert_seen("4<o 4. + - ");

	session = arrive("lingering", fake_stream('5'));
	go_away(latest);
	turn();
	assert_int_equal(session->state, SESSION_LINGERING);
	assert_seen("5<o + 5<" GO_AWAY "5. - ");
	session_abort(session);
	session_abort(session); /* it is over: nothing happens */
	turn();
	assert_seen("");
	assert_int_equal(sessions.count, 0);
	pass(HEARTBEAT_DELAY + DISCONNECT_DELAY);
	assert_seen("");
}

/*
 * A close that comes before the first receiver has nothing to act on: the session opens, and stays
 * open.
 */
static void
test_close_new(void **state)
{
	struct session *session = session_create(service, "s", 1);

	(void)state;
	assert_false(session_close(session, 3000, "x", 1));
	assert_false(session_close(session, 3000, "x", 1));
	arrive("s", fake_stream('1'));
	turn();
	assert_seen("1<o + ");
}

/* --- exactly once ----------------------------------------------------------------------------- */

static void
test_every_timer_is_quiet_afterwards(void **state)
{
	struct fake_receiver *broken = fake_stream('3');
	uint64_t deadline;

	(void)state;
	arrive("a", fake_stream('1'));
	sockjs_close(latest, 0, NULL);
	arrive(NULL, fake_websocket('2'));
	sockjs_close(latest, 0, NULL);
	arrive("c", broken);
	session_receiver_broke(&broken->receiver);
	session_abort(arrive("d", fake_poll('4')));
	turn();
	buffer_clear(&seen);
	pass(DISCONNECT_DELAY);
	assert_seen("");
	assert_int_equal(sessions.count, 0);
	assert_false(timers_next(&sessions.timers, &deadline));
	assert_false(turn_flush(&sessions));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    SESSION_TEST(disconnect_delay),
	    SESSION_TEST(disconnect_delay_while_stopping),
	    SESSION_TEST(disconnect_delay_without_store),
	    SESSION_TEST(poll_in_time),
	    SESSION_TEST(broken_receiver),
	    SESSION_TEST(ended_receiver_breaks),
	    SESSION_TEST(broken_while_closing),
	    SESSION_TEST(close_on_stream),
	    SESSION_TEST(close_on_poll),
	    SESSION_TEST(close_on_waiting_poll),
	    SESSION_TEST(close_while_detached),
	    SESSION_TEST(close_and_nobody_asks),
	    SESSION_TEST(close_on_websocket),
	    SESSION_TEST(close_waits_for_congested),
	    SESSION_TEST(close_in_connection),
	    SESSION_TEST(close_in_data),
	    SESSION_TEST(close_twice),
	    SESSION_TEST(close_reason),
	    SESSION_TEST(close_event),
	    SESSION_TEST(write_to_others_in_close),
	    SESSION_TEST(end_while_dirty),
	    SESSION_TEST(abort_while_dirty),
	    SESSION_TEST(abort_new),
	    SESSION_TEST(abort_from_each_state),
	    SESSION_TEST(close_new),
	    SESSION_TEST(every_timer_is_quiet_afterwards),
	};

	return cmocka_run_group_tests_name("session_end", tests, NULL, NULL);
}
