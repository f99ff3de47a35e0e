/*
 * sessiond/session/delivery.c and in_flight.c: what becomes of a frame, as its session and its
 * owner see it. What the store is told of it is tests/unit/persistence's.
 */
#include "sessiond/session/in_flight.h"
#include "tests/unit/session/session_fixture.h"

enum { LINK = 7, OTHER_LINK = 8 };

static struct in_flight *carried; /* what the request of fake `1` has */

/* A session without a receiver, for which these are queued. */
static struct session *
waiting(const char *id, const char *text, const char *more)
{
	struct session *session = arrive(id, fake_poll('1'));

	write_text(latest, text);
	if (more != NULL)
		write_text(latest, more);
	turn();
	buffer_clear(&seen);
	return session;
}

/* What the next poll gets. */
static void
assert_next(const char *id, const char *frame)
{
	struct fake_receiver *poll = fake_poll('2');

	arrive(id, poll);
	turn();
	assert_seen(frame);
	if (poll->receiver.session != NULL)
		session_release_receiver(poll->receiver.session);
	buffer_clear(&seen);
}

static void
test_take(void **state)
{
	struct session *session = waiting("s", "a", "b");
	uint64_t first = session->queue.first;

	(void)state;
	delivery_take(session, &carried);
	assert_ptr_equal(carried, session->in_flight);
	assert_int_equal(carried->count, 2);
	assert_int_equal(carried->first, first);
	assert_true(carried->is_fresh);
	assert_false(carried->is_open || carried->must_store);
	assert_int_equal(session->queue.count, 0);
	/* Nothing overtakes it. */
	sockjs_write(latest, "c", 1);
	assert_next("s", "");
}

static void
test_confirm(void **state)
{
	struct session *session = waiting("s", "a", NULL);

	(void)state;
	delivery_take(session, &carried);
	write_text(latest, "b");
	arrive("s", fake_poll('2'));
	turn();
	delivery_confirm(&carried);
	assert_null(carried);
	assert_null(session->in_flight);
	delivery_confirm(&carried);
	assert_seen("");
	turn();
	assert_seen("2<a[\"b\"] 2. ");
}

static void
test_put_back(void **state)
{
	struct session *session = waiting("s", "a", "b");
	uint64_t first = session->queue.first;

	(void)state;
	delivery_take(session, &carried);
	write_text(latest, "c");
	delivery_put_back(&carried);
	assert_null(carried);
	assert_null(session->in_flight);
	delivery_put_back(&carried);
	assert_int_equal(session->queue.first, first);
	assert_next("s", "2<a[\"a\",\"b\",\"c\"] 2. ");
}

/* The close frame is the last: it does not overtake either. */
static void
test_close(void **state)
{
	struct session *session = waiting("s", "a", NULL);

	(void)state;
	delivery_take(session, &carried);
	sockjs_close(latest, 3001, "bye");
	arrive("s", fake_poll('2'));
	turn();
	assert_seen("");
	delivery_confirm(&carried);
	turn();
	assert_seen("2<c[3001,\"bye\"] 2. - ");
}

static void
test_open(void **state)
{
	struct session *session = waiting("s", "a", NULL);

	(void)state;
	delivery_take_open(session, &carried);
	assert_true(carried->is_open && carried->must_store);
	assert_int_equal(session->queue.count, 1);
	assert_next("s", "");
	delivery_put_back(&carried);
	assert_next("s", "2<o 2. ");
	assert_next("s", "2<a[\"a\"] 2. ");
}

/* The responder does not come back in time. */
static void
test_grace(void **state)
{
	struct session *session = waiting("s", "a", NULL);

	(void)state;
	delivery_take(session, &carried);
	delivery_await(&carried);
	assert_null(carried);
	assert_true(session->in_flight->must_store);
	delivery_await(&carried);
	pass(SESSION_GRACE_DELAY - 1);
	assert_next("s", "");
	pass(1);
	assert_next("s", "2<a[\"a\"] 2. ");
}

/* It does: frames up to the second have arrived. */
static void
test_resolve(void **state)
{
	static const char *const ids[] = {"1", "2", "3", "4"};
	static const uint64_t links[] = {LINK, LINK, LINK, OTHER_LINK}, indexes[] = {1, 2, 3, 1};
	struct session *sessions_of[4];
	size_t i;

	(void)state;
	for (i = 0; i < 4; i++) {
		sessions_of[i] = waiting(ids[i], "a", NULL);
		delivery_take(sessions_of[i], &carried);
		carried->link_id = links[i];
		carried->index = indexes[i];
		delivery_await(&carried);
	}
	delivery_resolve(&sessions, LINK, 2);
	for (i = 0; i < 3; i++)
		assert_null(sessions_of[i]->in_flight);
	assert_non_null(sessions_of[3]->in_flight);
	assert_int_equal(sessions_of[0]->queue.count + sessions_of[1]->queue.count, 0);
	assert_int_equal(sessions_of[2]->queue.count, 1);
	delivery_resolve(&sessions, LINK, 3);
	assert_int_equal(sessions_of[2]->queue.count, 1);
	delivery_resolve(&sessions, OTHER_LINK, 0);
	assert_int_equal(sessions_of[3]->queue.count, 1);
	assert_true(LIST_EMPTY(&sessions.awaits));
}

static void
test_restore(void **state)
{
	struct session *session = waiting("s", "a", "b");

	(void)state;
	delivery_restore(session, 1, LINK, 5);
	assert_false(session->in_flight->is_fresh);
	assert_int_equal(session->queue.count, 1);
	delivery_resolve(&sessions, LINK, 4);
	assert_next("s", "2<a[\"a\",\"b\"] 2. ");
}

/* The daemon stops: what a responder has is asked for later, what went over HTTP is lost. */
static void
test_leave(void **state)
{
	struct session *session = waiting("s", "a", NULL);

	(void)state;
	delivery_leave(session);
	delivery_take(session, &carried);
	carried->link_id = LINK;
	delivery_leave(session);
	assert_ptr_equal(session->in_flight, carried);
	assert_true(carried->must_store);
	carried->link_id = 0;
	delivery_leave(session);
	assert_null(carried);
	assert_int_equal(session->queue.count, 1);
}

/* Whoever ends first leaves no pointer behind. */
static void
test_session_ends(void **state)
{
	struct session *session = waiting("s", "a", NULL);

	(void)state;
	delivery_take(session, &carried);
	session_abort(session);
	assert_null(carried);
	session = waiting("t", "a", NULL);
	delivery_take(session, &carried);
	delivery_await(&carried);
	session_abort(session);
	assert_true(LIST_EMPTY(&sessions.awaits));
	pass(SESSION_GRACE_DELAY);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    SESSION_TEST(take),
	    SESSION_TEST(confirm),
	    SESSION_TEST(put_back),
	    SESSION_TEST(close),
	    SESSION_TEST(open),
	    SESSION_TEST(grace),
	    SESSION_TEST(resolve),
	    SESSION_TEST(restore),
	    SESSION_TEST(leave),
	    SESSION_TEST(session_ends),
	};

	return cmocka_run_group_tests_name("delivery", tests, NULL, NULL);
}
