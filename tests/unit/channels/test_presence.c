/*
 * sessiond/channels/presence.h, channel_subscribe.h: who is in a channel, and what the store keeps
 * of that.
 */
#include "tests/unit/channels/channels_fixture.h"

/* --- what the channels of this test tell ------------------------------------------------------ */

static struct message *
compose_plain(const struct channel_space *space, const struct publishing *publishing,
    const struct channel_position *position)
{
	(void)space;
	return channel_message(publishing, position, false);
}

static void
note_joined(
    struct channel *channel, const struct presence_member *member, const struct session *session)
{
	buffer_printf(
	    &seen, "+%s@%s:%s(%s) ", member->id, channel->name, member->info, session->id);
}

static void
note_parted(struct channel *channel, const struct presence_member *member)
{
	buffer_printf(&seen, "-%s@%s ", member->id, channel->name);
}

static const struct channel_kind noting = {
    .compose = compose_plain, .joined = note_joined, .parted = note_parted};

static void
begin_noting(void)
{
	begin();
	channels.kind = &noting;
}

static int
set_up_noting(void **state, bool is_memory)
{
	set_up(state, is_memory);
	channels.kind = &noting;
	before_restore = begin_noting;
	return 0;
}

static int
set_up_noting_in_memory(void **state)
{
	return set_up_noting(state, true);
}

static int
set_up_noting_on_disk(void **state)
{
	return set_up_noting(state, false);
}

static int
try_to_join(const char *client, const char *channel, const char *id, const char *info)
{
	const sockjs_member member = {id, info, strlen(info)};

	return sockjs_channel_join(connection_of(client), channel, &member, NULL, NULL);
}

static void
join(const char *client, const char *channel, const char *id, const char *info)
{
	assert_int_equal(try_to_join(client, channel, id, info), SOCKJS_OK);
}

static void
note_member(const sockjs_member *member, void *data)
{
	buffer_printf(data, "%s=%.*s ", member->id, (int)member->info_len, member->info);
}

/* The one member that a channel has. */
static void
assert_only_member(const char *channel, const char *expected)
{
	struct buffer text = BUFFER_INIT;

	assert_int_equal(sockjs_channel_members(service, channel, note_member, &text), 1);
	buffer_append_char(&text, '\0');
	assert_string_equal(text.data, expected);
	buffer_free(&text);
}

/* The client leaves: its session ends. */
static void
close_client(const char *id)
{
	assert_int_equal(sockjs_close(connection_of(id), 0, NULL), SOCKJS_OK);
	arrive(id, fake_poll('1'));
	end_turn();
}

/* --- who is there ----------------------------------------------------------------------------- */

static void
test_members(void **state)
{
	(void)state;
	open_client("a");
	open_client("b");
	open_client("c");
	join("a", "room", "ann", "A");
	join("b", "room", "ann", "other");
	join("c", "room", "bob", "B");
	assert_seen("+ann@room:A(a) +bob@room:B(c) ");
	assert_int_equal(sockjs_channel_members(service, "room", NULL, NULL), 2);
	assert_int_equal(sockjs_channel_subscribers(service, "room"), 3);
	sockjs_channel_unsubscribe(connection_of("a"), "room");
	assert_seen("");
	sockjs_channel_unsubscribe(connection_of("c"), "room");
	assert_seen("-bob@room ");
	assert_only_member("room", "ann=A ");
	close_client("b");
	assert_seen("1<c[1000,\"Normal closure\"] 1. - -ann@room ");
	assert_int_equal(channels.count, 0);
}

static void
test_mistakes(void **state)
{
	const sockjs_member without_id = {NULL, "x", 1}, without_info = {"x", NULL, 1};

	(void)state;
	open_client("a");
	open_client("b");
	channels.limits.members = 1;
	channels.limits.member = 4;
	assert_int_equal(try_to_join("a", "room", "", "x"), SOCKJS_INVALID);
	assert_int_equal(try_to_join("a", "room", "\xff", "x"), SOCKJS_INVALID);
	assert_int_equal(try_to_join("a", "room", "ab", "xyz"), SOCKJS_INVALID);
	assert_int_equal(try_to_join("a", "", "ab", "x"), SOCKJS_INVALID);
	assert_int_equal(sockjs_channel_join(connection_of("a"), "room", &without_id, NULL, NULL),
	    SOCKJS_INVALID);
	assert_int_equal(sockjs_channel_join(connection_of("a"), "room", &without_info, NULL, NULL),
	    SOCKJS_INVALID);
	assert_int_equal(
	    sockjs_channel_join(connection_of("a"), "room", NULL, NULL, NULL), SOCKJS_INVALID);
	assert_int_equal(channels.count, 0);
	join("a", "room", "ab", "xy");
	assert_int_equal(try_to_join("b", "room", "bc", "x"), SOCKJS_FULL);
	join("b", "room", "ab", "y");
	assert_int_equal(sessions.limits.reached[LIMIT_MEMBERS], 1);
	assert_int_equal(sessions.limits.reached[LIMIT_MEMBER], 1);
	assert_seen("+ab@room:xy(a) ");
}

/* --- and who was there ------------------------------------------------------------------------ */

/* Websockets are not stored: who has nothing else comes back, or is gone. */
static void
test_restart(void **state)
{
	struct session *websocket;
	sockjs_connection connection;
	const sockjs_member bob = {"bob", "B", 1};

	(void)state;
	open_client("a");
	open_client("b");
	join("a", "room", "ann", "A");
	websocket = arrive(NULL, fake_websocket('w'));
	connection = (sockjs_connection){websocket->handle};
	assert_int_equal(sockjs_channel_join(connection, "room", &bob, NULL, NULL), SOCKJS_OK);
	end_turn();
	restart();
	buffer_clear(&seen);
	assert_int_equal(sockjs_channel_members(service, "room", NULL, NULL), 2);
	assert_int_equal(sockjs_channel_subscribers(service, "room"), 1);
	/* Ann is there, and Bob comes back, by another connection. */
	join("b", "room", "bob", "new");
	end_turn();
	assert_seen("");
	restart();
	buffer_clear(&seen);
	assert_int_equal(sockjs_channel_members(service, "room", NULL, NULL), 2);
	assert_int_equal(sockjs_channel_subscribers(service, "room"), 2);
	close_client("b");
	assert_seen("1<c[1000,\"Normal closure\"] 1. - -bob@room ");
	restart();
	buffer_clear(&seen);
	assert_only_member("room", "ann=A ");
}

static void
test_nobody_comes_back(void **state)
{
	const sockjs_member bob = {"bob", "B", 1};
	struct session *websocket;

	(void)state;
	open_client("a");
	join("a", "room", "ann", "A");
	websocket = arrive(NULL, fake_websocket('w'));
	assert_int_equal(
	    sockjs_channel_join((sockjs_connection){websocket->handle}, "room", &bob, NULL, NULL),
	    SOCKJS_OK);
	end_turn();
	restart();
	buffer_clear(&seen);
	arrive("a", fake_poll('1'));
	pass_turns(DISCONNECT_DELAY);
	assert_seen("-bob@room ");
	assert_only_member("room", "ann=A ");
	restart();
	buffer_clear(&seen);
	assert_only_member("room", "ann=A ");
	/* The last one, too, and then the channel. */
	pass_turns(DISCONNECT_DELAY);
	assert_seen("- -ann@room ");
	assert_int_equal(channels.count, 0);
	restart();
	assert_int_equal(channels.count, 0);
}

/* The daemon stops: who is there is not said to go, for the next one finds them. */
static void
test_stop(void **state)
{
	const sockjs_member bob = {"bob", "B", 1};
	struct session *websocket;

	(void)state;
	open_client("a");
	join("a", "room", "ann", "A");
	websocket = arrive(NULL, fake_websocket('w'));
	assert_int_equal(
	    sockjs_channel_join((sockjs_connection){websocket->handle}, "room", &bob, NULL, NULL),
	    SOCKJS_OK);
	buffer_clear(&seen);
	sessions.closing = true;
	session_abort(websocket);
	end_turn();
	assert_null(strstr((buffer_append_char(&seen, '\0'), seen.data), "-bob"));
	restart();
	buffer_clear(&seen);
	assert_int_equal(sockjs_channel_members(service, "room", NULL, NULL), 2);
}

/* A store that fails at any step, and one that is begun anew, has all of it in the end. */
static void
test_failures(void **state)
{
	const enum store_result results[] = {STORE_FULL, STORE_DAMAGED};
	unsigned nth;
	size_t i;

	(void)state;
	open_client("a");
	open_client("b");
	for (i = 0; i < 2; i++)
		for (nth = 1; nth < 6; nth++) {
			char room[16];

			snprintf(room, sizeof room, "r%zu.%u", i, nth);
			fail_store(nth, results[i]);
			join("a", room, "ann", "A");
			join("b", room, "bob", "B");
			end_turn();
			fail_store(0, STORE_OK);
			pass_turns(RETRY_DELAY);
			sockjs_channel_unsubscribe(connection_of("b"), room);
			end_turn();
			pass_turns(RETRY_DELAY);
			restart();
			assert_only_member(room, "ann=A ");
			assert_int_equal(sockjs_channel_subscribers(service, room), 1);
		}
	buffer_clear(&seen);
}

/* A channel that is another one's twin (a reload had replaced its module) has its members, too. */
static void
test_twin(void **state)
{
	static const char twin[] = "00000000000000ff 7 /echo\0room";
	const struct stored_record records[] = {
	    {STORE_CHANNEL, 9, 0, twin, sizeof twin - 1},
	    {STORE_MEMBER, 9, 4, "bob\0B", 5},
	    {STORE_MEMBER, 9, 5, "ann\0other", 9},
	    {STORE_MEMBER, 9, 6, "", 0},
	    {STORE_MEMBER, 9, 7, "\0x", 2},
	    {STORE_MEMBER, 99, 1, "eve\0", 4},
	};
	size_t i;

	(void)state;
	open_client("a");
	open_client("b");
	join("a", "room", "ann", "A");
	end_turn();
	assert_int_equal(store_begin(spy.real), STORE_OK);
	for (i = 0; i < sizeof records / sizeof records[0]; i++)
		assert_int_equal(store_put_record(spy.real, &records[i]), STORE_OK);
	assert_int_equal(store_put_record(spy.real,
			     &(struct stored_record){
				 STORE_SUBSCRIPTION, find("b")->journal->key, 9, "bob\0B", 5}),
	    STORE_OK);
	assert_int_equal(store_commit(spy.real), STORE_OK);
	for (i = 0; i < 2; i++) {
		restart();
		buffer_clear(&seen);
		assert_int_equal(channels.count, 1);
		assert_int_equal(sockjs_channel_members(service, "room", NULL, NULL), 2);
		assert_int_equal(sockjs_channel_subscribers(service, "room"), 2);
		end_turn();
	}
	close_client("b");
	assert_seen("1<c[1000,\"Normal closure\"] 1. - -bob@room ");
}

#define PRESENCE_TEST(name)                                                                        \
	{#name " (memory)", test_##name, set_up_noting_in_memory, tear_down_store, NULL},          \
	{                                                                                          \
#name " (SQLite)", test_##name, set_up_noting_on_disk, tear_down_store, NULL       \
	}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    PRESENCE_TEST(members),
	    PRESENCE_TEST(mistakes),
	    PRESENCE_TEST(restart),
	    PRESENCE_TEST(nobody_comes_back),
	    PRESENCE_TEST(stop),
	    PRESENCE_TEST(failures),
	    PRESENCE_TEST(twin),
	};

	log_open("test_presence", SEVERITY_ERROR);
	return cmocka_run_group_tests_name("presence", tests, folder_setup, folder_teardown);
}
