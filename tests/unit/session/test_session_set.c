/*
 * sessiond/session/session_set.c: who may join, and the buffer that all share.
 */
#include "sessiond/session/session_set.h"
#include "tests/unit/session/session_fixture.h"

static void
test_refusal(void **state)
{
	const struct sockaddr_in one = {.sin_family = AF_INET, .sin_addr = {htonl(0x0a000001)}};
	const struct sockaddr_in two = {.sin_family = AF_INET, .sin_addr = {htonl(0x0a000002)}};
	const struct sockaddr *from_one = (const struct sockaddr *)(const void *)&one;
	const struct sockaddr *from_two = (const struct sockaddr *)(const void *)&two;
	struct session *session;

	(void)state;
	sessions.limit = 2;
	sessions.limit_per_address = 1;
	assert_null(sessions_refusal(&sessions, from_one, true));
	session = arrive("s", fake_poll('1'));
	session_count_address(session, from_one);
	assert_string_equal(
	    sessions_refusal(&sessions, from_one, true), "Too many sessions from your address.\n");
	assert_null(sessions_refusal(&sessions, from_two, true));
	arrive("t", fake_stream('2'));
	assert_string_equal(sessions_refusal(&sessions, from_two, true), "Too many sessions.\n");
	pass(DISCONNECT_DELAY); /* s ends */
	assert_null(sessions_refusal(&sessions, from_one, true));
	sessions.closing = true;
	assert_string_equal(
	    sessions_refusal(&sessions, from_two, true), "The server is stopping.\n");
}

/* A websocket has nothing to do with the store: neither its failure nor the next daemon. */
static void
test_refusal_with_store(void **state)
{
	(void)state;
	sessions.journal.is_kept = true;
	sessions.closing = true;
	assert_null(sessions_refusal(&sessions, NULL, true));
	assert_string_equal(sessions_refusal(&sessions, NULL, false), "The server is stopping.\n");
	sessions.closing = false;
	sessions.journal.is_failing = true;
	assert_string_equal(
	    sessions_refusal(&sessions, NULL, true), "Sessions cannot be stored.\n");
	assert_null(sessions_refusal(&sessions, NULL, false));
}

static void
test_trim_scratch(void **state)
{
	(void)state;
	buffer_append_str(&sessions.scratch, "x");
	sessions_trim_scratch(&sessions);
	assert_int_equal(sessions.scratch.len, 0);
	assert_int_not_equal(sessions.scratch.room, 0);
	assert_non_null(buffer_reserve(&sessions.scratch, 2 << 20));
	sessions_trim_scratch(&sessions);
	assert_int_equal(sessions.scratch.room, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    SESSION_TEST(refusal),
	    SESSION_TEST(refusal_with_store),
	    SESSION_TEST(trim_scratch),
	};

	return cmocka_run_group_tests_name("session_set", tests, NULL, NULL);
}
