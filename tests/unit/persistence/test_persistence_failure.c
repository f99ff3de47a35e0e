/*
 * sessiond/persistence/persistence.h with a store that fails: nothing is acknowledged that is not
 * stored, and nothing forgotten until it is.
 */
#include "tests/unit/persistence/persistence_fixture.h"

#include "tests/unit/log_capture.h"

#include "common/log.h"
#include "sessiond/session/delivery.h"
#include "sessiond/session/session_set.h"

static void
assert_refused(bool is_refused)
{
	const char *refusal = sessions_refusal(&sessions, NULL, true);

	assert_int_equal(sessions.journal.is_failing, is_refused);
	if (is_refused)
		assert_string_equal(refusal, "Sessions cannot be stored.\n");
	else
		assert_null(refusal);
}

static void
test_failure(void **state)
{
	const char *log;

	(void)state;
	settled("s");
	assert_refused(false);
	capture_begin();
	fail_store(2, STORE_FULL);
	write_text(latest, "a");
	assert_int_equal(end_turn(), COMMIT_FAILED);
	log = capture_end();
	assert_non_null(strstr(log, "the store cannot be written (it is full, or the disk is)"));
	assert_int_equal(count_lines(log), 1);
	assert_written("! ");
	assert_refused(true);
	/* It is not tried at each turn, but what changes is kept in mind. */
	write_text(latest, "b");
	assert_int_equal(end_turn(), COMMIT_FAILED);
	pass_turns(RETRY_DELAY - 1);
	assert_written("");
	capture_begin();
	pass_turns(1);
	assert_non_null(strstr(capture_end(), "the store can be written again"));
	assert_written("M1@0=a M1@1=b . ");
	assert_refused(false);
	write_text(latest, "c");
	assert_int_equal(end_turn(), COMMIT_DONE);
	restart();
	arrive("s", remote_poll('1'));
	assert_seen("~ 1<a[\"a\",\"b\",\"c\"] 1. ");
}

/* Meanwhile what is there is delivered, and not again afterwards. */
static void
test_delivery_while_it_fails(void **state)
{
	(void)state;
	settled("s");
	write_text(latest, "a");
	end_turn();
	fail_store(1, STORE_FAILED);
	write_text(latest, "b");
	capture_begin();
	assert_int_equal(end_turn(), COMMIT_FAILED);
	arrive("s", remote_poll('1'));
	assert_int_equal(end_turn(), COMMIT_FAILED);
	assert_seen("1<a[\"a\",\"b\"] 1. ");
	delivery_confirm(&flight);
	pass_turns(RETRY_DELAY);
	capture_end();
	buffer_clear(&written);
	restart();
	arrive("s", remote_poll('2'));
	assert_seen("~ ");
}

/* The end of a session is not forgotten either. */
static void
test_end_while_it_fails(void **state)
{
	(void)state;
	settled("s");
	capture_begin();
	fail_store(3, STORE_FAILED);
	session_abort(find("s"));
	assert_int_equal(end_turn(), COMMIT_FAILED);
	assert_written("F1 ! ");
	pass_turns(RETRY_DELAY);
	capture_end();
	assert_written("F1 . ");
	restart();
	assert_false(is_known("s"));
}

/* A turn of which nothing is to be stored does not need the store. */
static void
test_nothing_to_store_fails_not(void **state)
{
	(void)state;
	settled("s");
	fail_store(1, STORE_FAILED);
	arrive("s", remote_poll('1'));
	write_text(latest, "a");
	assert_int_equal(end_turn(), COMMIT_DONE);
	assert_refused(false);
}

/* Sessions with what is queued, on its way, remembered and closed; then the store is damaged. */
static void
fill_sessions(void)
{
	settled("queued");
	write_text(latest, "a");
	settled("in flight");
	write_text(latest, "b");
	end_turn();
	arrive("in flight", remote_poll('1'));
	settled("sent");
	send_text(find("sent"), 5, "c");
	settled("closed");
	sockjs_close(latest, 3000, "x");
	end_turn();
	buffer_clear(&seen);
	buffer_clear(&written);
}

static void
assert_sessions_filled(void)
{
	restart();
	assert_seen("~ ~ ~ ~ ");
	arrive("queued", remote_poll('1'));
	assert_seen("1<a[\"a\"] 1. ");
	arrive("in flight", remote_poll('2'));
	assert_seen("");
	pass_turns(SESSION_GRACE_DELAY);
	assert_seen("2<a[\"b\"] 2. ");
	assert_true(sent_ids_has(find("sent")->sent_ids, 1, 5));
	arrive("closed", remote_poll('3'));
	assert_seen("3<c[3000,\"x\"] 3. - ");
}

static void
test_damage(void **state)
{
	(void)state;
	fill_sessions();
	capture_begin();
	fail_store(2, STORE_DAMAGED);
	write_text((sockjs_connection){find("sent")->handle}, "d");
	assert_int_equal(end_turn(), COMMIT_DONE);
	assert_non_null(strstr(capture_end(), "the store is damaged"));
	assert_non_null(strstr((buffer_append_char(&written, '\0'), written.data), "(anew) "));
	assert_refused(false);
	assert_sessions_filled();
}

/*
 * All that is there is stored anew, also a frame that would not have been; when it arrives, that is
 * known of it, too.
 */
static void
test_damage_with_a_frame_on_its_way(void **state)
{
	sockjs_connection other;

	(void)state;
	settled("t");
	other = latest;
	settled("s");
	arrive("s", remote_poll('1'));
	write_text(latest, "a");
	write_text(other, "b");
	capture_begin();
	fail_store(2, STORE_DAMAGED);
	assert_int_equal(end_turn(), COMMIT_DONE);
	capture_end();
	delivery_confirm(&flight);
	pass_turns(LATE_DELAY);
	restart();
	arrive("s", remote_poll('2'));
	pass_turns(SESSION_GRACE_DELAY);
	assert_seen("~ ~ ");
}

/* A frame whose messages had been stored is stored anew, though its own turn asks for nothing. */
static void
test_damage_while_stored_messages_leave(void **state)
{
	(void)state;
	settled("s");
	write_text(latest, "a");
	end_turn();
	arrive("s", remote_poll('1'));
	capture_begin();
	fail_store(1, STORE_DAMAGED);
	assert_int_equal(end_turn(), COMMIT_DONE);
	capture_end();
	restart();
	arrive("s", remote_poll('2'));
	pass_turns(SESSION_GRACE_DELAY);
	assert_seen("~ 2<a[\"a\"] 2. ");
}

/* The fresh one has no room at first. */
static void
test_damage_and_failure(void **state)
{
	(void)state;
	fill_sessions();
	capture_begin();
	spy.after_replacing = STORE_FULL;
	fail_store(2, STORE_DAMAGED);
	write_text((sockjs_connection){find("sent")->handle}, "d");
	assert_int_equal(end_turn(), COMMIT_FAILED);
	assert_refused(true);
	pass_turns(RETRY_DELAY);
	capture_end();
	assert_refused(false);
	assert_sessions_filled();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    PERSISTENCE_TEST(failure),
	    PERSISTENCE_TEST(delivery_while_it_fails),
	    PERSISTENCE_TEST(end_while_it_fails),
	    PERSISTENCE_TEST(nothing_to_store_fails_not),
	    PERSISTENCE_TEST(damage),
	    PERSISTENCE_TEST(damage_with_a_frame_on_its_way),
	    PERSISTENCE_TEST(damage_while_stored_messages_leave),
	    PERSISTENCE_TEST(damage_and_failure),
	};

	log_open("test_persistence", SEVERITY_ERROR);
	return cmocka_run_group_tests_name(
	    "persistence_failure", tests, folder_setup, folder_teardown);
}
