/*
 * sessiond/responder/siblings.h: connections are handed over, once, and wait for a daemon that is
 * away. The other daemon is the test.
 */
#include "tests/unit/responder/siblings_fixture.h"

/* --- connections ------------------------------------------------------------------------------ */

/* Hands one over, which has a place among its address's; returns its client's end. */
static int
hand_over_of(struct address_entry *address, const char *text)
{
	struct buffer bytes = BUFFER_INIT;
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	buffer_append_str(&bytes, text);
	siblings_hand_over(&siblings, OTHER, pair[0], address, &bytes);
	assert_int_equal(bytes.len, 0);
	return pair[1];
}

static int
hand_over(const char *text)
{
	return hand_over_of(NULL, text);
}

/* What has come to a client; *ended: that is all. */
static const char *
read_client(int client, bool *ended)
{
	static char text[1024];
	ssize_t n = recv(client, text, sizeof text - 1, 0);

	text[n < 0 ? 0 : n] = '\0';
	*ended = recv(client, (char[1]){0}, 1, 0) == 0;
	return text;
}

static void
assert_open(int client)
{
	bool ended;

	assert_string_equal(read_client(client, &ended), "");
	assert_false(ended);
}

static void
test_hands_over(void **state)
{
	int client = hand_over("GET 1");
	bool ended;

	(void)state;
	greet();
	assert_int_equal(got.hellos, 1);
	assert_int_equal(got.handovers, 1);
	assert_string_equal(got.bytes, "GET 1");
	assert_int_equal(connections.away, 1);
	say_taken(got.id);
	assert_int_equal(connections.away, 0);
	/* The other has it now, alone. */
	assert_open(client);
	assert_int_equal(send(got.fd, "hi", 2, 0), 2);
	close(got.fd);
	got.fd = -1;
	assert_string_equal(read_client(client, &ended), "hi");
	assert_true(ended);
	close(client);
	/* The next one goes the same way at once. */
	client = hand_over("GET 2");
	hear();
	assert_string_equal(got.bytes, "GET 2");
	say_taken(got.id);
	close(client);
}

/* It is one of its address's connections here until it is the other's. */
static void
test_keeps_its_place(void **state)
{
	const struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = 7};
	const struct sockaddr *any = (const struct sockaddr *)&address;
	struct address_count *addresses = &sessions.limits.addresses;
	int client = hand_over_of(address_count_add(addresses, any), "GET");

	(void)state;
	greet();
	assert_int_equal(address_count_get(addresses, any), 1);
	say_taken(got.id);
	assert_int_equal(address_count_get(addresses, any), 0);
	close(client);
}

/* Nothing is sent before the other has greeted, and a bounded number before it has taken one. */
static void
test_many(void **state)
{
	enum { MANY = SIBLING_UNTAKEN_MAX + 10 };
	int clients[MANY];

	(void)state;
	for (int i = 0; i < MANY; i++)
		clients[i] = hand_over("GET");
	accept_link();
	hear();
	assert_int_equal(got.handovers, 0);
	say_hello(WIRE_MINOR);
	hear();
	assert_int_equal(got.handovers, SIBLING_UNTAKEN_MAX);
	for (uint64_t id = 1; id <= MANY; id++) {
		say_taken(id);
		hear();
	}
	assert_int_equal(got.handovers, MANY);
	assert_int_equal(connections.away, 0);
	for (int i = 0; i < MANY; i++)
		close(clients[i]);
}

/* What was not taken comes again, in its order; what was, does not. */
static void
test_dies(void **state)
{
	int clients[3];

	(void)state;
	for (int i = 0; i < 3; i++)
		clients[i] = hand_over((const char *[]){"1", "2", "3"}[i]);
	greet();
	assert_int_equal(got.handovers, 3);
	say_taken(1);
	die();
	assert_int_equal(connections.away, 2);
	run_for(SIBLING_PAUSE_MS);
	memset(got.bytes, 0, sizeof got.bytes);
	greet();
	assert_int_equal(got.handovers, 5);
	assert_int_equal(got.id, 3);
	for (int i = 1; i < 3; i++)
		assert_open(clients[i]);
	say_taken(2);
	say_taken(3);
	for (int i = 0; i < 3; i++)
		close(clients[i]);
}

/* It has taken one, and dies before it has read all: that it has is not forgotten. */
static void
test_dies_with_unread_input(void **state)
{
	int first = hand_over("1"), second;
	struct buffer out = BUFFER_INIT;

	(void)state;
	greet();
	second = hand_over("2");
	wire_encode_taken(&out, 1);
	assert_int_equal(send(accepted, out.data, out.len, 0), out.len);
	buffer_free(&out);
	die();
	assert_int_equal(connections.away, 1);
	close(first);
	close(second);
}

static void
assert_503(int client)
{
	bool ended;
	const char *text = read_client(client, &ended);

	assert_memory_equal(text, "HTTP/1.1 503 ", 13);
	assert_non_null(strstr(text, "\r\nRetry-After: 1\r\n"));
	assert_non_null(strstr(text, "\r\n\r\nThe daemon that has the session is not running.\n"));
	assert_true(ended);
	assert_int_equal(connections.away, 0);
	close(client);
}

static void
test_away(void **state)
{
	int client;

	(void)state;
	close(listener);
	listener = -1;
	client = hand_over("GET");
	run_for(SIBLING_WAIT_MS - 1);
	assert_open(client);
	run_for(1);
	assert_503(client);
}

/* It has greeted, and takes nothing: what it was sent nobody else gets. */
static void
test_wedged(void **state)
{
	int first = hand_over("1"), second;

	(void)state;
	greet();
	run_for(SIBLING_WAIT_MS - 1);
	second = hand_over("2");
	hear();
	assert_int_equal(got.handovers, 2);
	assert_open(first);
	run_for(1);
	assert_int_equal(recv(accepted, &(char){0}, 1, 0), 0);
	close(got.fd);
	got.fd = -1;
	assert_503(first);
	assert_503(second);
}

/* Its links end one after the other, as those to one without descriptors do. */
static void
test_loses_links(void **state)
{
	int client = hand_over("GET");

	(void)state;
	greet();
	for (uint64_t ms = SIBLING_PAUSE_MS; ms < SIBLING_WAIT_MS; ms += SIBLING_PAUSE_MS) {
		assert_open(client);
		die();
		run_for(SIBLING_PAUSE_MS);
		greet();
	}
	run_for(SIBLING_PAUSE_MS);
	close(got.fd);
	got.fd = -1;
	assert_503(client);
}

static void
test_comes_back(void **state)
{
	int client;

	(void)state;
	close(listener);
	client = hand_over("GET");
	run_for(SIBLING_WAIT_MS / 2);
	listen_other();
	run_for(SIBLING_PAUSE_MS);
	greet();
	assert_int_equal(got.handovers, 1);
	say_taken(got.id);
	assert_open(client);
	close(client);
}

static void
test_goodbye(void **state)
{
	struct buffer out = BUFFER_INIT;
	int first = hand_over("1"), second;

	(void)state;
	greet();
	wire_encode_goodbye(&out, "stopping");
	say(&out);
	second = hand_over("2");
	hear();
	assert_int_equal(got.handovers, 1);
	die();
	run_for(SIBLING_PAUSE_MS);
	greet();
	assert_int_equal(got.handovers, 3);
	assert_string_equal(got.bytes, "2");
	close(first);
	close(second);
}

/* What it says is not as it has to be: the link ends, and what waits, waits. */
static void
test_bad_siblings(void **state)
{
	int client = hand_over("GET");
	char byte;

	(void)state;
	accept_link();
	hear();
	say_hello(WIRE_MINOR_DAEMONS - 1);
	assert_int_equal(recv(accepted, &byte, 1, 0), 0);
	die();
	run_for(SIBLING_PAUSE_MS);
	greet();
	say_taken(got.id + 1);
	assert_int_equal(recv(accepted, &byte, 1, 0), 0);
	die();
	run_for(SIBLING_PAUSE_MS);
	greet();
	assert_int_equal(send(accepted, "GET / HTTP/1.1\r\n\r\n", 18, 0), 18);
	turn();
	assert_int_equal(recv(accepted, &byte, 1, 0), 0);
	assert_open(client);
	assert_int_equal(connections.away, 1);
	close(client);
}

/* --- which leave ------------------------------------------------------------------------------ */

static void
check_target(const char *target, bool is_elsewhere)
{
	assert_int_equal(
	    connections.is_elsewhere(connections.context, target, strlen(target)), is_elsewhere);
}

/* wire_home: session-0001 is of daemon 0, session-0002 of daemon 1. */
static void
test_which_leave(void **state)
{
	(void)state;
	assert_null(connections.is_elsewhere);
	siblings_start(&siblings);
	check_target("/echo/000/session-0001/xhr", false);
	check_target("/echo/000/session-0002/xhr", true);
	check_target("/echo/000/session-0002/xhr/?a=/000/session-0001/xhr", true);
	check_target("/a/b/c/000/session-0002/jsonp_send", true);
	check_target("http://host/echo/000/session-0002/eventsource", true);
	check_target("/pusher/app/key/000/session-0002/xhr_streaming?protocol=7", true);
	check_target("/echo/000/session-0002/websocket", false);
	check_target("/echo/000/session-0002~1/websocket", true);
	check_target("/echo/000/session-0001~1/websocket", false);
	check_target("/echo/info", false);
	check_target("/session-0002/xhr", false);
	check_target("*", false);
	check_target("", false);
}

static void
test_leaves(void **state)
{
	struct buffer bytes = BUFFER_INIT;
	int pair[2];

	(void)state;
	siblings_start(&siblings);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	buffer_append_str(&bytes, "POST /echo/0/session-0002/xhr HTTP/1.1\r\n");
	connections.left(connections.context, pair[0], NULL, &bytes);
	greet();
	assert_int_equal(got.handovers, 1);
	close(pair[1]);
}

static void
test_one_daemon(void **state)
{
	(void)state;
	siblings_clear(&siblings);
	config->place = (struct daemon_place){0, 1};
	siblings_init(&siblings, &loop, &sessions, &connections, config);
	siblings_start(&siblings);
	assert_null(connections.is_elsewhere);
}
int
main(void)
{
	const struct CMUnitTest tests[] = {
	    SIBLING_TEST(hands_over),
	    SIBLING_TEST(keeps_its_place),
	    SIBLING_TEST(many),
	    SIBLING_TEST(dies),
	    SIBLING_TEST(dies_with_unread_input),
	    SIBLING_TEST(away),
	    SIBLING_TEST(wedged),
	    SIBLING_TEST(loses_links),
	    SIBLING_TEST(comes_back),
	    SIBLING_TEST(goodbye),
	    SIBLING_TEST(bad_siblings),
	    SIBLING_TEST(which_leave),
	    SIBLING_TEST(leaves),
	    SIBLING_TEST(one_daemon),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
