/*
 * sessiond/channels/, by the calls of sockjs.h: who gets what is published, and what of it outlives
 * the daemon.
 */
#include "tests/unit/persistence/persistence_fixture.h"

#include "sessiond/api/api_channel.h"
#include "sessiond/channels/channel_store.h"
#include "sessiond/channels/channels.h"

enum { TTL = 60000, HISTORY = 3, HISTORY_LIMIT = 2000 };

static struct channels channels;
static struct channel_store channel_store;
static uint64_t wall = 1000000; /* ms since 1970; goes on over restarts */

static uint64_t
fake_wall_clock(void)
{
	return wall;
}

/* --- before, between and after ---------------------------------------------------------------- */

static size_t services_known; /* 1, or 0: the service was taken out of sockjs.conf */
static uint32_t history;      /* of the service, from the next restart on too */

static void
begin(void)
{
	service->protocol.options.history = history;
	service->protocol.options.history_ttl = TTL;
	service->protocol.options.history_limit = HISTORY_LIMIT;
	channels_init(&channels, &sessions);
	channels.clock = fake_wall_clock;
	channel_store_init(&channel_store, &channels);
	persistence_add(&persistence, &channel_store.part);
	api_channel_bind(&channels);
	channel_store_begin_restore(&channel_store, &service, services_known);
}

static void
restored(void)
{
	channel_store_end_restore(&channel_store);
}

static void
end(void)
{
	api_channel_end_all(service);
	assert_int_equal(channels.count, 0);
	assert_int_equal(channels.history_bytes, 0);
	channels_clear(&channels);
	api_channel_bind(NULL);
}

static int
set_up(void **state, bool is_memory)
{
	set_up_backend(state, is_memory);
	end_of_service = end;
	before_restore = begin;
	after_restore = restored;
	history = 0;
	services_known = 1;
	begin();
	return 0;
}

static int
set_up_in_memory(void **state)
{
	return set_up(state, true);
}

static int
set_up_on_disk(void **state)
{
	return set_up(state, false);
}

/* --- what happens ----------------------------------------------------------------------------- */

static void
set_history(uint32_t messages)
{
	history = messages;
	service->protocol.options.history = messages;
}

static sockjs_connection
connection_of(const char *id)
{
	return (sockjs_connection){find(id)->handle};
}

/* A client that polls, and is stored. */
static void
open_client(const char *id)
{
	settled(id);
}

static void
subscribe(const char *id, const char *channel)
{
	assert_int_equal(
	    sockjs_channel_subscribe(connection_of(id), channel, NULL, NULL), SOCKJS_OK);
}

static int
publish(const char *channel, const char *text)
{
	return sockjs_publish(service, channel, text, strlen(text), SOCKJS_NOBODY);
}

static void
must_publish(const char *channel, const char *text)
{
	assert_int_equal(publish(channel, text), SOCKJS_OK);
	end_turn();
	buffer_clear(&written);
}

/* A client polls, and gets that. */
#define assert_polled(id, expected)                                                                \
	do {                                                                                       \
		arrive(id, fake_poll('1'));                                                        \
		end_turn();                                                                        \
		assert_seen("1<" expected " 1. ");                                                 \
		buffer_clear(&written);                                                            \
	} while (0)

static bool
come_back(const char *id, const char *channel, const sockjs_position *from)
{
	bool recovered = !from;

	assert_int_equal(
	    sockjs_channel_subscribe(connection_of(id), channel, from, &recovered), SOCKJS_OK);
	return recovered;
}

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
	subscribe("b", "3");
	assert_int_equal(
	    sockjs_channel_subscribe(connection_of("b"), "4", NULL, NULL), SOCKJS_FULL);
	set_history(HISTORY);
	assert_int_equal(publish("4", "x"), SOCKJS_FULL);
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

/* --- restarts --------------------------------------------------------------------------------- */

static void
test_goes_on(void **state)
{
	sockjs_position before;

	(void)state;
	set_history(HISTORY);
	open_client("a");
	open_client("b");
	subscribe("a", "news");
	must_publish("news", "1");
	must_publish("news", "2");
	before = sockjs_channel_position(service, "news");
	restart();
	buffer_clear(&seen);
	assert_int_equal(sockjs_channel_subscribers(service, "news"), 1);
	assert_int_equal(sockjs_channel_position(service, "news").offset, 2);
	assert_string_equal(sockjs_channel_position(service, "news").epoch, before.epoch);
	must_publish("news", "3");
	assert_polled("a", "a[\"1\",\"2\",\"3\"]");
	before.offset = 1;
	assert_true(come_back("b", "news", &before));
	end_turn();
	assert_polled("b", "a[\"2\",\"3\"]");
	/* The oldest leaves the store too, and so does who unsubscribes. */
	must_publish("news", "4");
	must_publish("news", "5");
	sockjs_channel_unsubscribe(connection_of("a"), "news");
	end_turn();
	restart();
	buffer_clear(&seen);
	assert_int_equal(sockjs_channel_subscribers(service, "news"), 1);
	before.offset = 1;
	assert_false(come_back("a", "news", &before));
	sockjs_channel_unsubscribe(connection_of("a"), "news");
	before.offset = 2;
	assert_true(come_back("a", "news", &before));
	end_turn();
	assert_polled("a", "a[\"4\",\"5\",\"3\",\"4\",\"5\"]");
}

/* Without a history SOCKJS_NOBODY knows how much was published: offsets count as another epoch's. */
static void
test_subscriptions_go_on(void **state)
{
	sockjs_position before;

	(void)state;
	open_client("a");
	subscribe("a", "news");
	must_publish("news", "1");
	before = sockjs_channel_position(service, "news");
	restart();
	buffer_clear(&seen);
	assert_string_not_equal(sockjs_channel_position(service, "news").epoch, before.epoch);
	must_publish("news", "2");
	assert_polled("a", "a[\"1\",\"2\"]");
	pass_turns(DISCONNECT_DELAY);
	assert_seen("- ");
	assert_int_equal(channels.count, 0);
	restart();
	assert_int_equal(channels.count, 0);
}

/* What is written: a record for what is new, and none of what has been stored. */
static void
test_written(void **state)
{
	(void)state;
	set_history(2);
	open_client("a");
	subscribe("a", "news");
	end_turn();
	buffer_clear(&written);
	assert_int_equal(publish("news", "1"), SOCKJS_OK);
	buffer_clear(&seen);
	end_turn();
	buffer_append_char(&written, '\0');
	assert_non_null(strstr(written.data, "R2:1.1="));
	buffer_clear(&written);
	must_publish("news", "2");
	assert_int_equal(publish("news", "3"), SOCKJS_OK);
	end_turn();
	buffer_append_char(&written, '\0');
	assert_non_null(strstr(written.data, "Y2:1.0-1 R2:1.3="));
	assert_null(strstr(written.data, "R2:1.2="));
	buffer_clear(&written);
	sockjs_channel_unsubscribe(connection_of("a"), "news");
	end_turn();
	assert_written("Y3:1.1-1 . ");
}

/* The service was taken out of sockjs.conf. */
static void
test_service_gone(void **state)
{
	(void)state;
	set_history(HISTORY);
	open_client("a");
	subscribe("a", "news");
	must_publish("news", "1");
	services_known = 0;
	restart_with(0);
	assert_int_equal(channels.count, 0);
	end_turn();
	assert_written("F1 Y2:1.0-4294967295 Y1:1.0-0 Y3:1.1-1 . ");
	services_known = 1;
	restart();
	assert_int_equal(channels.count, 0);
	assert_true(channel_journal_is_empty(&channels.journal));
}

static void
put_record(enum store_kind kind, uint64_t number, uint64_t part, const char *data, size_t len)
{
	const struct stored_record record = {kind, number, part, data, len};

	assert_int_equal(store_put_record(spy.real, &record), STORE_OK);
}

/*
 * A reload had replaced the service's module: sessions of both are stored, and both had a channel
 * of that name. It is one now.
 */
static void
test_twin(void **state)
{
	static const char twin[] = "00000000000000ff 7 /echo\0news";

	(void)state;
	set_history(HISTORY);
	open_client("a");
	open_client("b");
	subscribe("a", "news");
	must_publish("news", "1");
	assert_int_equal(store_begin(spy.real), STORE_OK);
	put_record(STORE_CHANNEL, 9, 0, twin, sizeof twin - 1);
	put_record(STORE_PUBLICATION, 9, 7, "1\0x", 3);
	put_record(STORE_SUBSCRIPTION, find("b")->journal->key, 9, NULL, 0);
	assert_int_equal(store_commit(spy.real), STORE_OK);
	for (int i = 0; i < 2; i++) {
		restart();
		assert_int_equal(channels.count, 1);
		assert_int_equal(sockjs_channel_subscribers(service, "news"), 2);
		assert_int_equal(sockjs_channel_position(service, "news").offset, 1);
		end_turn();
	}
	must_publish("news", "2");
	buffer_clear(&seen);
	assert_polled("b", "a[\"2\"]");
}

/* What somebody else wrote into the file. */
static void
test_strange_records(void **state)
{
	static const char *const strange[] = {"", "x", "00000000000000ff 7", "00000000000000ff 7 ",
	    "00000000000000ff 7 /echo", "0 7 /echo", "00000000000000ff -1 /echo",
	    "00000000000000ff 99999999999999999999 /echo"};

	(void)state;
	set_history(HISTORY);
	open_client("a");
	assert_int_equal(store_begin(spy.real), STORE_OK);
	for (size_t i = 0; i < sizeof strange / sizeof strange[0]; i++) {
		put_record(STORE_CHANNEL, 100 + i, 0, strange[i], strlen(strange[i]));
		put_record(STORE_CHANNEL, 200 + i, 0, strange[i], strlen(strange[i]) + 1);
	}
	put_record(STORE_PUBLICATION, 100, 1, "1\0x", 3);
	put_record(STORE_SUBSCRIPTION, 77, 100, NULL, 0);
	put_record((enum store_kind)99, 1, 1, "x", 1);
	assert_int_equal(store_commit(spy.real), STORE_OK);
	restart();
	assert_int_equal(channels.count, 0);
	end_turn();
	buffer_clear(&written);
	must_publish("news", "1");
	restart();
	assert_int_equal(channels.count, 1);
	buffer_clear(&seen);
}

/* --- a store that fails ----------------------------------------------------------------------- */

static void
test_store_fails(void **state)
{
	(void)state;
	set_history(HISTORY);
	open_client("a");
	subscribe("a", "news");
	end_turn();
	fail_store(1, STORE_FULL);
	assert_int_equal(publish("news", "1"), SOCKJS_OK);
	assert_int_equal(end_turn(), COMMIT_FAILED);
	assert_int_equal(publish("news", "2"), SOCKJS_FULL);
	pass_turns(RETRY_DELAY);
	must_publish("news", "3");
	restart();
	buffer_clear(&seen);
	assert_int_equal(sockjs_channel_position(service, "news").offset, 2);
	assert_polled("a", "a[\"1\",\"3\"]");
}

/* A store that is begun anew has all that there is. */
static void
test_anew(void **state)
{
	(void)state;
	set_history(HISTORY);
	open_client("a");
	subscribe("a", "news");
	must_publish("news", "1");
	must_publish("other", "x");
	fail_store(1, STORE_DAMAGED);
	must_publish("news", "2");
	restart();
	buffer_clear(&seen);
	assert_int_equal(channels.count, 2);
	assert_int_equal(sockjs_channel_position(service, "other").offset, 1);
	must_publish("news", "3");
	assert_int_equal(sockjs_channel_position(service, "news").offset, 3);
	assert_polled("a", "a[\"1\",\"2\",\"3\"]");
}

#define TEST(name)                                                                                 \
	{#name " (memory)", test_##name, set_up_in_memory, tear_down_store, NULL},                 \
	{                                                                                          \
#name " (SQLite)", test_##name, set_up_on_disk, tear_down_store, NULL              \
	}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(publish),
	    TEST(ends),
	    TEST(mistakes),
	    TEST(caps),
	    TEST(envelope),
	    TEST(recover),
	    TEST(ages),
	    TEST(bytes),
	    TEST(goes_on),
	    TEST(subscriptions_go_on),
	    TEST(written),
	    TEST(service_gone),
	    TEST(twin),
	    TEST(strange_records),
	    TEST(store_fails),
	    TEST(anew),
	};

	log_open("test_channels", SEVERITY_ERROR);
	return cmocka_run_group_tests_name("channels", tests, folder_setup, folder_teardown);
}
