/*
 * sessiond/http/http_fields.h: behind a proxy on the Unix socket, the client is whom the proxy
 * names, for the application, the log and the counts.
 */
#include "tests/unit/http/http_fixture.h"

#include "tests/unit/log_capture.h"

#define LISTS                                                                                      \
	"X-Forwarded-For: 6.6.6.6\r\n"                                                             \
	"x-forwarded-for: 203.0.113.7\r\n"

static const char *
address_of(const char *id)
{
	return connection_info_remote_address(session_find(service, id, strlen(id))->info);
}

static void
open_by(int client, const char *id, const char *headers)
{
	char path[64], text[512];

	snprintf(path, sizeof path, "/echo/000/%s/xhr", id);
	snprintf(text, sizeof text, "%sContent-Length: 0\r\n", headers);
	ask(client, "POST", path, text);
	hear(client);
}

static void
restart_trusting(const char *proxies)
{
	server_options.trusted_proxies = (char *)(uintptr_t)proxies;
	http_server_reconfigure(&server, &server_options, CONNECTION_LIMIT, NULL);
}

static void
test_all_lines_are_one_list(void **state)
{
	int client = connect_client();

	(void)state;
	open_by(client, "a", LISTS);
	assert_string_equal(address_of("a"), "203.0.113.7");
	open_by(client, "b", "Forwarded: for=6.6.6.6\r\nForwarded: for=\"[2001:db8::7]:1\"\r\n");
	assert_string_equal(address_of("b"), "2001:db8::7");
	open_by(client, "c", LISTS "Forwarded: for=6.6.6.6\r\n");
	assert_string_equal(address_of("c"), "");
	open_by(client, "d", "");
	assert_string_equal(address_of("d"), "");
	hang_up(client);
	assert_seen("+ + + + ");
}

static void
test_who_is_not_trusted_is_not_heard(void **state)
{
	int client = connect_client();

	(void)state;
	restart_trusting("10.0.0.0/8");
	open_by(client, "a", LISTS);
	assert_string_equal(address_of("a"), "");
	restart_trusting("unix 203.0.113.0/24");
	open_by(client, "b", "X-Forwarded-For: 198.51.100.9, 203.0.113.7\r\n");
	assert_string_equal(address_of("b"), "198.51.100.9");
	hang_up(client);
	assert_seen("+ + ");
}

static void
test_the_log_names_the_client(void **state)
{
	int client = connect_client();

	(void)state;
	service->protocol.options.log_level = SEVERITY_INFO;
	capture_begin();
	ask(client, "GET", "/echo/info", LISTS);
	ask(client, "GET", "/echo", "");
	capture_end();
	assert_non_null(strstr(captured, " info: 203.0.113.7 GET /echo/info 200 0ms\n"));
	assert_non_null(strstr(captured, " info: - GET /echo 200 0ms\n"));
	hang_up(client);
}

static void
test_sessions_are_counted_for_the_client(void **state)
{
	int client = connect_client();

	(void)state;
	sessions.limit_per_address = 1;
	open_by(client, "a", "X-Forwarded-For: 203.0.113.7\r\n");
	assert_int_equal(heard.status, 200);
	open_by(client, "b", "X-Forwarded-For: 6.6.6.6, 203.0.113.7\r\n");
	assert_int_equal(heard.status, 503);
	open_by(client, "c", "X-Forwarded-For: 203.0.113.8\r\n");
	assert_int_equal(heard.status, 200);
	ask(client, "GET", "/echo/000/d/websocket",
	    "Upgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Version: 13\r\n"
	    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nX-Forwarded-For: 203.0.113.8\r\n");
	hear(client);
	assert_int_equal(heard.status, 503);
	hang_up(client);
	assert_seen("+ + ");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    HTTP_TEST_BOTH(all_lines_are_one_list),
	    HTTP_TEST_BOTH(who_is_not_trusted_is_not_heard),
	    HTTP_TEST_BOTH(the_log_names_the_client),
	    HTTP_TEST_BOTH(sessions_are_counted_for_the_client),
	};

	return cmocka_run_group_tests_name("http_client", tests, NULL, NULL);
}
