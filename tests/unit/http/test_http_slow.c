/*
 * sessiond/http: the answer to a poll that passes libmicrohttpd by, and is more than the socket
 * takes at once.
 */
#include "tests/unit/http/http_fixture.h"

enum { LARGE = 600000 };

static unsigned
mhd_timeout(void)
{
	return MHD_get_connection_info(
	    only_connection()->mhd, MHD_CONNECTION_INFO_CONNECTION_TIMEOUT)
	    ->connection_timeout;
}

/* Some of the answer to a poll that passes is written; libmicrohttpd does not end it. */
static int
begin_answer(void)
{
	static char large[LARGE + 1];
	int client = hold_poll();

	service->protocol.options.queue_limit = SIZE_MAX;
	memset(large, 'z', LARGE); /* which no header has */
	write_and_run(large);
	assert_true(only_connection()->passes);
	assert_true(only_connection()->awaits_output);
	assert_int_equal(mhd_timeout(), 0);
	return client;
}

/* All of it comes. */
static void
read_answer(int client)
{
	size_t total = 0;

	do {
		read_all(client);
		for (const char *c = heard.text; *c != '\0'; c++)
			total += *c == 'z';
	} while (heard.text[0] != '\0');
	assert_int_equal(total, LARGE);
}

static void
test_all_is_read(void **state)
{
	int client = begin_answer();

	(void)state;
	pass_time(DISCONNECT_DELAY - 1);
	read_answer(client);
	assert_false(heard.ended);
	assert_null(session_find(service, "s", 1)->in_flight);
	/* It has as long again for the next request. */
	assert_false(only_connection()->passes);
	assert_int_equal(mhd_timeout(), server.connections.mhd_timeout);
	assert_true(only_connection()->heard == now);
	post(client, "/echo/000/s/xhr_send", "[\"c\"]");
	assert_heard(client, 204, "");
	assert_seen("=c ");
	hang_up(client);
}

static void
test_nothing_is_read(void **state)
{
	int client = begin_answer();

	(void)state;
	pass_time(KEEPALIVE_TIMEOUT - 1);
	assert_int_equal(server.connections.count, 1);
	pass_time(1);
	assert_int_equal(server.connections.count, 0);
	close(client);
}

/* A client that sends nothing more may still read. */
static void
test_client_says_no_more(void **state)
{
	int client = begin_answer();

	(void)state;
	shutdown(client, SHUT_WR);
	run();
	read_answer(client);
	assert_true(heard.ended);
	assert_null(session_find(service, "s", 1)->in_flight);
	assert_int_equal(server.connections.count, 0);
	close(client);
}

static void
test_client_leaves(void **state)
{
	int client = begin_answer();
	struct session *session = session_find(service, "s", 1);

	(void)state;
	hang_up(client);
	assert_int_equal(server.connections.count, 0);
	assert_null(session->in_flight);
	assert_int_equal(session->queue.count, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    HTTP_TEST(all_is_read),
	    HTTP_TEST(nothing_is_read),
	    HTTP_TEST(client_says_no_more),
	    HTTP_TEST(client_leaves),
	};

	return cmocka_run_group_tests_name("http_slow", tests, NULL, NULL);
}
