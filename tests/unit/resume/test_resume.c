/*
 * sessiond/resume/resume.c: who is a leg and who is not, what a client says on one, and the
 * daemon's end.
 */
#include "tests/unit/resume/resume_fixture.h"

/* Those that sockjs-client makes are never legs, and without the option nobody is. */
static void
test_others(void **state)
{
	struct session *other;

	(void)state;
	other = arrive("abcdefgh", fake_stream('1'));
	receive_text(other, "~n");
	end_turn();
	assert_told("1<o + =~n ");
	assert_null(other->counted);
	assert_false(session_is_leg(other));
	service->protocol.options.resume = false;
	other = open_leg('2');
	receive_text(other, "~n");
	end_turn();
	assert_told("2<o + =~n ");
}

/* The application is told nothing of legs, and they do not count as its connections. */
static void
test_counts(void **state)
{
	const struct transport_counts *of = &sessions.counts.of[TRANSPORT_WEBSOCKET];
	struct session *leg = begun('1');

	(void)state;
	assert_true(session_is_leg(leg));
	assert_false(session_is_leg(carried()));
	say_on(leg, "abc");
	write_carried("de");
	end_turn();
	assert_int_equal(of->opened, 1);
	assert_int_equal(of->received, 1);
	assert_int_equal(of->received_bytes, 3);
	assert_int_equal(of->sent, 1);
	assert_int_equal(of->sent_bytes, 2);
}

static void
test_client_closes(void **state)
{
	struct session *leg = begun('1');

	(void)state;
	say_on(leg, "a");
	say_on(leg, "~c");
	say_on(leg, "b");
	end_turn();
	assert_told("=a - 1<c[1000,\"Normal closure\"] 1. ");
	assert_null(carried());
	assert_written("F1 . ");
}

static void
test_broken_framing(void **state)
{
	struct session *leg = begun('1');

	(void)state;
	say_on(leg, "~x");
	say_on(leg, "b");
	end_turn();
	assert_told("1<c[2020,\"Broken framing\"] 1. ");
	assert_int_equal(carried()->state, SESSION_DETACHED);
	resume_on('2', 0);
	end_turn();
	assert_told("2<o 2<a[\"~r0\"] ");
}

static void
close_at_once(sockjs_connection connection)
{
	sockjs_close(connection, 3000, "Go away!");
}

static void
test_closed_at_once(void **state)
{
	(void)state;
	hooks.connection = close_at_once;
	say_on(open_leg('1'), "~n");
	end_turn();
	assert_told("1<o + - 1<a[\"~o60000 KEY\",\"~c3000 Go away!\"] ");
}

/* It closes in answer to a message. */
static void
close_on_data(sockjs_connection connection, const sockjs_message *message)
{
	(void)message;
	sockjs_end(connection, "bye", 3);
}

static void
test_end(void **state)
{
	struct session *leg = begun('1');

	(void)state;
	hooks.data = close_on_data;
	say_on(leg, "a");
	say_on(leg, "b");
	end_turn();
	assert_told("=a 1<a[\"~a2 0\",\"bye\",\"~?\"] ");
	say_on(leg, "~a1");
	end_turn();
	assert_told("- 1<a[\"~c1000 Normal closure\"] ");
}

static sockjs_connection other;

static void
tell_other(sockjs_connection connection, const sockjs_message *message)
{
	(void)connection;
	assert_int_equal(sockjs_write(other, message->data, message->len), SOCKJS_OK);
}

/* What a message does to others is stored with it, even if it leaves in the same turn. */
static void
test_effects_on_others(void **state)
{
	struct session *leg = begun('1'), *session = arrive("s", remote_poll('2'));

	(void)state;
	end_turn();
	delivery_confirm(&flight);
	arrive("s", remote_poll('3'));
	end_turn();
	buffer_clear(&seen);
	buffer_clear(&written);
	other.handle = session->handle;
	hooks.data = tell_other;
	say_on(leg, "hi");
	end_turn();
	assert_told("=hi 3<a[\"hi\"] 3. ");
	buffer_append_char(&written, '\0');
	assert_non_null(strstr(written.data, "M2@0=hi "));
	delivery_confirm(&flight);
}

/* A daemon that stops lets go of the leg, and the next one has the session. */
static void
test_stop(void **state)
{
	struct session *leg = begun('1');

	(void)state;
	write_carried("a");
	end_turn();
	buffer_clear(&seen);
	session_release_receiver(carried());
	end_turn();
	assert_told("1<c[1001,\"The session waits for you to come again\"] 1. ");
	(void)leg;
	session_suspend(carried());
	kill_daemon();
	assert_told("~ ");
	resume_on('2', 0);
	end_turn();
	assert_told("2<o 2<a[\"~r0\",\"a\"] ");
}

/* A store that is begun anew has all of it again. */
static void
test_damaged_store(void **state)
{
	struct session *leg = begun('1');

	(void)state;
	say_on(leg, "x");
	write_carried("a");
	end_turn();
	say_on(leg, "y");
	fail_store(1, STORE_DAMAGED);
	end_turn();
	kill_daemon();
	buffer_clear(&seen);
	resume_on('2', 0);
	end_turn();
	assert_told("2<o 2<a[\"~r2\",\"a\"] ");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    RESUME_TEST(others),
	    RESUME_TEST(counts),
	    RESUME_TEST(client_closes),
	    RESUME_TEST(broken_framing),
	    RESUME_TEST(closed_at_once),
	    RESUME_TEST(end),
	    RESUME_TEST(effects_on_others),
	    RESUME_TEST(stop),
	    RESUME_TEST(damaged_store),
	};

	log_open("test_resume", SEVERITY_ERROR);
	return cmocka_run_group_tests(tests, folder_setup, folder_teardown);
}
