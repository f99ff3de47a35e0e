/*
 * sessiond/persistence/session_restore.h: what a daemon finds of the sessions of the one before,
 * which was killed or has stopped.
 */
#include "tests/unit/persistence/persistence_fixture.h"

#include "common/log.h"
#include "sessiond/session/delivery.h"
#include "sessiond/session/session_set.h"

/* With the sessions that end meanwhile. */
static void
assert_store_empty(void)
{
	restart();
	assert_seen("");
	assert_int_equal(sessions.count, 0);
}

/* --- what goes on ----------------------------------------------------------------------------- */

static void
test_queue(void **state)
{
	(void)state;
	settled("s");
	write_text(latest, "a");
	write_text(latest, "b");
	end_turn();
	restart();
	assert_seen("~ ");
	write_text(latest, "c");
	arrive("s", remote_poll('1'));
	end_turn();
	assert_seen("1<a[\"a\",\"b\",\"c\"] 1. ");
	delivery_confirm(&flight);
	pass_turns(LATE_DELAY);
	buffer_clear(&written);
	write_text(latest, "d");
	end_turn();
	assert_written("M1@3=d . ");
}

/* Two daemons die before the responder has told of the open frame. */
static void
test_open_frame_and_two_restarts(void **state)
{
	(void)state;
	arrive("s", remote_poll('1'));
	end_turn();
	restart();
	write_text(latest, "a");
	end_turn();
	restart();
	buffer_clear(&seen);
	delivery_resolve(&sessions, LINK, 0);
	arrive("s", fake_stream('2'));
	end_turn();
	assert_seen("2<o 2<a[\"a\"] ");
}

static void
test_what_is_known_of_it(void **state)
{
	char id[40];

	(void)state;
	settled("s");
	snprintf(id, sizeof id, "%s", sockjs_id(latest));
	restart();
	assert_string_equal(sockjs_id(latest), id);
	assert_string_equal(sockjs_url(latest), "/echo/000/s/xhr?q=1");
	assert_string_equal(sockjs_prefix(latest), "/echo");
	assert_string_equal(sockjs_header(latest, "user-agent"), "cmocka");
	assert_string_equal(sockjs_protocol(latest), "xhr-polling");
	assert_int_equal(sockjs_ready_state(latest), SOCKJS_OPEN);
}

/* An application that knows nothing of restarts sees a connection. */
static void
test_application_without_resume(void **state)
{
	(void)state;
	settled("s");
	lasting = &fake_application;
	restart();
	assert_seen("+ ");
}

static void
test_keys_go_on(void **state)
{
	(void)state;
	settled("s");
	settled("t");
	restart();
	settled("u");
	write_text(latest, "a");
	end_turn();
	assert_written("M3@0=a . ");
}

static void
test_two_restarts(void **state)
{
	(void)state;
	settled("s");
	write_text(latest, "a");
	end_turn();
	restart();
	restart();
	write_text(latest, "b");
	end_turn();
	assert_written("M1@1=b . ");
	restart();
	arrive("s", remote_poll('1'));
	assert_seen("~ 1<a[\"a\",\"b\"] 1. ");
}

/* --- who does not come back ------------------------------------------------------------------- */

static void
test_nobody_comes(void **state)
{
	(void)state;
	settled("s");
	write_text(latest, "a");
	end_turn();
	restart();
	pass_turns(DISCONNECT_DELAY - 1);
	assert_seen("~ ");
	pass_turns(1);
	assert_seen("- ");
	assert_written("F1 . ");
	assert_store_empty();
}

static void
test_service_is_gone(void **state)
{
	(void)state;
	settled("s");
	write_text(latest, "a");
	end_turn();
	restart_with(0);
	assert_int_equal(sessions.count, 0);
	end_turn();
	assert_written("F1 . ");
	settled("t");
	write_text(latest, "b");
	end_turn();
	assert_written("M2@0=b . "); /* no key is used twice */
}

/* --- closed sessions -------------------------------------------------------------------------- */

static void
test_closing(void **state)
{
	(void)state;
	settled("s");
	write_text(latest, "a");
	sockjs_close(latest, 3000, "Go away!");
	end_turn();
	restart();
	assert_seen("~ ");
	assert_int_equal(sockjs_ready_state(latest), SOCKJS_CLOSING);
	arrive("s", remote_poll('1'));
	end_turn();
	delivery_confirm(&flight);
	arrive("s", remote_poll('2'));
	end_turn();
	assert_seen("1<a[\"a\"] 1. 2<c[3000,\"Go away!\"] 2. - ");
}

/* The application was told of its end. Its client may ask again. */
static void
test_lingering(void **state)
{
	(void)state;
	settled("s");
	sockjs_close(latest, 3000, "");
	arrive("s", remote_poll('1'));
	end_turn();
	assert_seen("1<c[3000,\"\"] 1. - ");
	restart();
	arrive("s", remote_poll('2'));
	end_turn();
	assert_seen("2<c[3000,\"\"] 2. ");
	pass_turns(DISCONNECT_DELAY);
	assert_seen("");
	assert_false(is_known("s"));
	assert_store_empty();
}

/* --- what was on its way ---------------------------------------------------------------------- */

/* Two messages are on their way as one frame, a third waits; then the daemon is killed. */
static void
lose_in_flight(void)
{
	settled("s");
	write_text(latest, "a");
	write_text(latest, "b");
	end_turn();
	arrive("s", remote_poll('1'));
	end_turn();
	write_text(latest, "c");
	end_turn();
	assert_seen("1<a[\"a\",\"b\"] 1. ");
	restart();
	arrive("s", remote_poll('2'));
	end_turn();
	assert_seen("~ "); /* its responder is asked first */
}

static void
test_it_arrived(void **state)
{
	(void)state;
	lose_in_flight();
	delivery_resolve(&sessions, LINK, 2);
	end_turn();
	assert_seen("2<a[\"c\"] 2. ");
	/* At once: the responder does not tell it twice. */
	assert_written("X1<=1 D1 . ");
}

static void
test_it_did_not_arrive(void **state)
{
	(void)state;
	lose_in_flight();
	delivery_resolve(&sessions, LINK, 1);
	end_turn();
	assert_seen("2<a[\"a\",\"b\",\"c\"] 2. ");
}

static void
test_nobody_tells(void **state)
{
	(void)state;
	lose_in_flight();
	delivery_resolve(&sessions, OTHER_LINK, 2);
	pass_turns(SESSION_GRACE_DELAY - 1);
	assert_seen("");
	pass_turns(1);
	assert_seen("2<a[\"a\",\"b\",\"c\"] 2. ");
}

/* The daemon is killed again before the responder came. */
static void
test_it_is_asked_later(void **state)
{
	(void)state;
	lose_in_flight();
	restart();
	delivery_resolve(&sessions, LINK, 2);
	arrive("s", remote_poll('3'));
	end_turn();
	assert_seen("~ 3<a[\"c\"] 3. ");
}

/* One that had arrived, of which that was not stored yet. */
static void
test_confirmed_and_not_stored(void **state)
{
	(void)state;
	settled("s");
	write_text(latest, "a");
	end_turn();
	arrive("s", remote_poll('1'));
	end_turn();
	delivery_confirm(&flight);
	restart();
	delivery_resolve(&sessions, LINK, 2);
	arrive("s", remote_poll('2'));
	pass_turns(SESSION_GRACE_DELAY);
	assert_seen("~ ");
}

static void
lose_open(uint64_t arrived)
{
	arrive("s", remote_poll('1'));
	end_turn();
	restart();
	delivery_resolve(&sessions, LINK, arrived);
	write_text(latest, "a");
	arrive("s", remote_poll('2'));
	end_turn();
}

static void
test_open_arrived(void **state)
{
	(void)state;
	lose_open(1);
	assert_seen("~ 2<a[\"a\"] 2. ");
}

static void
test_open_did_not_arrive(void **state)
{
	(void)state;
	lose_open(0);
	assert_seen("~ 2<o 2. ");
	delivery_confirm(&flight);
	arrive("s", remote_poll('3'));
	assert_seen("3<a[\"a\"] 3. ");
}

/* --- a daemon that stops ---------------------------------------------------------------------- */

static void
suspend_one(void *session, void *context)
{
	(void)context;
	session_suspend(session);
}

static void
stop_and_restart(void)
{
	sessions_each(&sessions, suspend_one, NULL);
	end_turn();
	restart();
}

static void
write_last(sockjs_connection connection)
{
	assert_int_equal(write_text(connection, "last"), SOCKJS_OK);
}

/* What the application writes then is not lost. */
static void
test_suspend(void **state)
{
	(void)state;
	settled("s");
	suspended = write_last;
	sessions_each(&sessions, suspend_one, NULL);
	end_turn();
	assert_seen("_ ");
	assert_written("M1@0=last . ");
	restart();
	arrive("s", remote_poll('1'));
	assert_seen("~ 1<a[\"last\"] 1. ");
}

static void
act_in_close(sockjs_connection connection)
{
	assert_int_equal(sockjs_ready_state(connection), SOCKJS_CLOSED);
	assert_non_null(sockjs_id(connection));
	assert_int_equal(sockjs_write(connection, "late", strlen("late")), SOCKJS_GONE);
	assert_int_equal(sockjs_close(connection, 3000, ""), SOCKJS_GONE);
}

/*
 * To an application without these events it is a close, and a connection: what it still tries must
 * not reach the next daemon.
 */
static void
test_suspend_as_close(void **state)
{
	(void)state;
	service->application = &fake_application;
	settled("s");
	hooks.close = act_in_close;
	sessions_each(&sessions, suspend_one, NULL);
	hooks.close = NULL;
	assert_seen("- ");
	end_turn();
	restart();
	assert_true(is_known("s"));
}

/* Who cannot come back, because the daemon takes its time to stop, is not late. */
static void
test_no_timeout_while_it_stops(void **state)
{
	(void)state;
	settled("s");
	sessions.closing = true;
	pass_turns(3 * DISCONNECT_DELAY);
	stop_and_restart();
	assert_seen("~ ");
	pass_turns(DISCONNECT_DELAY);
	assert_seen("- ");
}

/* One that has been closed hears nothing more. */
static void
test_suspend_of_a_closed_one(void **state)
{
	(void)state;
	settled("s");
	sockjs_close(latest, 3000, "");
	arrive("s", remote_poll('1'));
	end_turn();
	assert_seen("1<c[3000,\"\"] 1. - ");
	sessions_each(&sessions, suspend_one, NULL);
	assert_seen("");
	stop_and_restart();
	assert_seen("");
	assert_true(is_known("s"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    PERSISTENCE_TEST(queue),
	    PERSISTENCE_TEST(open_frame_and_two_restarts),
	    PERSISTENCE_TEST(what_is_known_of_it),
	    PERSISTENCE_TEST(application_without_resume),
	    PERSISTENCE_TEST(keys_go_on),
	    PERSISTENCE_TEST(two_restarts),
	    PERSISTENCE_TEST(nobody_comes),
	    PERSISTENCE_TEST(service_is_gone),
	    PERSISTENCE_TEST(closing),
	    PERSISTENCE_TEST(lingering),
	    PERSISTENCE_TEST(it_arrived),
	    PERSISTENCE_TEST(it_did_not_arrive),
	    PERSISTENCE_TEST(nobody_tells),
	    PERSISTENCE_TEST(it_is_asked_later),
	    PERSISTENCE_TEST(confirmed_and_not_stored),
	    PERSISTENCE_TEST(open_arrived),
	    PERSISTENCE_TEST(open_did_not_arrive),
	    PERSISTENCE_TEST(suspend),
	    PERSISTENCE_TEST(suspend_as_close),
	    PERSISTENCE_TEST(no_timeout_while_it_stops),
	    PERSISTENCE_TEST(suspend_of_a_closed_one),
	};

	log_open("test_session_restore", SEVERITY_ERROR);
	return cmocka_run_group_tests_name("session_restore", tests, folder_setup, folder_teardown);
}
