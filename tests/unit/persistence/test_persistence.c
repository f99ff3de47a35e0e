/*
 * sessiond/persistence/persistence.c and persistence_plan.c: what of a turn the store is told, and
 * what it is spared.
 */
#include "tests/unit/persistence/persistence_fixture.h"

#include "common/log.h"
#include "sessiond/session/delivery.h"
#include "sessiond/session/session_set.h"

/* --- what is stored --------------------------------------------------------------------------- */

static void
test_open(void **state)
{
	(void)state;
	arrive("s", remote_poll('1'));
	assert_seen("1<o 1. + ");
	assert_int_equal(end_turn(), COMMIT_DONE);
	assert_written("S1 D1 . "); /* the open frame is on its way */
	delivery_confirm(&flight);
	pass_turns(LATE_DELAY - 1);
	assert_written("");
	pass_turns(1);
	assert_written("D1 . ");
}

/* An open frame that did not arrive is owed, by the next daemon too, until it is on its way. */
static void
test_owed_open(void **state)
{
	(void)state;
	arrive("s", remote_poll('1'));
	end_turn();
	assert_seen("1<o 1. + ");
	assert_written("S1 D1 . ");
	delivery_put_back(&flight);
	end_turn();
	assert_written("D1 . ");
	restart();
	end_turn();
	arrive("s", remote_poll('2'));
	end_turn();
	assert_seen("~ 2<o 2. ");
	assert_written("D1 . ");
	delivery_confirm(&flight);
	pass_turns(LATE_DELAY);
	restart();
	arrive("s", remote_poll('3'));
	end_turn();
	assert_seen("~ ");
}

static void
test_websockets_are_not_stored(void **state)
{
	(void)state;
	arrive(NULL, fake_websocket('1'));
	write_text(latest, "a");
	assert_int_equal(end_turn(), COMMIT_DONE);
	assert_seen("1<o + 1<a[\"a\"] ");
	sockjs_close(latest, 0, NULL);
	end_turn();
	assert_written("");
}

static void
test_delivered_in_its_turn(void **state)
{
	(void)state;
	settled("s");
	arrive("s", remote_poll('1'));
	write_text(latest, "a");
	write_text(latest, "b");
	end_turn();
	assert_seen("1<a[\"a\",\"b\"] 1. ");
	delivery_confirm(&flight);
	pass_turns(2 * LATE_DELAY);
	assert_written("");
}

static void
test_queued(void **state)
{
	(void)state;
	settled("s");
	write_text(latest, "a");
	write_text(latest, "b");
	end_turn();
	assert_written("M1@0=a M1@1=b . ");
	write_text(latest, "c");
	end_turn();
	assert_written("M1@2=c . ");
	arrive("s", remote_poll('1'));
	end_turn();
	assert_seen("1<a[\"a\",\"b\",\"c\"] 1. ");
	assert_written("D1 . ");
	delivery_confirm(&flight);
	pass_turns(LATE_DELAY - 1);
	assert_written("");
	pass_turns(1);
	assert_written("X1<=2 D1 . ");
}

/* Those that were stored go with one that was not: all are, until they arrive. */
static void
test_stored_and_new_in_one_frame(void **state)
{
	(void)state;
	settled("s");
	write_text(latest, "a");
	end_turn();
	assert_written("M1@0=a . ");
	write_text(latest, "b");
	arrive("s", remote_poll('1'));
	end_turn();
	assert_seen("1<a[\"a\",\"b\"] 1. ");
	assert_written("D1 M1@1=b . ");
}

/* Over this daemon's own HTTP nobody can be asked later: what is sent is gone. */
static void
test_local_receiver(void **state)
{
	(void)state;
	settled("s");
	write_text(latest, "a");
	end_turn();
	assert_written("M1@0=a . ");
	arrive("s", fake_stream('1'));
	end_turn();
	assert_seen("1<a[\"a\"] ");
	assert_written("X1<=0 . ");
}

/* What comes while a frame is on its way waits, and is stored behind it. */
static void
test_behind_a_frame(void **state)
{
	(void)state;
	settled("s");
	arrive("s", remote_poll('1'));
	write_text(latest, "a");
	end_turn();
	assert_written("");
	arrive("s", remote_poll('2'));
	write_text(latest, "b");
	end_turn();
	assert_seen("1<a[\"a\"] 1. ");
	assert_written("M1@1=b . ");
	write_text(latest, "c");
	end_turn();
	assert_written("M1@2=c . ");
	delivery_confirm(&flight);
	end_turn();
	assert_seen("2<a[\"b\",\"c\"] 2. ");
	assert_written("D1 . ");
}

static void
test_end_of_a_session(void **state)
{
	(void)state;
	settled("s");
	write_text(latest, "a");
	end_turn();
	assert_written("M1@0=a . ");
	pass_turns(DISCONNECT_DELAY);
	assert_seen("- ");
	assert_written("F1 . ");
	restart();
	assert_seen("");
	assert_false(is_known("s"));
}

static void
test_close(void **state)
{
	(void)state;
	settled("s");
	sockjs_close(latest, 3000, "Go away!");
	end_turn();
	assert_written("S1 . ");
	arrive("s", remote_poll('1'));
	end_turn();
	assert_seen("1<c[3000,\"Go away!\"] 1. - ");
	assert_written("S1 . "); /* it lingers */
	arrive("s", remote_poll('2'));
	end_turn();
	assert_seen("2<c[3000,\"Go away!\"] 2. ");
	assert_written("");
}

/* What may wait goes with whatever is committed, or when it is in a hurry. */
static void
test_late_goes_along(void **state)
{
	(void)state;
	settled("s");
	arrive("t", remote_poll('1'));
	end_turn();
	delivery_confirm(&flight);
	buffer_clear(&written);
	write_text((sockjs_connection){find("s")->handle}, "a");
	end_turn();
	assert_written("M1@0=a D2 . ");
	pass_turns(2 * LATE_DELAY);
	assert_written("");

	arrive("u", remote_poll('2'));
	end_turn();
	delivery_confirm(&flight);
	buffer_clear(&written);
	journal_hurry(&sessions.journal);
	end_turn();
	assert_written("D3 . ");
}

static void
test_pending(void **state)
{
	(void)state;
	settled("s");
	assert_false(sessions.journal.is_touched);
	write_text(latest, "a");
	assert_true(sessions.journal.is_touched);
	end_turn();
	assert_false(sessions.journal.is_touched);
}

/* --- frames that do not arrive ---------------------------------------------------------------- */

static void
test_put_back(void **state)
{
	(void)state;
	settled("s");
	write_text(latest, "a");
	write_text(latest, "b");
	arrive("s", remote_poll('1'));
	write_text(latest, "c");
	end_turn();
	assert_seen("1<a[\"a\",\"b\"] 1. ");
	assert_written("M1@2=c . ");
	delivery_put_back(&flight);
	assert_null(flight);
	end_turn();
	assert_written("M1@0=a M1@1=b . ");
	arrive("s", remote_poll('2'));
	assert_seen("2<a[\"a\",\"b\",\"c\"] 2. ");
}

static void
test_put_back_what_was_stored(void **state)
{
	(void)state;
	settled("s");
	write_text(latest, "a");
	end_turn();
	arrive("s", remote_poll('1'));
	end_turn();
	buffer_clear(&written);
	delivery_put_back(&flight);
	end_turn();
	assert_written("D1 . ");
	restart();
	arrive("s", remote_poll('2'));
	assert_seen("~ 2<a[\"a\"] 2. ");
}

static void
test_put_back_to_one_who_waits(void **state)
{
	(void)state;
	settled("s");
	arrive("s", remote_poll('1'));
	write_text(latest, "a");
	end_turn();
	arrive("s", remote_poll('2'));
	assert_seen("1<a[\"a\"] 1. ");
	delivery_put_back(&flight);
	end_turn();
	assert_seen("2<a[\"a\"] 2. ");
}

static void
test_open_put_back(void **state)
{
	(void)state;
	arrive("s", remote_poll('1'));
	write_text(latest, "a");
	end_turn();
	delivery_put_back(&flight);
	end_turn();
	assert_seen("1<o 1. + ");
	arrive("s", remote_poll('2'));
	end_turn();
	assert_seen("2<o 2. "); /* the application has it already */
	delivery_confirm(&flight);
	arrive("s", remote_poll('3'));
	assert_seen("3<a[\"a\"] 3. ");
}

/* The responder's connection broke: it is asked when it is back, for a while. */
static void
test_await(void **state)
{
	(void)state;
	settled("s");
	arrive("s", remote_poll('1'));
	write_text(latest, "a");
	end_turn();
	delivery_await(&flight);
	assert_null(flight);
	arrive("s", remote_poll('2'));
	pass_turns(SESSION_GRACE_DELAY - 1);
	assert_seen("1<a[\"a\"] 1. ");
	delivery_resolve(&sessions, OTHER_LINK, 100);
	end_turn();
	assert_seen("");
	pass_turns(1);
	assert_seen("2<a[\"a\"] 2. ");
}

static void
test_resolve(void **state)
{
	(void)state;
	settled("s");
	write_text(latest, "a");
	arrive("s", remote_poll('1'));
	end_turn();
	delivery_await(&flight);
	delivery_resolve(&sessions, LINK, frames - 1);
	arrive("s", remote_poll('2'));
	end_turn();
	delivery_await(&flight);
	delivery_resolve(&sessions, LINK, frames);
	arrive("s", remote_poll('3'));
	pass_turns(SESSION_GRACE_DELAY);
	assert_seen("1<a[\"a\"] 1. 2<a[\"a\"] 2. ");
}

/* The responder forgets the link, so that a later daemon could not ask: it is stored at once. */
static void
test_resolve_cannot_wait(void **state)
{
	(void)state;
	settled("s");
	write_text(latest, "a");
	arrive("s", remote_poll('1'));
	end_turn();
	delivery_await(&flight);
	end_turn();
	buffer_clear(&written);
	delivery_resolve(&sessions, LINK, frames);
	end_turn();
	assert_written("X1<=0 D1 . ");
}

/* The session may end while a frame is on its way, or awaited. */
static void
test_end_in_flight(void **state)
{
	(void)state;
	settled("s");
	arrive("s", remote_poll('1'));
	write_text(latest, "a");
	end_turn();
	session_abort(find("s"));
	assert_null(flight);
	settled("t");
	arrive("t", remote_poll('2'));
	write_text(latest, "b");
	end_turn();
	delivery_await(&flight);
	session_abort(find("t"));
	end_turn();
	pass_turns(2 * SESSION_GRACE_DELAY);
	delivery_resolve(&sessions, LINK, frames);
	assert_seen("2<a[\"b\"] 2. - ");
}

/* --- ids of sends ----------------------------------------------------------------------------- */

/* The session after a restart. Its flight is resolved as not having arrived. */
static bool
remembers(const char *id, uint64_t sequence)
{
	restart();
	buffer_clear(&seen);
	return sent_ids_has(find(id)->sent_ids, 1, sequence);
}

/* The poll has what the send caused, but a crash may undo its write: it is stored with the id. */
static void
test_send_while_a_poll_waits(void **state)
{
	(void)state;
	hooks.data = echo;
	settled("s");
	arrive("s", remote_poll('1'));
	send_text(find("s"), 5, "a");
	end_turn();
	assert_seen("=a 1<a[\"a\"] 1. ");
	assert_written("D1 M1@0=a . ");
	assert_true(remembers("s", 5));
	delivery_resolve(&sessions, LINK, 1);
	arrive("s", remote_poll('2'));
	assert_seen("2<a[\"a\"] 2. ");
}

/* Messages that the session of that id would still deliver if the daemon were killed now. */
static uint32_t
messages_after_a_kill(const char *id)
{
	const struct session *session;

	restart();
	buffer_clear(&seen);
	session = find(id);
	return session->queue.count + (session->in_flight == NULL ? 0 : session->in_flight->count);
}

/* A frame that comes back leaves again in the same turn, in a write that may not happen. */
static void
test_back_and_out_again(void **state)
{
	(void)state;
	hooks.data = echo;
	settled("s");
	arrive("s", remote_poll('1'));
	send_text(find("s"), 5, "a");
	end_turn();
	arrive("s", remote_poll('2'));
	delivery_put_back(&flight);
	end_turn();
	assert_seen("=a 1<a[\"a\"] 1. 2<a[\"a\"] 2. ");
	assert_int_equal(messages_after_a_kill("s"), 1);
}

/* The same without a send: what the application wrote by itself is not lost either. */
static void
test_written_back_and_out_again(void **state)
{
	(void)state;
	settled("s");
	arrive("s", remote_poll('1'));
	write_text(latest, "a");
	end_turn();
	assert_written("");
	arrive("s", remote_poll('2'));
	delivery_put_back(&flight);
	end_turn();
	assert_seen("1<a[\"a\"] 1. 2<a[\"a\"] 2. ");
	assert_int_equal(messages_after_a_kill("s"), 1);
}

/*
 * A responder is gone with a frame: nobody knows yet whether it arrived, and the daemon may go too.
 */
static void
test_awaited_is_stored(void **state)
{
	(void)state;
	settled("s");
	arrive("s", remote_poll('1'));
	write_text(latest, "a");
	end_turn();
	assert_written("");
	delivery_await(&flight);
	end_turn();
	assert_written("D1 M1@0=a . ");
	assert_int_equal(messages_after_a_kill("s"), 1);
}

static void
test_sends_by_two_responders(void **state)
{
	(void)state;
	settled("s");
	settled("t");
	send_text(find("s"), 5, "a");
	send_text(find("t"), 6, "a");
	end_turn();
	assert_written("D2 D1 . ");
	assert_true(remembers("s", 5));
	assert_true(remembers("t", 6));
}

/* One without an id, whose answer leaves by another way than what it caused. */
static void
test_send_past_the_responder(void **state)
{
	(void)state;
	hooks.data = echo;
	settled("s");
	arrive("s", remote_poll('1'));
	journal_note_send(&sessions.journal);
	receive_text(find("s"), "a");
	end_turn();
	assert_seen("=a 1<a[\"a\"] 1. ");
	assert_written("D1 M1@0=a . ");
	assert_int_equal(messages_after_a_kill("s"), 1);
}

/* With nothing in flight it costs nothing. */
static void
test_send_that_causes_nothing(void **state)
{
	(void)state;
	settled("s");
	journal_note_send(&sessions.journal);
	receive_text(find("s"), "a");
	end_turn();
	assert_written("");
}

static void
test_send_that_is_queued(void **state)
{
	(void)state;
	hooks.data = echo;
	settled("s");
	send_text(find("s"), 5, "a");
	end_turn();
	assert_written("D1 M1@0=a . ");
	assert_true(remembers("s", 5));
	assert_false(sent_ids_has(find("s")->sent_ids, 1, 4));
}

/* What a send caused in another session is stored: then its id is, too. */
static void
test_send_to_another_session(void **state)
{
	sockjs_connection other;

	(void)state;
	settled("s");
	other = latest;
	settled("t");
	send_text(find("t"), 5, "a");
	write_text(other, "b");
	end_turn();
	assert_written("M1@0=b D2 . ");
	assert_true(remembers("t", 5));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    PERSISTENCE_TEST(open),
	    PERSISTENCE_TEST(owed_open),
	    PERSISTENCE_TEST(websockets_are_not_stored),
	    PERSISTENCE_TEST(delivered_in_its_turn),
	    PERSISTENCE_TEST(queued),
	    PERSISTENCE_TEST(stored_and_new_in_one_frame),
	    PERSISTENCE_TEST(local_receiver),
	    PERSISTENCE_TEST(behind_a_frame),
	    PERSISTENCE_TEST(end_of_a_session),
	    PERSISTENCE_TEST(close),
	    PERSISTENCE_TEST(late_goes_along),
	    PERSISTENCE_TEST(pending),
	    PERSISTENCE_TEST(put_back),
	    PERSISTENCE_TEST(put_back_what_was_stored),
	    PERSISTENCE_TEST(put_back_to_one_who_waits),
	    PERSISTENCE_TEST(open_put_back),
	    PERSISTENCE_TEST(await),
	    PERSISTENCE_TEST(resolve),
	    PERSISTENCE_TEST(resolve_cannot_wait),
	    PERSISTENCE_TEST(end_in_flight),
	    PERSISTENCE_TEST(send_while_a_poll_waits),
	    PERSISTENCE_TEST(back_and_out_again),
	    PERSISTENCE_TEST(written_back_and_out_again),
	    PERSISTENCE_TEST(awaited_is_stored),
	    PERSISTENCE_TEST(sends_by_two_responders),
	    PERSISTENCE_TEST(send_past_the_responder),
	    PERSISTENCE_TEST(send_that_causes_nothing),
	    PERSISTENCE_TEST(send_that_is_queued),
	    PERSISTENCE_TEST(send_to_another_session),
	};

	log_open("test_persistence", SEVERITY_ERROR);
	return cmocka_run_group_tests_name("persistence", tests, folder_setup, folder_teardown);
}
