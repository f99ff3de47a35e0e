/*
 * sessiond/channels/channel_store.h: what of channels outlives the daemon, and a store that fails.
 */
#include "tests/unit/channels/channels_fixture.h"

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

/*
 * Without a history SOCKJS_NOBODY knows how much was published: offsets count as another epoch's.
 */
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

/*
 * A reload takes the history away, and brings it back: what was published meanwhile was counted,
 * and nobody noted how far. No client may be told that it has missed nothing.
 */
static void
test_history_off_and_on(void **state)
{
	sockjs_position before;

	(void)state;
	set_history(HISTORY);
	open_client("a");
	subscribe("a", "news");
	must_publish("news", "1");
	must_publish("news", "2");
	before = sockjs_channel_position(service, "news");
	set_history(0);
	must_publish("news", "3");
	assert_int_equal(channels.history_bytes, 0);
	assert_int_equal(sockjs_channel_position(service, "news").offset, 3);
	assert_polled("a", "a[\"1\",\"2\",\"3\"]");
	/* The first was noted; now the store is told nothing. */
	assert_int_equal(publish("news", "4"), SOCKJS_OK);
	assert_true(channel_journal_is_empty(&channels.journal));
	end_turn();
	set_history(HISTORY);
	restart();
	buffer_clear(&seen);
	assert_string_not_equal(sockjs_channel_position(service, "news").epoch, before.epoch);
	must_publish("news", "5");
	sockjs_channel_unsubscribe(connection_of("a"), "news");
	assert_false(come_back("a", "news", &before));
	end_turn();
	/* From now on it goes on again. */
	before = sockjs_channel_position(service, "news");
	restart();
	buffer_clear(&seen);
	assert_string_equal(sockjs_channel_position(service, "news").epoch, before.epoch);
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
	assert_written("F1 Y2:1.0-4294967295 Y4:1.0-4294967295 Y1:1.0-0 Y3:1.1-1 . ");
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

/* By which two daemons' records are known to be of one channel. */
static void
test_name_of_record(void **state)
{
	static const struct {
		const char *data;
		size_t len, from, name_len; /* 0: none */
	} cases[] = {
	    {"00000000000000ab 17 /chat\0room", 30, 20, 10},
	    {"00000000000000ab 17*/chat\0room\0"
	     "00000000000000cd",
		47, 20, 10},
	    {"0 1 /\0", 6, 4, 2},
	    {"0 1 /chat", 9, 0, 0},
	    {"0 123", 5, 0, 0},
	    {"0", 1, 0, 0},
	    {"", 0, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct stored_record record = {
		    STORE_CHANNEL, 1, 0, cases[i].data, cases[i].len};
		size_t len;
		const char *name = channel_store_name(&record, &len);

		if (cases[i].name_len == 0) {
			assert_null(name);
			continue;
		}
		assert_ptr_equal(name, cases[i].data + cases[i].from);
		assert_int_equal(len, cases[i].name_len);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(goes_on),
	    TEST(subscriptions_go_on),
	    TEST(history_off_and_on),
	    TEST(written),
	    TEST(service_gone),
	    TEST(twin),
	    TEST(strange_records),
	    TEST(store_fails),
	    TEST(anew),
	    cmocka_unit_test(test_name_of_record),
	};

	log_open("test_channel_store", SEVERITY_ERROR);
	return cmocka_run_group_tests_name("channel_store", tests, folder_setup, folder_teardown);
}
