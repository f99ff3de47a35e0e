/*
 * sessiond/http/http_intake.h: a refused request ends its connection and reaches nobody; what came
 * before it is answered.
 */
#include "tests/unit/http/http_fixture.h"

#include "common/log_limit.h"
#include "tests/unit/log_capture.h"

#define SEND(fields) "POST /echo/000/s/xhr_send HTTP/1.1\r\nHost: a\r\n" fields "\r\n[\"a\"]"

static void
assert_refused(const char *bytes, int status)
{
	int client = connect_client();

	say(client, bytes);
	assert_heard(client, status, "");
	assert_true(has_header("Connection: close") && has_header("Content-Length: 0"));
	assert_true(heard.ended);
	close(client);
}

static void
test_refused(void **state)
{
	int client = open_session();

	(void)state;
	assert_refused(SEND("Content-Length : 5\r\n"), 400);
	assert_refused(SEND("Content-Length: 5\r\nHost: b\r\n"), 400);
	assert_refused(SEND("Content-Length: 5\r\nX: a\r\n b\r\n"), 400);
	assert_refused(SEND("Content-Length: 5\r\nX: a\rb\r\n"), 400);
	assert_refused(SEND("Content-Length: 5\nX: a\r\n"), 400);
	assert_refused(SEND("Content-Length: 5\r\nContent-Length: 6\r\n"), 400);
	assert_refused(SEND("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), 400);
	assert_refused(SEND("Transfer-Encoding: gzip, chunked\r\n"), 501);
	assert_refused("GET /echo\r\n\r\n", 400);
	assert_seen("");
	hang_up(client);
}

static void
test_nul(void **state)
{
	static const char text[] = "GET /echo HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n";
	int client = connect_client();

	(void)state;
	assert_int_equal(send(client, text, sizeof text - 1, 0), sizeof text - 1);
	run();
	assert_heard(client, 400, "");
	assert_true(heard.ended);
	close(client);
}

/* Each piece of a head comes alone. */
static void
test_pieces(void **state)
{
	const char *text = "GET /echo HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n";
	int client = connect_client();
	char byte[2] = {0};

	(void)state;
	for (; *text != '\0' && server.connections.count > 0; text++) {
		byte[0] = *text;
		say(client, byte);
	}
	assert_string_equal(text, "\r\n");
	assert_heard(client, 400, "");
	close(client);
}

/* A chunk that is none ends the request that it belongs to. */
static void
test_chunks(void **state)
{
	int client = open_session();

	(void)state;
	say(client,
	    "POST /echo/000/s/xhr_send HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
	say(client, "5\r\n[\"a\"]\n0\r\n\r\n");
	assert_heard(client, 400, "");
	assert_true(heard.ended);
	assert_seen("");
	close(client);
}

static void
test_behind_another(void **state)
{
	int client = open_session();

	(void)state;
	say(client, SEND("Content-Length: 5\r\n") "GET /echo\r\n\r\n");
	hear(client);
	assert_int_equal(heard.status, 204);
	assert_non_null(strstr(heard.body, "HTTP/1.1 400 Bad Request\r\n"));
	assert_true(heard.ended);
	assert_seen("=a ");
	close(client);
}

/* On a kept connection as on a new one. */
static void
test_second(void **state)
{
	int client = connect_client();

	(void)state;
	ask(client, "GET", "/echo", "");
	hear(client);
	ask(client, "GET", "/echo", "Host: b\r\n");
	assert_heard(client, 400, "");
	assert_true(heard.ended);
	close(client);
}

/* What is sent behind an Upgrade that is refused is taken for nothing. */
static void
test_behind_upgrade(void **state)
{
	int client = connect_client();

	(void)state;
	ask(client, "GET", "/echo/websocket",
	    "Upgrade: websocket\r\n\r\nGET /echo HTTP/1.1\r\nHost: a\r\n");
	assert_heard(client, 400, "Not a valid websocket request");
	assert_true(has_header("Connection: close"));
	assert_true(heard.ended);
	close(client);
	client = connect_client();
	ask(client, "GET", "/echo/websocket", "Upgrade: websocket\r\n");
	assert_heard(client, 400, "Not a valid websocket request");
	ask(client, "GET", "/echo", "");
	assert_heard(client, 200, "Welcome to SockJS!\n");
	hang_up(client);
}

static void
test_absolute_target(void **state)
{
	int client = connect_client();

	(void)state;
	ask(client, "GET", "http://other:8080/echo?a", "");
	assert_heard(client, 200, "Welcome to SockJS!\n");
	ask(client, "GET", "http://other/echo/info", "");
	hear(client);
	assert_int_equal(heard.status, 200);
	ask(client, "GET", "http://other", "");
	assert_heard(client, 404, "404 Error: Page not found\n");
	hang_up(client);
}

static void
test_log(void **state)
{
	(void)state;
	log_limits_flush();
	capture_begin();
	assert_refused("GET /echo\r\n\r\n", 400);
	capture_end();
	log_limits_flush();
	assert_non_null(strstr(captured, "info: a request is refused (400): "));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    HTTP_TEST(refused),
	    HTTP_TEST(nul),
	    HTTP_TEST(pieces),
	    HTTP_TEST(chunks),
	    HTTP_TEST(behind_another),
	    HTTP_TEST(second),
	    HTTP_TEST(behind_upgrade),
	    HTTP_TEST(absolute_target),
	    HTTP_TEST(log),
	};

	return cmocka_run_group_tests_name("http_intake", tests, NULL, NULL);
}
