/*
 * sessiond/websocket/websocket_output.h: what several websockets send in one turn is written at its
 * end, each one's own to each, in its order.
 */
#include "tests/unit/websocket/websocket_fixture.h"

enum { MANY = WEBSOCKET_PARTS + 6, LONG = 20000 };

static int clients[MANY];
static sockjs_connection connections[MANY];
static sockjs_group *group;
static int drains;

/* Their clients in the order in which they are opened. All are in the group. */
static void
open_many(int n, struct websocket *(*open_one)(void))
{
	int i;

	group = sockjs_group_create(service);
	for (i = 0; i < n; i++) {
		open_one();
		clients[i] = client;
		connections[i] = latest;
		assert_int_equal(sockjs_group_add(group, latest), SOCKJS_OK);
	}
}

static void
close_many(int n)
{
	for (client = -1; n > 0; n--)
		close(clients[n - 1]);
	sockjs_group_destroy(&group);
}

#define assert_client_got(i, literal)                                                              \
	do {                                                                                       \
		client = clients[i];                                                               \
		assert_got(literal);                                                               \
	} while (0)

static void
write_group(const char *text)
{
	assert_int_equal(sockjs_group_write(group, text, strlen(text)), SOCKJS_OK);
}

static void
test_shared(void **state)
{
	int i;

	(void)state;
	open_many(MANY, open_sockjs);
	sends = 0;
	write_group("\"a");
	run();
	assert_int_equal(sends, MANY);
	write_group("b");
	write_group("c");
	write_text(connections[1], "d");
	run();
	for (i = 0; i < MANY; i++)
		if (i == 1)
			assert_client_got(i,
			    "\x81\x08"
			    "a[\"\\\"a\"]\x81\x0e"
			    "a[\"b\",\"c\",\"d\"]");
		else
			assert_client_got(i,
			    "\x81\x08"
			    "a[\"\\\"a\"]\x81\x0a"
			    "a[\"b\",\"c\"]");
	close_many(MANY);
}

static void
nobody_waits(void)
{
	size_t i;

	for (i = 0; i < sockjs_group_size(group); i++)
		assert_int_equal(sockjs_queued_bytes(connections[i]), 0);
}

/* Nothing is written before everybody's is made. */
static void
test_together(void **state)
{
	(void)state;
	open_many(3, open_sockjs);
	on_send = nobody_waits;
	write_group("a");
	run();
	on_send = NULL;
	assert_client_got(0,
	    "\x81\x06"
	    "a[\"a\"]");
	assert_client_got(2,
	    "\x81\x06"
	    "a[\"a\"]");
	close_many(3);
}

/* Peers that take a part, or nothing, have the rest when their sockets take more. */
static void
test_backlogs(void **state)
{
	(void)state;
	open_many(3, open_raw);
	room = 6;
	write_group("hello");
	write_text(connections[2], "!");
	run();
	assert_client_got(0, "\x81\x05hell");
	assert_client_got(1, "");
	room = 3;
	write_group("x");
	turn();
	assert_int_equal(room, 3);
	room = SIZE_MAX;
	run();
	assert_client_got(0, "o\x81\x01x");
	assert_client_got(1, "\x81\x05hello\x81\x01x");
	assert_client_got(2, "\x81\x05hello\x81\x01!\x81\x01x");
	assert_int_equal(sessions.limits.queued.taken, 0);
	close_many(3);
}

static void
test_one_is_broken(void **state)
{
	(void)state;
	open_many(3, open_sockjs);
	send_error = EPIPE;
	write_group("a");
	run();
	assert_seen("- ");
	assert_client_got(0, "");
	assert_true(is_ended());
	assert_client_got(1,
	    "\x81\x06"
	    "a[\"a\"]");
	assert_client_got(2,
	    "\x81\x06"
	    "a[\"a\"]");
	assert_int_equal(websockets.count, 2);
	close_many(3);
}

/* One closes among the others: its close comes behind its messages, and takes nobody's. */
static void
test_one_closes(void **state)
{
	(void)state;
	open_many(3, open_raw);
	write_group("a");
	sockjs_close(connections[1], 3001, "");
	run();
	assert_client_got(0,
	    "\x81\x01"
	    "a");
	assert_client_got(1,
	    "\x81\x01"
	    "a\x88\x02\x0b\xb9");
	assert_client_got(2,
	    "\x81\x01"
	    "a");
	assert_seen("- ");
	close_many(3);
}

/* A long message, which is not copied, keeps its place among its websocket's others. */
static void
test_long(void **state)
{
	static char text[LONG], expected[2 * 3 + 4 + LONG];
	size_t n = 0;

	(void)state;
	memset(text, 'x', LONG);
	memcpy(expected,
	    "\x81\x01"
	    "a\x82\x7e\x4e\x20",
	    7);
	memcpy(expected + 7, text, LONG);
	memcpy(expected + 7 + LONG,
	    "\x81\x01"
	    "b",
	    3);
	n = 7 + LONG + 3;
	open_many(2, open_raw);
	write_group("a");
	sockjs_write_binary(connections[1], text, LONG);
	write_group("b");
	run();
	assert_client_got(0,
	    "\x81\x01"
	    "a\x81\x01"
	    "b");
	client = clients[1];
	expect_bytes(expected, n, __FILE__, __LINE__);
	close_many(2);
}

static void
on_drain(sockjs_connection connection)
{
	assert_int_equal(sockjs_queued_bytes(connection), 0);
	drains++;
}

/* It is told once the socket has taken all, and not while it is put off. */
static void
test_drain(void **state)
{
	static struct sockjs_module module;
	char text[DRAIN_MARK];

	(void)state;
	module = fake_application;
	module.drain = on_drain;
	service->application = &module;
	drains = 0;
	open_raw();
	memset(text, 'x', sizeof text);
	room = 1;
	sockjs_write(latest, text, sizeof text);
	run();
	assert_int_equal(drains, 0);
	room = SIZE_MAX;
	run();
	assert_int_equal(drains, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    WEBSOCKET_TEST(shared),
	    WEBSOCKET_TEST(together),
	    WEBSOCKET_TEST(backlogs),
	    WEBSOCKET_TEST(one_is_broken),
	    WEBSOCKET_TEST(one_closes),
	    WEBSOCKET_TEST(long),
	    WEBSOCKET_TEST(drain),
	};

	return cmocka_run_group_tests_name("websocket_output", tests, NULL, NULL);
}
