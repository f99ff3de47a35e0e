/*
 * sessiond/channels/, by the calls of sockjs.h: who gets what is published, and who was away.
 */
#include "tests/unit/channels/channels_fixture.h"

#include <malloc.h>

/* --- subscribers ------------------------------------------------------------------------------ */

static void
test_publish(void **state)
{
	(void)state;
	open_client("a");
	open_client("b");
	open_client("c");
	subscribe("a", "news");
	subscribe("a", "news");
	subscribe("b", "news");
	subscribe("c", "other");
	assert_int_equal(sockjs_channel_subscribers(service, "news"), 2);
	must_publish("news", "one");
	assert_polled("a", "a[\"one\"]");
	assert_polled("b", "a[\"one\"]");
	assert_int_equal(sockjs_publish(service, "news", "two", 3, connection_of("a")), SOCKJS_OK);
	must_publish("other", "three");
	assert_polled("b", "a[\"two\"]");
	assert_polled("c", "a[\"three\"]");
	assert_int_equal(sockjs_channel_unsubscribe(connection_of("b"), "news"), SOCKJS_OK);
	assert_int_equal(sockjs_channel_unsubscribe(connection_of("b"), "news"), SOCKJS_OK);
	must_publish("news", "four");
	assert_polled("a", "a[\"four\"]");
	assert_int_equal(find("b")->queue.count, 0);
}

/* Who ends is subscribed no more; a channel that nobody needs is gone. */
static void
test_ends(void **state)
{
	(void)state;
	open_client("a");
	subscribe("a", "news");
	assert_int_equal(channels.count, 1);
	assert_int_equal(sockjs_close(connection_of("a"), 0, NULL), SOCKJS_OK);
	arrive("a", fake_poll('1'));
	end_turn();
	assert_int_equal(channels.count, 0);
	assert_int_equal(sockjs_channel_subscribers(service, "news"), 0);
	assert_int_equal(publish("news", "x"), SOCKJS_OK);
	assert_int_equal(channels.count, 0);
	buffer_clear(&seen);
}

static void
test_mistakes(void **state)
{
	char longest[CHANNEL_NAME_MAX + 2];

	(void)state;
	open_client("a");
	memset(longest, 'x', sizeof longest);
	longest[sizeof longest - 1] = '\0';
	assert_int_equal(
	    sockjs_channel_subscribe(connection_of("a"), longest, NULL, NULL), SOCKJS_INVALID);
	assert_int_equal(publish(longest, ""), SOCKJS_INVALID);
	longest[CHANNEL_NAME_MAX] = '\0';
	assert_int_equal(publish(longest, ""), SOCKJS_OK);
	assert_int_equal(publish("", ""), SOCKJS_INVALID);
	assert_int_equal(publish("\xff", ""), SOCKJS_INVALID);
	assert_int_equal(publish("x", "\xff"), SOCKJS_INVALID);
	assert_int_equal(publish("x", "\xed\xa0\x80"), SOCKJS_OK);
	assert_int_equal(sockjs_publish(service, NULL, "x", 1, SOCKJS_NOBODY), SOCKJS_INVALID);
	assert_int_equal(sockjs_publish(service, "x", NULL, 0, SOCKJS_NOBODY), SOCKJS_INVALID);
	assert_int_equal(sockjs_publish(NULL, "x", "", 0, SOCKJS_NOBODY), SOCKJS_STOPPED);
	assert_int_equal(
	    sockjs_channel_subscribe(connection_of("a"), NULL, NULL, NULL), SOCKJS_INVALID);
	assert_int_equal(sockjs_channel_subscribe(SOCKJS_NOBODY, "x", NULL, NULL), SOCKJS_GONE);
	assert_int_equal(sockjs_channel_unsubscribe(connection_of("a"), NULL), SOCKJS_INVALID);
	assert_int_equal(sockjs_channel_unsubscribe(SOCKJS_NOBODY, "x"), SOCKJS_OK);
	assert_int_equal(sockjs_channel_subscribers(service, NULL), 0);
	assert_string_equal(sockjs_channel_position(service, "none").epoch, "");
	assert_int_equal(channels.count, 0);
}

static void
test_caps(void **state)
{
	(void)state;
	channels.limits = (struct channels_limits){3, 2, 1000};
	open_client("a");
	open_client("b");
	subscribe("a", "1");
	subscribe("a", "2");
	assert_int_equal(
	    sockjs_channel_subscribe(connection_of("a"), "3", NULL, NULL), SOCKJS_FULL);
	subscribe("a", "2");
	subscribe("b", "3");
	assert_int_equal(
	    sockjs_channel_subscribe(connection_of("b"), "4", NULL, NULL), SOCKJS_FULL);
	set_history(HISTORY);
	assert_int_equal(publish("4", "x"), SOCKJS_FULL);
	assert_int_equal(sessions.limits.reached[LIMIT_CHANNELS_PER_CONNECTION], 1);
	assert_int_equal(sessions.limits.reached[LIMIT_CHANNELS], 2);
	/* Of all histories together. */
	channels.limits.history = 3 * (300 + MESSAGE_COST) - 1;
	for (int i = 0; i < 2; i++) {
		char text[301];

		memset(text, 'a', sizeof text);
		text[300] = '\0';
		assert_int_equal(publish("1", text), SOCKJS_OK);
		assert_int_equal(
		    publish(i == 0 ? "3" : "2", text), i == 0 ? SOCKJS_OK : SOCKJS_FULL);
		if (i == 0)
			channels.limits.history += 300 + MESSAGE_COST - 1;
	}
	end_turn();
}

/* --- envelopes -------------------------------------------------------------------------------- */

static void
test_envelope(void **state)
{
	char expected[200];

	(void)state;
	service->protocol.options.channel_envelope = true;
	open_client("a");
	subscribe("a", "n\"s");
	must_publish("n\"s", "t\n");
	snprintf(expected, sizeof expected,
	    "{\"channel\":\"n\\\"s\",\"data\":\"t\\n\",\"offset\":1,\"epoch\":\"%s\"}",
	    sockjs_channel_position(service, "n\"s").epoch);
	assert_int_equal(find("a")->queue.count, 1);
	assert_int_equal(find("a")->queue.items[find("a")->queue.head]->len, strlen(expected));
	assert_memory_equal(
	    find("a")->queue.items[find("a")->queue.head]->data, expected, strlen(expected));
}

/* --- recovery --------------------------------------------------------------------------------- */

static void
test_recover(void **state)
{
	sockjs_position seen_by_a;

	(void)state;
	set_history(HISTORY);
	open_client("a");
	must_publish("news", "1");
	must_publish("news", "2");
	seen_by_a = sockjs_channel_position(service, "news");
	assert_int_equal(seen_by_a.offset, 2);
	must_publish("news", "3");
	must_publish("news", "4");
	assert_true(come_back("a", "news", &seen_by_a));
	must_publish("news", "5");
	assert_polled("a", "a[\"3\",\"4\",\"5\"]");
	sockjs_channel_unsubscribe(connection_of("a"), "news");
	/* Nothing was published since. */
	seen_by_a = sockjs_channel_position(service, "news");
	assert_true(come_back("a", "news", &seen_by_a));
	sockjs_channel_unsubscribe(connection_of("a"), "news");
	/* More than is kept: nothing, not a part. */
	seen_by_a.offset = 1;
	assert_false(come_back("a", "news", &seen_by_a));
	sockjs_channel_unsubscribe(connection_of("a"), "news");
	/* Of the future, or of another channel. */
	seen_by_a.offset = 6;
	assert_false(come_back("a", "news", &seen_by_a));
	sockjs_channel_unsubscribe(connection_of("a"), "news");
	seen_by_a.offset = 5;
	seen_by_a.epoch[0] = seen_by_a.epoch[0] == '0' ? '1' : '0';
	assert_false(come_back("a", "news", &seen_by_a));
	sockjs_channel_unsubscribe(connection_of("a"), "news");
	memset(seen_by_a.epoch, 'x', sizeof seen_by_a.epoch);
	assert_false(come_back("a", "news", &seen_by_a));
	assert_int_equal(find("a")->queue.count, 0);
}

/* It would be closed, and ask for the same again. */
static void
test_recover_more_than_may_wait(void **state)
{
	sockjs_position start;
	char text[301];

	(void)state;
	memset(text, 'a', sizeof text);
	text[300] = '\0';
	set_history(HISTORY);
	open_client("a");
	must_publish("news", "1");
	start = sockjs_channel_position(service, "news");
	must_publish("news", text);
	assert_true(come_back("a", "news", &start));
	sockjs_channel_unsubscribe(connection_of("a"), "news");
	arrive("a", fake_poll('1'));
	end_turn();
	must_publish("news", text);
	assert_false(come_back("a", "news", &start));
	assert_int_equal(find("a")->queue.count, 0);
	assert_int_equal(session_ready_state(find("a")), SOCKJS_OPEN);
	assert_int_equal(sessions.limits.reached[LIMIT_QUEUE], 0);
	buffer_clear(&seen);
}

/* A channel without subscribers lives as long as its history; then offsets count anew. */
static void
test_ages(void **state)
{
	sockjs_position before;

	(void)state;
	set_history(HISTORY);
	must_publish("news", "1");
	wall += TTL / 2;
	pass_turns(TTL / 2);
	open_client("a");
	must_publish("news", "2");
	before = sockjs_channel_position(service, "news");
	before.offset = 1;
	wall += TTL / 2;
	/* The first is too old, the second is not. */
	arrive("a", fake_poll('1'));
	assert_true(come_back("a", "news", &before));
	end_turn();
	assert_seen("1<a[\"2\"] 1. ");
	sockjs_channel_unsubscribe(connection_of("a"), "news");
	before.offset = 0;
	assert_false(come_back("a", "news", &before));
	sockjs_channel_unsubscribe(connection_of("a"), "news");
	wall += TTL / 2;
	pass_turns(TTL / 2);
	wall += TTL / 2;
	pass_turns(TTL / 2);
	assert_int_equal(channels.count, 0);
	buffer_clear(&seen);
	restart();
	assert_int_equal(channels.count, 0);
	must_publish("news", "3");
	assert_int_equal(sockjs_channel_position(service, "news").offset, 1);
	assert_string_not_equal(sockjs_channel_position(service, "news").epoch, before.epoch);
}

static void
test_bytes(void **state)
{
	char text[801];
	sockjs_position position = {0, ""};

	(void)state;
	set_history(HISTORY);
	memset(text, 'a', sizeof text);
	text[800] = '\0';
	for (int i = 0; i < 3; i++) {
		must_publish("news", text);
		position = sockjs_channel_position(service, "news");
	}
	/* Two of them fit. */
	assert_int_equal(channels.history_bytes, 2 * (800 + MESSAGE_COST));
	assert_int_equal(position.offset, 3);
	open_client("a");
	position.offset = 0;
	assert_false(come_back("a", "news", &position));
	/* One that never fits is not published. */
	service->protocol.options.history_limit = 100;
	assert_int_equal(publish("news", text), SOCKJS_FULL);
	assert_int_equal(find("a")->queue.count, 0);
	end_turn();
}

/* What the allocator has given away; sanitizers have their own, which says 0. */
static size_t
allocated(void)
{
	return mallinfo2().uordblks;
}

static void
test_cost(void **state)
{
	enum { CHANNELS = 1000, COST = 1024 };
	size_t before, after;
	char name[32];

	(void)state;
	open_client("a");
	subscribe("a", "first");
	before = allocated();
	for (int i = 0; i < CHANNELS; i++) {
		snprintf(name, sizeof name, "news/%d", i);
		subscribe("a", name);
	}
	end_turn();
	after = allocated();
	assert_true(after - before <= (size_t)CHANNELS * COST);
	print_message("a channel with a subscriber: %zu bytes\n", (after - before) / CHANNELS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    {"cost", test_cost, set_up_in_memory, tear_down_store, NULL},
	    TEST(publish),
	    TEST(ends),
	    TEST(mistakes),
	    TEST(caps),
	    TEST(envelope),
	    TEST(recover),
	    TEST(recover_more_than_may_wait),
	    TEST(ages),
	    TEST(bytes),
	};

	log_open("test_channels", SEVERITY_ERROR);
	return cmocka_run_group_tests_name("channels", tests, folder_setup, folder_teardown);
}
