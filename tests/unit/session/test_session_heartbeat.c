/*
 * sessiond/session/session.h: heartbeats, their answers, and what is done without one.
 */
#include "sessiond/session/session_set.h"
#include "tests/unit/session/session_fixture.h"

static void
test_heartbeat_of_stream(void **state)
{
	struct session *session;

	(void)state;
	session = arrive("s", fake_stream('1'));
	assert_seen("1<o + ");
	pass(HEARTBEAT_DELAY - 1);
	assert_seen("");
	pass(1);
	assert_seen("1<h ");
	/* A message to the client restarts the delay, one from it does not. */
	pass(20000);
	write_text(latest, "x");
	turn();
	pass(10000);
	receive_text(session, "y");
	assert_seen("1<a[\"x\"] =y ");
	pass(HEARTBEAT_DELAY - 10000 - 1);
	assert_seen("");
	pass(1);
	assert_seen("1<h ");
	pass(3 * HEARTBEAT_DELAY);
	assert_seen("1<h 1<h 1<h ");
}

/* A heartbeat completes a poll; the delay begins with each. */
static void
test_heartbeat_of_poll(void **state)
{
	(void)state;
	arrive("s", fake_poll('1'));
	pass(1000);
	arrive("s", fake_poll('2'));
	assert_seen("1<o 1. + ");
	pass(HEARTBEAT_DELAY - 1);
	assert_seen("");
	pass(1);
	assert_seen("2<h 2. ");
	pass(DISCONNECT_DELAY - 1);
	arrive("s", fake_poll('3'));
	pass(HEARTBEAT_DELAY - 1);
	assert_seen("");
	pass(1);
	assert_seen("3<h 3. ");
}

static void
test_pings_despite_sends(void **state)
{
	struct fake_receiver *websocket = fake_websocket('1');

	(void)state;
	arrive(NULL, websocket);
	pass(HEARTBEAT_DELAY - 1);
	write_text(latest, "x");
	turn();
	session_receiver_alive(&websocket->receiver); /* no answer was awaited */
	assert_seen("1<o + 1<a[\"x\"] ");
	pass(1);
	assert_seen("1<ping ");
	pass(SESSION_PONG_DELAY - 1);
	write_text(latest, "y");
	turn();
	assert_seen("1<a[\"y\"] ");
	session_receiver_alive(&websocket->receiver);
	pass(HEARTBEAT_DELAY - 1);
	session_receiver_alive(&websocket->receiver); /* nor here */
	assert_seen("");
	pass(1);
	assert_seen("1<ping ");
}

static void
test_no_pong(void **state)
{
	struct fake_receiver *websocket = fake_websocket('1');

	(void)state;
	arrive(NULL, websocket);
	pass(HEARTBEAT_DELAY);
	pass(SESSION_PONG_DELAY - 1);
	assert_seen("1<o + 1<ping ");
	pass(1);
	assert_seen("1<c[3000,\"No response from heartbeat\"] 1. - ");
	assert_int_equal(sessions.count, 0);
	assert_null(websocket->receiver.session);
}

/* Who answers no ping does not read either: what is queued for it must not keep the session. */
static void
test_no_pong_while_congested(void **state)
{
	struct fake_receiver *websocket = fake_websocket('1');

	(void)state;
	arrive(NULL, websocket);
	websocket->congested = true;
	write_text(latest, "x");
	pass(HEARTBEAT_DELAY + SESSION_PONG_DELAY);
	assert_seen("1<o + 1<ping 1<c[3000,\"No response from heartbeat\"] 1. - ");
	assert_int_equal(sessions.count, 0);
}

/* Its answer is not read, as its service takes no messages. */
static void
test_no_pong_while_refused(void **state)
{
	(void)state;
	arrive(NULL, fake_websocket('1'));
	service_refuse_sends(service, true);
	pass(HEARTBEAT_DELAY + SESSION_PONG_DELAY);
	assert_seen("1<o + 1<ping ");
	pass(HEARTBEAT_DELAY);
	service_refuse_sends(service, false);
	pass(SESSION_PONG_DELAY);
	assert_seen("1<ping 1<c[3000,\"No response from heartbeat\"] 1. - ");
}

static void
test_no_pong_while_closing(void **state)
{
	struct fake_receiver *websocket = fake_websocket('1');

	(void)state;
	arrive(NULL, websocket);
	websocket->congested = true;
	write_text(latest, "x");
	sockjs_close(latest, 3001, "bye");
	pass(HEARTBEAT_DELAY + SESSION_PONG_DELAY);
	assert_seen("1<o + 1<ping 1<c[3001,\"bye\"] 1. - ");
	assert_int_equal(sessions.count, 0);
}

/* websocket_heartbeat = frame. */
static void
test_websocket_without_pings(void **state)
{
	struct fake_receiver *websocket = fake_websocket('1');

	(void)state;
	websocket->pings = false;
	arrive(NULL, websocket);
	pass(HEARTBEAT_DELAY - 1);
	write_text(latest, "x");
	turn();
	assert_seen("1<o + 1<a[\"x\"] ");
	pass(1);
	assert_seen("1<h ");
	pass(2 * HEARTBEAT_DELAY);
	assert_seen("1<h 1<h ");
}

/* To make room before the delay is over: one more heartbeat, and the delay begins again. */
static void
test_heartbeat_on_demand(void **state)
{
	struct session *session;

	(void)state;
	session = arrive("stream", fake_stream('1'));
	pass(HEARTBEAT_DELAY - 1);
	session_send_heartbeat(session);
	assert_seen("1<o + 1<h ");
	pass(HEARTBEAT_DELAY - 1);
	assert_seen("");
	pass(1);
	assert_seen("1<h ");
	arrive("poll", fake_poll('2'));
	session = arrive("poll", fake_poll('3'));
	session_send_heartbeat(session);
	assert_seen("2<o 2. + 3<h 3. ");
	pass(DISCONNECT_DELAY);
	assert_seen("- ");
	session = arrive(NULL, fake_websocket('4'));
	session_send_heartbeat(session);
	pass(SESSION_PONG_DELAY);
	assert_seen("4<o + 4<ping 4<c[3000,\"No response from heartbeat\"] 4. - ");
}

static void
test_release_of_receiver(void **state)
{
	struct session *session;

	(void)state;
	session = arrive("s", fake_stream('1'));
	session_release_receiver(session);
	assert_seen("1<o + 1<h 1. ");
	assert_null(session->receiver);
	arrive("s", fake_poll('2'));
	session_release_receiver(session);
	assert_seen("2<h 2. ");
	write_text(latest, "x");
	arrive("s", fake_stream('3'));
	assert_seen("3<a[\"x\"] ");
}

/*
 * Where there is little room, whoever was turned away has longer than disconnect_delay to be back.
 */
static void
test_turn_away(void **state)
{
	(void)state;
	session_turn_away(arrive("s", fake_stream('1')));
	assert_seen("1<o + 1<h 1. ");
	pass(SESSION_RETURN_DELAY - 1);
	assert_seen("");
	arrive("s", fake_poll('2'));
	pass(HEARTBEAT_DELAY + DISCONNECT_DELAY - 1);
	assert_seen("2<h 2. ");
	pass(1);
	assert_seen("- ");
	session_turn_away(arrive("s", fake_stream('3')));
	pass(SESSION_RETURN_DELAY);
	assert_seen("3<o + 3<h 3. - ");
}

/* A session that is closing gets no more time. */
static void
test_turn_away_while_closing(void **state)
{
	struct fake_receiver *stream = fake_stream('1');
	struct session *session;

	(void)state;
	session = arrive("s", stream);
	stream->congested = true;
	write_text(latest, "x");
	sockjs_close(latest, 3001, "bye");
	turn();
	session_turn_away(session);
	assert_seen("1<o + 1<h 1. ");
	pass(DISCONNECT_DELAY);
	assert_seen("- ");
}

/* A longer disconnect_delay stays what it is. */
static void
test_turn_away_with_time(void **state)
{
	struct sockjs_service other = {.protocol = {.options = service->protocol.options}};

	(void)state;
	other.protocol.options.disconnect_delay = 2 * SESSION_RETURN_DELAY;
	service_reconfigure(service, &other);
	session_turn_away(arrive("s", fake_stream('1')));
	assert_seen("1<o + 1<h 1. ");
	pass(2 * SESSION_RETURN_DELAY - 1);
	assert_seen("");
	pass(1);
	assert_seen("- ");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    SESSION_TEST(heartbeat_of_stream),
	    SESSION_TEST(heartbeat_of_poll),
	    SESSION_TEST(pings_despite_sends),
	    SESSION_TEST(no_pong),
	    SESSION_TEST(no_pong_while_congested),
	    SESSION_TEST(no_pong_while_refused),
	    SESSION_TEST(no_pong_while_closing),
	    SESSION_TEST(websocket_without_pings),
	    SESSION_TEST(heartbeat_on_demand),
	    SESSION_TEST(release_of_receiver),
	    SESSION_TEST(turn_away),
	    SESSION_TEST(turn_away_with_time),
	    SESSION_TEST(turn_away_while_closing),
	};

	return cmocka_run_group_tests_name("session_heartbeat", tests, NULL, NULL);
}
