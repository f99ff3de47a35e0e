/*
 * sessiond/api/api_group.c: the groups of sockjs.h.
 */
#include "tests/unit/session/session_fixture.h"

#include "sessiond/api/api.h"
#include "sessiond/api/api_group.h"
#include "sessiond/session/turn.h"
#include "tests/unit/log_capture.h"

#include <stdio.h>

static sockjs_group *group;

static void
join(sockjs_connection connection)
{
	assert_int_equal(sockjs_group_add(group, connection), SOCKJS_OK);
}

static int
set_up(void **state)
{
	fixture_set_up(state);
	group = sockjs_group_create(service);
	hooks.connection = join;
	return 0;
}

static int
tear_down(void **state)
{
	memset(&hooks, 0, sizeof hooks);
	sockjs_group_destroy(&group);
	return fixture_tear_down(state);
}

static void
test_write(void **state)
{
	(void)state;
	assert_int_equal(sockjs_group_write(group, "nobody", 6), SOCKJS_OK);
	arrive("1", fake_stream('1'));
	arrive("2", fake_poll('2'));
	arrive(NULL, fake_websocket('3'));
	assert_int_equal(sockjs_group_size(group), 3);
	assert_seen("1<o + 2<o 2. + 3<o + ");
	assert_int_equal(sockjs_group_write(group, "a\0\"", 3), SOCKJS_OK);
	assert_seen("");
	turn();
	assert_seen("1<a[\"a\\u0000\\\"\"] 3<a[\"a\\u0000\\\"\"] ");
	arrive("2", fake_poll('4'));
	assert_seen("4<a[\"a\\u0000\\\"\"] 4. ");
}

/* Encoded once: the second receiver finds what the first one's frame needed. */
static void
test_encodes_once(void **state)
{
	struct message *message;
	struct session *first, *second;

	(void)state;
	first = arrive("1", fake_stream('1'));
	second = arrive("2", fake_stream('2'));
	sockjs_group_write(group, "x", 1);
	message = second->queue.items[0];
	assert_ptr_equal(first->queue.items[0], message);
	assert_int_equal(message->refs, 2);
	turn_flush_session(first);
	assert_int_equal(message->refs, 1);
	assert_non_null(message->frame);
}

static void
test_misuse(void **state)
{
	sockjs_group *none = NULL;
	sockjs_connection stranger = {12345};

	(void)state;
	sockjs_group_destroy(&none);
	arrive("1", fake_stream('1'));
	assert_int_equal(sockjs_group_write(group, NULL, 0), SOCKJS_INVALID);
	assert_int_equal(sockjs_group_write(group, NULL, 3), SOCKJS_INVALID);
	assert_int_equal(sockjs_group_write(group, "\xff", 1), SOCKJS_INVALID);
	assert_int_equal(sockjs_group_write(group, "", 0), SOCKJS_OK);
	assert_int_equal(sockjs_group_add(group, stranger), SOCKJS_GONE);
	sockjs_group_remove(group, stranger);
	assert_int_equal(sockjs_group_add(group, latest), SOCKJS_OK); /* again: once is enough */
	assert_int_equal(sockjs_group_size(group), 1);
	turn();
	assert_seen("1<o + 1<a[\"\"] ");
	sockjs_group_remove(group, latest);
	sockjs_group_remove(group, latest);
	assert_int_equal(sockjs_group_size(group), 0);
	assert_int_equal(sockjs_group_write(group, "x", 1), SOCKJS_OK);
	turn();
	assert_seen("");
}

static void
test_closing_member_is_passed_over(void **state)
{
	(void)state;
	arrive("1", fake_stream('1'));
	sockjs_close(latest, 3000, "bye");
	arrive("2", fake_stream('2'));
	assert_int_equal(sockjs_group_write(group, "x", 1), SOCKJS_OK);
	assert_int_equal(sockjs_group_size(group), 2);
	turn();
	assert_seen("1<o + 2<o + 1<c[3000,\"bye\"] 1. - 2<a[\"x\"] ");
	assert_int_equal(sockjs_group_size(group), 1);
}

static void
test_slow_member_harms_no_other(void **state)
{
	struct fake_receiver *slow = fake_websocket('1');

	(void)state;
	arrive(NULL, slow);
	arrive(NULL, fake_websocket('2'));
	slow->backlog = QUEUE_LIMIT;
	assert_int_equal(sockjs_group_write(group, "x", 1), SOCKJS_OK);
	turn();
	assert_seen("1<o + 2<o + 1<c[1008,\"Messages are not read fast enough\"] 1. - 2<a[\"x\"] ");
}

/* However a connection ends, it leaves: from the front, the middle and the end of the group. */
static void
test_ended_leave(void **state)
{
	struct fake_receiver *streams[6];
	struct session *members[6];
	char id[2] = "0";
	int i;

	(void)state;
	for (i = 0; i < 6; i++) {
		id[0] = (char)('0' + i);
		streams[i] = fake_stream(id[0]);
		members[i] = arrive(id, streams[i]);
	}
	session_abort(members[2]);
	session_receiver_broke(&streams[0]->receiver);
	session_abort(members[5]);
	assert_int_equal(sockjs_group_size(group), 3);
	buffer_clear(&seen);
	sockjs_group_write(group, "x", 1);
	turn();
	assert_seen("1<a[\"x\"] 3<a[\"x\"] 4<a[\"x\"] ");
}

static void
write_goodbye(sockjs_connection connection)
{
	assert_int_equal(sockjs_group_add(group, connection), SOCKJS_GONE);
	assert_int_equal(sockjs_group_write(group, "left", 4), SOCKJS_OK);
}

static void
test_write_in_close(void **state)
{
	struct session *first;

	(void)state;
	first = arrive("1", fake_stream('1'));
	arrive("2", fake_stream('2'));
	hooks.close = write_goodbye;
	session_abort(first);
	turn();
	assert_seen("1<o + 2<o + 1. - 2<a[\"left\"] ");
	assert_int_equal(sockjs_group_size(group), 1);
}

static void
destroy_group(sockjs_connection connection)
{
	(void)connection;
	sockjs_group_destroy(&group);
}

static void
test_destroy_in_close(void **state)
{
	struct session *first;

	(void)state;
	first = arrive("1", fake_stream('1'));
	arrive("2", fake_stream('2'));
	hooks.close = destroy_group;
	session_abort(first);
	assert_null(group);
	turn();
	assert_seen("1<o + 2<o + 1. - ");
}

static void
test_many_groups(void **state)
{
	enum { GROUPS = 5, MEMBERS = 40 };
	sockjs_group *groups[GROUPS];
	sockjs_connection members[MEMBERS];
	struct session *last = NULL;
	int g, m;

	(void)state;
	for (m = 0; m < MEMBERS; m++) {
		struct session *session = session_create(service, NULL, 0);

		members[m] = (sockjs_connection){session->handle};
		last = session;
	}
	for (g = 0; g < GROUPS; g++) {
		groups[g] = sockjs_group_create(service);
		for (m = 0; m < MEMBERS; m++)
			assert_int_equal(sockjs_group_add(groups[g], members[m]), SOCKJS_OK);
	}
	sockjs_group_destroy(&groups[1]);
	assert_null(groups[1]);
	sockjs_group_remove(groups[2], members[0]);
	membership_leave_all(&last->memberships);
	membership_leave_all(&last->memberships);
	assert_int_equal(sockjs_group_size(groups[0]), MEMBERS - 1);
	assert_int_equal(sockjs_group_size(groups[2]), MEMBERS - 2);
	assert_int_equal(sockjs_group_size(groups[3]), MEMBERS - 1);
	for (g = 0; g < GROUPS; g++)
		sockjs_group_destroy(&groups[g]);
}

/* Each of several daemons has its own: a module that is not the daemon's is told, once. */
static void
test_several_daemons(void **state)
{
	sockjs_group *own, *first, *second;

	(void)state;
	api_set_daemons(3, true);
	capture_begin();
	own = sockjs_group_create(service);
	service->image = (struct module_image *)service; /* not looked into */
	first = sockjs_group_create(service);
	second = sockjs_group_create(service);
	capture_end();
	service->image = NULL;
	api_set_daemons(1, false);
	assert_non_null(strstr(captured, "uses, with 3 daemons, groups: each daemon has its own"));
	assert_null(strstr(strstr(captured, "3 daemons") + 1, "3 daemons"));
	sockjs_group_destroy(&own);
	sockjs_group_destroy(&first);
	sockjs_group_destroy(&second);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(write),
	    TEST(encodes_once),
	    TEST(misuse),
	    TEST(closing_member_is_passed_over),
	    TEST(slow_member_harms_no_other),
	    TEST(ended_leave),
	    TEST(write_in_close),
	    TEST(destroy_in_close),
	    TEST(many_groups),
	    TEST(several_daemons),
	};

	return cmocka_run_group_tests_name("group", tests, NULL, NULL);
}
