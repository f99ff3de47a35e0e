/*
 * sessiond/channels/channel_shared.h, and what of channel_subscribe.h and channel_publish.h is for
 * an engine: one that only notes what it is asked for.
 */
#include "tests/unit/channels/channels_fixture.h"

#include "sessiond/channels/channel_publish.h"
#include "sessiond/channels/channel_shared.h"
#include "sessiond/channels/channel_subscribe.h"

/* --- the engine ------------------------------------------------------------------------------- */

static unsigned entered, published, changes, members, ended;
static char last_member[8];

static enum channel_result
engine_publish(struct channel_engine *engine, struct channel_space *space,
    const struct publishing *publishing, uint32_t keeps, struct channel_waiter *waiter)
{
	(void)engine;
	(void)space;
	(void)publishing;
	(void)keeps;
	(void)waiter;
	published++;
	return CHANNEL_LATER;
}

static void
engine_note(struct channel_engine *engine, struct channel *channel)
{
	(void)engine;
	(void)channel;
}

static void
engine_entering(struct channel_engine *engine, struct channel *channel)
{
	(void)engine;
	(void)channel;
	entered++;
}

static void
engine_changed(struct channel_engine *engine, struct channel *channel)
{
	(void)engine;
	(void)channel;
	changes++;
}

static void
engine_member(struct channel_engine *engine, struct channel *channel, const char *id, size_t len)
{
	(void)engine;
	(void)channel;
	snprintf(last_member, sizeof last_member, "%.*s", (int)len, id);
	members++;
}

static void
engine_ended(struct channel_engine *engine, struct channel *channel)
{
	(void)engine;
	(void)channel;
	ended++;
}

static const struct channel_engine_calls engine_calls = {
    .publish = engine_publish,
    .begun = engine_note,
    .entering = engine_entering,
    .changed = engine_changed,
    .member = engine_member,
    .idle = engine_note,
    .ended = engine_ended,
};
static struct channel_engine engine = {&engine_calls};

static int
set_up_shared(void **state)
{
	set_up_in_memory(state);
	set_history(10);
	channels_share(&channels, &engine);
	entered = published = changes = members = ended = 0;
	return 0;
}

static struct channel *
news(void)
{
	return channels_find(service->channels, "news", 4);
}

static int
join_as(const char *client, const char *id)
{
	const sockjs_member member = {id, "", 0};

	return sockjs_channel_join(connection_of(client), "news", &member, NULL, NULL);
}

static void
deliver(const char *text)
{
	const struct publishing publishing = {
	    .name = "news", .name_len = 4, .data = text, .len = strlen(text)};

	channels_deliver(news(), &publishing, wall);
}

/* --- tests ------------------------------------------------------------------------------------ */

/* It is subscribed when the engine lets it in, and not before. */
static void
test_entrant(void **state)
{
	(void)state;
	open_client("a");
	subscribe("a", "news");
	subscribe("a", "news");
	assert_int_equal(entered, 1);
	assert_int_equal(news()->subscribers.count, 0);
	assert_int_equal(sockjs_channel_subscribers(service, "news"), 1);
	channels_admit(news(), 0);
	assert_int_equal(news()->subscribers.count, 1);
	assert_int_equal(news()->entrants.count, 0);
	assert_int_equal(sockjs_channel_subscribers(service, "news"), 1);
}

/* Who gives up waits no more, and the channel is the engine's to end. */
static void
test_gives_up(void **state)
{
	(void)state;
	open_client("a");
	subscribe("a", "news");
	sockjs_channel_unsubscribe(connection_of("a"), "news");
	assert_int_equal(news()->entrants.count, 0);
	assert_int_equal(ended, 0);
	channels_end_shared(news());
	assert_int_equal(ended, 1);
	assert_null(news());
}

/* The engine may have told others of the member that somebody who waits would have been. */
static void
test_member_gives_up(void **state)
{
	(void)state;
	open_client("a");
	assert_int_equal(join_as("a", "ann"), SOCKJS_OK);
	sockjs_channel_unsubscribe(connection_of("a"), "news");
	assert_int_equal(members, 1);
	assert_string_equal(last_member, "ann");
	assert_int_equal(changes, 1);
	/* One that the engine does not know when it has answered is not let in. */
	assert_int_equal(join_as("a", "ann"), SOCKJS_OK);
	((struct channel_entrant *)news()->entrants.items[0]->data)->ticket = 1;
	channels_admit(news(), 1);
	assert_int_equal(news()->subscribers.count + news()->entrants.count, 0);
	assert_int_equal(members, 2);
	assert_int_equal(changes, 2);
}

/* Who waits to be a member has its place, before the engine knows. */
static void
test_member_limit(void **state)
{
	(void)state;
	channels.limits.members = 2;
	open_client("a");
	open_client("b");
	open_client("c");
	assert_int_equal(join_as("a", "ann"), SOCKJS_OK);
	assert_int_equal(join_as("b", "bob"), SOCKJS_OK);
	assert_int_equal(join_as("c", "cat"), SOCKJS_FULL);
	sockjs_channel_unsubscribe(connection_of("a"), "news");
	assert_int_equal(join_as("c", "cat"), SOCKJS_OK);
}

static void
test_history(void **state)
{
	const struct channel_position tenth = {10, 5};
	struct publication before[2] = {
	    {message_create("9", 1, false), wall}, {message_create("10", 2, false), wall}};
	struct channel_entrant entrant = {.recovers = true, .from = {8, 5}};

	(void)state;
	open_client("a");
	subscribe("a", "news");
	channels_set_position(news(), &tenth);
	channels_admit(news(), 0);
	deliver("11");
	assert_int_equal(channel_position(news()).offset, 11);
	assert_false(channels_entrant_is_ready(news(), &entrant, 0));
	channels.limits.history = channels.history_bytes + 2 * MESSAGE_COST;
	channels_put_before(news(), before, 2);
	assert_int_equal(news()->history.count, 1);
	channels.limits.history += strlen("9") + strlen("10");
	channels_put_before(news(), before, 2);
	message_unref(&before[0].message);
	message_unref(&before[1].message);
	assert_int_equal(news()->history.first, 9);
	assert_int_equal(news()->history.count, 3);
	assert_true(channels_entrant_is_ready(news(), &entrant, 0));
	assert_int_equal(channels.history_bytes, news()->history.bytes);
	/* Who comes from another daemon may have more than this one: that is asked for. */
	entrant.from.offset = 12;
	assert_false(channels_entrant_is_ready(news(), &entrant, 0));
	/* Of another epoch nothing can be had: that is known at once. */
	entrant.from.epoch = 6;
	assert_true(channels_entrant_is_ready(news(), &entrant, 0));
	/* What was asked for is waited for. */
	entrant.ticket = 3;
	assert_false(channels_entrant_is_ready(news(), &entrant, 2));
	assert_true(channels_entrant_is_ready(news(), &entrant, 3));
	channels_set_position(news(), &tenth);
	assert_int_equal(news()->history.count, 0);
	assert_int_equal(channels.history_bytes, 0);
}

static void
test_members(void **state)
{
	const struct channel_member ann = {"ann", 3, "{}", 2};

	(void)state;
	open_client("a");
	subscribe("a", "news");
	channels_add_member(news(), &ann);
	channels_add_member(news(), &ann);
	assert_int_equal(sockjs_channel_members(service, "news", NULL, NULL), 1);
	channels_drop_member(news(), "bob", 3);
	channels_drop_member(news(), "ann", 3);
	assert_int_equal(sockjs_channel_members(service, "news", NULL, NULL), 0);
	channels_set_subscribers(news(), 5);
	assert_int_equal(sockjs_channel_subscribers(service, "news"), 5);
}

static void
test_publishing(void **state)
{
	(void)state;
	assert_int_equal(publish("news", "hello"), SOCKJS_OK);
	assert_int_equal(published, 1);
	assert_null(service->channels == NULL ? NULL : news());
	assert_int_equal(publish("", "hello"), SOCKJS_INVALID);
	assert_int_equal(published, 1);
}

#define SHARED_TEST(name)                                                                          \
	cmocka_unit_test_setup_teardown(test_##name, set_up_shared, tear_down_store)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    SHARED_TEST(entrant),
	    SHARED_TEST(gives_up),
	    SHARED_TEST(member_gives_up),
	    SHARED_TEST(member_limit),
	    SHARED_TEST(history),
	    SHARED_TEST(members),
	    SHARED_TEST(publishing),
	};

	log_open("test_channel_shared", SEVERITY_ERROR);
	return cmocka_run_group_tests_name("channel_shared", tests, folder_setup, folder_teardown);
}
