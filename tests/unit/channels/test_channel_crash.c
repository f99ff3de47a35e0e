/*
 * The daemon is killed at each step of the transaction in which a turn publishes, subscribes, joins
 * and leaves: the next one finds all of the turn, or nothing of it.
 */
#include "tests/unit/channels/channels_fixture.h"

enum { STEPS_MAX = 40 };

static void
join(const char *client, const char *channel, const char *id)
{
	const sockjs_member member = {id, "info", 4};

	assert_int_equal(
	    sockjs_channel_join(connection_of(client), channel, &member, NULL, NULL), SOCKJS_OK);
}

/* What was committed before: `a` is Ann and has heard one message, `b` is Bob. */
static void
begin_story(void)
{
	set_history(HISTORY);
	open_client("a");
	open_client("b");
	join("a", "room", "ann");
	join("b", "room", "bob");
	subscribe("a", "old");
	must_publish("room", "1");
	buffer_clear(&seen);
}

/* The turn: one more message and channel, Ann leaves, Bob is in another room, a channel ends. */
static void
tell_story(void)
{
	assert_int_equal(publish("room", "2"), SOCKJS_OK);
	assert_int_equal(publish("news", "x"), SOCKJS_OK);
	subscribe("b", "news");
	sockjs_channel_unsubscribe(connection_of("a"), "room");
	join("b", "tea", "bob");
	join("a", "tea", "ann");
	sockjs_channel_unsubscribe(connection_of("a"), "old");
}

static void
note_member(const sockjs_member *member, void *data)
{
	buffer_printf(data, "%s ", member->id);
}

static void
expect_room(const char *channel, size_t subscribers, size_t members, uint64_t offset)
{
	struct buffer text = BUFFER_INIT;

	assert_int_equal(sockjs_channel_subscribers(service, channel), subscribers);
	assert_int_equal(sockjs_channel_members(service, channel, note_member, &text), members);
	assert_int_equal(sockjs_channel_position(service, channel).offset, offset);
	buffer_free(&text);
}

static void
expect_before(void)
{
	expect_room("room", 2, 2, 1);
	expect_room("old", 1, 0, 0);
	expect_room("news", 0, 0, 0);
	expect_room("tea", 0, 0, 0);
}

static void
expect_after(void)
{
	expect_room("room", 1, 1, 2);
	expect_room("old", 0, 0, 0);
	expect_room("news", 1, 0, 1);
	expect_room("tea", 2, 2, 0);
}

/* True if the transaction had that many steps: the failure was one of them. */
static bool
crash_at(unsigned nth, enum store_result result)
{
	enum commit_result committed;

	begin_story();
	tell_story();
	fail_store(nth, result);
	committed = end_turn();
	fail_store(0, STORE_OK);
	restart();
	if (committed == COMMIT_FAILED)
		expect_before();
	else
		expect_after();
	buffer_clear(&seen);
	return committed == COMMIT_FAILED;
}

static void
crash_everywhere(bool is_memory)
{
	unsigned nth = 1;
	void *state = NULL;

	for (;;) {
		bool failed;

		assert_int_equal(set_up(&state, is_memory), 0);
		failed = crash_at(nth, STORE_FULL);
		assert_int_equal(tear_down_store(&state), 0);
		if (!failed)
			break;
		nth++;
		assert_true(nth < STEPS_MAX);
	}
	/* Publications, channels, subscriptions, members, deliveries: it was not over at once. */
	assert_true(nth > 12);
}

static void
test_memory(void **state)
{
	(void)state;
	crash_everywhere(true);
}

static void
test_disk(void **state)
{
	(void)state;
	crash_everywhere(false);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    {"memory", test_memory, NULL, NULL, NULL},
	    {"SQLite", test_disk, NULL, NULL, NULL},
	};

	log_open("test_channel_crash", SEVERITY_ERROR);
	return cmocka_run_group_tests_name("channel_crash", tests, folder_setup, folder_teardown);
}
