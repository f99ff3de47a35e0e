/*
 * sessiond/session/admission.h, for modules that answer later: who waits, what ends the wait, and
 * what the module hears of it.
 */
#include "tests/unit/session/session_fixture.h"

#include "sessiond/session/admission.h"
#include "tests/unit/log_capture.h"

static struct admission_refusal refusal;

static int
set_up(void **state)
{
	fixture_set_up(state);
	service->application = &later_application;
	sessions.limit = 100;
	return 0;
}

/* 1!503 in what is seen: the client of receiver 1 is refused with that. */
static void
decided(struct receiver *receiver, struct session *session, const struct admission_refusal *given)
{
	struct fake_receiver *fake = fake_of(receiver);

	assert_null(receiver->session);
	if (session == NULL) {
		refusal = *given;
		buffer_printf(&seen, "%c!%d ", fake->name, given->status);
		return;
	}
	assert_null(given);
	fake->receiver.ops = &shared_ops;
	session_arrive(session, receiver, NULL);
}

static const struct receiver_ops waiting_ops = {.decided = decided};

/* A receiving request; whether it has to wait. */
static bool
request(const char *id, char name)
{
	struct fake_receiver *poll = fake_receiver(name, TRANSPORT_XHR_POLLING, &waiting_ops);
	struct session *session = admission_obtain(
	    service, id, strlen(id), poll->receiver.transport, &fake_source, &refusal);

	assert_non_null(session);
	if (admission_must_wait(session, &poll->receiver))
		return true;
	poll->receiver.ops = &shared_ops;
	session_arrive(session, &poll->receiver, &fake_source);
	return false;
}

static struct receiver *
latest_receiver(void)
{
	return &receivers[receiver_count - 1].receiver;
}

static int
status_of_send(const char *id)
{
	refusal.status = 0;
	admission_find(service, id, strlen(id), NULL, &refusal);
	return refusal.status;
}

static void
assert_nothing_is_left(void)
{
	turn();
	assert_int_equal(sessions.count, 0);
	assert_int_equal(service->users, 0);
	assert_int_equal(sockjs_ready_state(candidate), SOCKJS_CLOSED);
	assert_int_equal(sockjs_admit(candidate, 0), SOCKJS_GONE);
}

static void
test_let_in(void **state)
{
	(void)state;
	assert_true(request("s", '1'));
	assert_int_equal(sockjs_ready_state(candidate), SOCKJS_CONNECTING);
	assert_int_equal(write_text(candidate, "early"), SOCKJS_OK);
	turn();
	assert_seen("");
	assert_int_equal(sockjs_admit(candidate, 0), SOCKJS_OK);
	assert_seen(""); /* the module is not called from within its call */
	assert_true(turn_is_due(&sessions));
	turn();
	assert_seen("1<o + 1<a[\"early\"] ");
	assert_int_equal(latest.handle, candidate.handle);
	pass(AUTHORIZE_TIMEOUT);
	assert_int_equal(sockjs_ready_state(candidate), SOCKJS_OPEN);
	session_abort(session_find(service, "s", 1));
	assert_seen("1. - ");
}

static void
test_refused(void **state)
{
	static const int statuses[] = {400, 401, 599};

	(void)state;
	for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
		assert_true(request("s", '1'));
		assert_int_equal(sockjs_admit(candidate, statuses[i]), SOCKJS_OK);
		turn();
		assert_int_equal(refusal.status, statuses[i]);
		assert_nothing_is_left();
	}
	assert_string_equal(refusal.text, "Refused\n");
	assert_seen("- 1!400 - 1!401 - 1!599 ");
}

static void
answer_too_early(sockjs_connection connection)
{
	assert_int_equal(sockjs_admit(connection, 0), SOCKJS_INVALID);
}

static void
test_mistakes(void **state)
{
	static const int statuses[] = {-1, SOCKJS_LATER, 200, 399, 600};

	(void)state;
	hooks.authorize = answer_too_early;
	assert_true(request("s", '1'));
	for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++)
		assert_int_equal(sockjs_admit(candidate, statuses[i]), SOCKJS_INVALID);
	assert_int_equal(sockjs_admit(candidate, 0), SOCKJS_OK);
	assert_int_equal(sockjs_admit(candidate, 403), SOCKJS_INVALID);
	turn();
	assert_int_equal(sockjs_admit(candidate, 403), SOCKJS_INVALID);
	assert_int_equal(sockjs_ready_state(candidate), SOCKJS_OPEN);
	assert_int_equal(sockjs_admit(SOCKJS_NOBODY, 0), SOCKJS_GONE);
	assert_seen("1<o + ");
}

/* While somebody waits, others of the same id neither get in nor can send. */
static void
test_others_meanwhile(void **state)
{
	(void)state;
	assert_true(request("s", '1'));
	assert_false(request("s", '2'));
	assert_seen("2<c[2010,\"Another connection still open\"] 2. ");
	assert_int_equal(status_of_send("s"), 404);
	sockjs_admit(candidate, 0);
	turn();
	assert_int_equal(status_of_send("s"), 0);
	assert_seen("1<o + ");
}

static void
test_client_leaves(void **state)
{
	(void)state;
	assert_true(request("s", '1'));
	session_receiver_broke(latest_receiver());
	assert_seen("- ");
	assert_nothing_is_left();
	assert_true(request("s", '1'));
	assert_int_equal(sockjs_admit(candidate, 0), SOCKJS_OK);
	session_receiver_broke(latest_receiver()); /* before it is told */
	assert_nothing_is_left();
	assert_seen("- ");
}

static void
test_module_never_answers(void **state)
{
	(void)state;
	assert_true(request("s", '1'));
	pass(AUTHORIZE_TIMEOUT - 1);
	assert_seen("");
	capture_begin_later();
	pass(1);
	assert_non_null(strstr(capture_end(), "/echo: authorize_timeout (10000 ms) reached"));
	assert_seen("- 1!503 ");
	assert_string_equal(refusal.text, "The application does not answer.\n");
	assert_int_equal(sessions.limits.reached[LIMIT_AUTHORIZE], 1);
	assert_nothing_is_left();
}

/* As after a reload: who waits keeps the time that he was given. */
static void
test_other_timeout(void **state)
{
	struct sockjs_service *other;
	struct error err = ERROR_INIT;

	(void)state;
	assert_true(request("s", '1'));
	other = service_create("/echo", &err);
	other->protocol.options = service->protocol.options;
	other->protocol.options.authorize_timeout = 1000;
	service_reconfigure(service, other);
	assert_true(request("t", '2'));
	pass(1000);
	assert_seen("- 2!503 ");
	pass(AUTHORIZE_TIMEOUT - 1000);
	assert_seen("- 1!503 ");
	service_destroy(&other);
}

static void
test_daemon_stops(void **state)
{
	(void)state;
	assert_true(request("s", '1'));
	assert_true(request("t", '2'));
	sockjs_admit(candidate, 0);
	admission_end_all(&sessions, "The server is stopping.\n");
	assert_seen("- 1!503 - 2!503 ");
	assert_nothing_is_left();
	/* Only stored sessions begin then, and those are asked for; but nobody waits any more. */
	sessions.closing = true;
	sessions.journal.is_kept = true;
	assert_null(admission_obtain(
	    service, "s", 1, transport_get(TRANSPORT_XHR_POLLING), &fake_source, &refusal));
	assert_int_equal(refusal.status, 503);
	assert_seen("- ");
	assert_nothing_is_left();
}

/* The daemon ends at once: nobody is told but the module. */
static void
test_abort(void **state)
{
	(void)state;
	assert_true(request("s", '1'));
	session_abort(session_find(service, "s", 1));
	assert_seen("- ");
	assert_null(latest_receiver()->session);
	assert_nothing_is_left();
}

static void
test_service_is_retired(void **state)
{
	(void)state;
	assert_true(request("s", '1'));
	admission_end_retired(&sessions);
	assert_seen("");
	service->is_retired = true;
	admission_end_retired(&sessions);
	assert_seen("- 1!503 ");
	assert_nothing_is_left();
}

static void
test_counts_as_a_session(void **state)
{
	(void)state;
	sessions.limit = 1;
	assert_true(request("s", '1'));
	assert_null(admission_obtain(
	    service, "t", 1, transport_get(TRANSPORT_XHR_POLLING), &fake_source, &refusal));
	assert_string_equal(refusal.text, "Too many sessions.\n");
}

/* Refusals count as guesses; of who has made too many, all that wait are refused alike. */
static void
test_guesses(void **state)
{
	(void)state;
	sessions.limits.guesses.a_minute = 1;
	assert_true(request("s", '1'));
	assert_int_equal(sockjs_admit(candidate, 400), SOCKJS_OK);
	assert_true(request("t", '2'));
	assert_int_equal(sockjs_admit(candidate, 403), SOCKJS_OK);
	assert_true(request("u", '3'));
	assert_int_equal(sockjs_admit(candidate, 0), SOCKJS_OK);
	turn();
	assert_seen("- 1!400 - 2!403 - 3!429 ");
	assert_null(admission_obtain(
	    service, "v", 1, transport_get(TRANSPORT_XHR_POLLING), &fake_source, &refusal));
	assert_int_equal(refusal.status, 429);
}

#define LATER_TEST(name) cmocka_unit_test_setup_teardown(test_##name, set_up, fixture_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    LATER_TEST(let_in),
	    LATER_TEST(refused),
	    LATER_TEST(mistakes),
	    LATER_TEST(others_meanwhile),
	    LATER_TEST(client_leaves),
	    LATER_TEST(module_never_answers),
	    LATER_TEST(other_timeout),
	    LATER_TEST(daemon_stops),
	    LATER_TEST(abort),
	    LATER_TEST(service_is_retired),
	    LATER_TEST(counts_as_a_session),
	    LATER_TEST(guesses),
	};

	return cmocka_run_group_tests_name("admission_later", tests, NULL, NULL);
}
