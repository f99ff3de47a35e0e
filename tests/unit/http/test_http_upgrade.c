/*
 * sessiond/http/http_upgrade.h: handshakes that are accepted or refused, and the socket's way to
 * its websocket. The key and its answer are those of RFC 6455 1.3.
 */
#include "tests/unit/http/http_fixture.h"
#include "tests/unit/log_capture.h"

#define KEY	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define ACCEPT	"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
#define ASKS_13 "Sec-WebSocket-Version: 13\r\n"
#define UPGRADE "Connection: Upgrade\r\nUpgrade: websocket\r\n"
#define PATH	"/echo/000/s/websocket"

static void
assert_accepted(const char *path, const char *headers)
{
	int client = connect_client();

	ask(client, "GET", path, headers);
	hear(client);
	assert_int_equal(heard.status, 101);
	assert_true(has_header(ACCEPT));
	assert_true(has_header("Upgrade: websocket"));
	assert_false(has_header("Content-Type: text/plain; charset=UTF-8"));
	assert_int_equal(websockets.count, 1);
	assert_int_equal(server.connections.count, 0);
	hang_up(client);
	assert_int_equal(websockets.count, 0);
	assert_seen("+ - ");
}

static void
assert_refused(const char *headers, const char *body)
{
	int client = connect_client();

	ask(client, "GET", PATH, headers);
	assert_heard(client, 400, body);
	assert_int_equal(websockets.count, 0);
	hang_up(client);
}

static void
test_accepted(void **state)
{
	(void)state;
	assert_accepted(PATH, UPGRADE KEY ASKS_13);
	assert_accepted(PATH, UPGRADE KEY "Sec-WebSocket-Version: 8\r\n");
	assert_accepted("/echo/websocket", UPGRADE KEY ASKS_13);
	/* Among other tokens, in any case, in several lines. */
	assert_accepted(PATH,
	    "Connection: keep-alive, upgrade\r\nUpgrade: h2c\r\nUpgrade: WebSocket\r\n" KEY
		ASKS_13);
}

static void
test_refused(void **state)
{
	static const char not_a_request[] = "Not a valid websocket request";
	static const char not_supported[] = "Only supported WebSocket protocol is RFC 6455.";
	int client = connect_client();

	(void)state;
	assert_refused(KEY ASKS_13, not_a_request);
	assert_refused("Connection: Upgrade\r\n" KEY ASKS_13, not_a_request);
	assert_refused("Upgrade: websocket\r\n" KEY ASKS_13, not_a_request);
	assert_refused("Connection: Upgrade\r\nUpgrade: websockets\r\n" KEY ASKS_13, not_a_request);
	assert_refused(UPGRADE KEY, not_supported);
	assert_true(has_header("Sec-WebSocket-Version: 13, 8"));
	assert_refused(UPGRADE KEY "Sec-WebSocket-Version: 14\r\n", not_supported);
	assert_true(has_header("Sec-WebSocket-Version: 13, 8"));
	assert_refused(UPGRADE ASKS_13, not_a_request);
	assert_false(has_header("Sec-WebSocket-Version: 13, 8"));
	assert_refused(UPGRADE ASKS_13 "Sec-WebSocket-Key: short\r\n", not_a_request);
	say(client, "GET " PATH " HTTP/1.0\r\nHost: a\r\n" UPGRADE KEY ASKS_13 "\r\n");
	assert_heard(client, 400, not_a_request);
	close(client);
}

static void
test_session_limit(void **state)
{
	int client = connect_client();

	(void)state;
	sessions.limit = 0;
	ask(client, "GET", PATH, UPGRADE KEY ASKS_13);
	hear(client);
	assert_int_equal(heard.status, 503);
	assert_int_equal(websockets.count, 0);
	hang_up(client);
}

/* What follows the head is the websocket's; the answer begins with the 101. */
static void
test_early_message(void **state)
{
	static const char request[] =
	    "GET " PATH " HTTP/1.1\r\nHost: a\r\n" UPGRADE KEY ASKS_13 "\r\n";
	char bytes[sizeof request + 16];
	int client = connect_client();
	size_t len = sizeof request - 1;

	(void)state;
	memcpy(bytes, request, len);
	memcpy(bytes + len, "\x81\x85\0\0\0\0[\"a\"]", 11);
	assert_int_equal(write(client, bytes, len + 11), len + 11);
	run();
	assert_seen("+ =a ");
	assert_heard(client, 101, "\x81\x01o");
	hang_up(client);
}

/* Nothing of libmicrohttpd's connection is left: neither a deadline nor its hang-up. */
static void
test_taken_over(void **state)
{
	int client = connect_client();

	(void)state;
	ask(client, "GET", PATH, UPGRADE KEY ASKS_13);
	assert_heard(client, 101, "\x81\x01o");
	pass_time(KEEPALIVE_TIMEOUT);
	assert_silence(client);
	write_text(latest, "a");
	run();
	read_all(client);
	assert_string_equal(heard.text,
	    "\x81\x06"
	    "a[\"a\"]");
	hang_up(client);
	assert_seen("+ - ");
}

/* Whether the 101 names that subprotocol; NULL: none. */
static void
assert_subprotocol(const char *path, const char *asked, const char *chosen)
{
	char headers[512], expected[100];
	int client = connect_client();

	snprintf(headers, sizeof headers, "%s%s", UPGRADE KEY ASKS_13, asked);
	ask(client, "GET", path, headers);
	hear(client);
	assert_int_equal(heard.status, 101);
	assert_string_equal(sockjs_subprotocol(latest), chosen == NULL ? "" : chosen);
	if (chosen == NULL) {
		assert_null(strstr(heard.head, "Sec-WebSocket-Protocol"));
	} else {
		snprintf(expected, sizeof expected, "Sec-WebSocket-Protocol: %s", chosen);
		assert_true(has_header(expected));
	}
	hang_up(client);
}

static void
test_subprotocol(void **state)
{
	static const char asks[] = "Sec-WebSocket-Protocol: mqtt\r\n"
				   "Sec-WebSocket-Protocol: v11.stomp, v12.stomp\r\n";
	char list[] = "v12.stomp mqtt";

	(void)state;
	assert_subprotocol(PATH, asks, NULL); /* none is offered */
	service->protocol.options.websocket_protocols = list;
	assert_subprotocol(PATH, asks, "v12.stomp");
	assert_subprotocol("/echo/websocket", asks, "v12.stomp");
	assert_subprotocol(PATH, "Sec-WebSocket-Protocol: mqtt\r\n", "mqtt");
	assert_subprotocol(PATH, "Sec-WebSocket-Protocol: V12.STOMP, x\r\n", NULL);
	assert_subprotocol(PATH, "", NULL);
}

static void
assert_forbidden(const char *path, const char *origin)
{
	char headers[512];
	int client = connect_client();

	snprintf(
	    headers, sizeof headers, "%s%s: https://evil.example\r\n", UPGRADE KEY ASKS_13, origin);
	ask(client, "GET", path, headers);
	assert_heard(client, 403, "This origin is not allowed.\n");
	assert_int_equal(websockets.count, 0);
	hang_up(client);
}

/* The line names whom, where from and why; the service's own log_level lets it through. */
static void
test_foreign_origin(void **state)
{
	char list[] = "https://good.example";

	(void)state;
	service->protocol.options.allowed_origins = list;
	protocol_service_clear(&service->protocol);
	protocol_service_prepare(&service->protocol);
	capture_begin_later();
	assert_forbidden(PATH, "Origin");
	assert_forbidden("/echo/websocket", "Sec-WebSocket-Origin");
	assert_non_null(strstr(capture_end(),
	    "/echo: origin https://evil.example, from -, is not let in (allowed_origins)"));
	assert_accepted(PATH, UPGRADE KEY ASKS_13 "Origin: https://good.example\r\n");
	assert_accepted(PATH, UPGRADE KEY ASKS_13); /* no browser */
}

static void
test_deflate(void **state)
{
	static const char asks[] =
	    "Sec-WebSocket-Extensions: x-other\r\nSec-WebSocket-Extensions: permessage-deflate\r\n";
	char headers[512];
	int client = connect_client();

	(void)state;
	snprintf(headers, sizeof headers, "%s%s", UPGRADE KEY ASKS_13, asks);
	ask(client, "GET", PATH, headers);
	hear(client);
	assert_int_equal(heard.status, 101);
	assert_null(strstr(heard.head, "Extensions")); /* it is not enabled */
	hang_up(client);
	service->protocol.options.websocket_deflate = true;
	client = connect_client();
	ask(client, "GET", PATH, headers);
	hear(client);
	assert_true(has_header("Sec-WebSocket-Extensions: permessage-deflate"));
	assert_true(LIST_FIRST(&websockets.list)->limits.deflate);
	hang_up(client);
	buffer_clear(&seen);
	assert_accepted(PATH, UPGRADE KEY ASKS_13); /* nobody asked */
	assert_refused(UPGRADE KEY ASKS_13 "Sec-WebSocket-Extensions: ,;\r\n",
	    "Not a valid websocket request");
}

static void
show_origin(sockjs_connection connection)
{
	assert_string_equal(sockjs_url(connection), PATH "?q");
	assert_string_equal(sockjs_prefix(connection), "/echo");
	assert_string_equal(sockjs_header(connection, "user-agent"), "cmocka");
	buffer_append_str(&seen, "shown ");
}

static void
test_origin(void **state)
{
	int client = connect_client();

	(void)state;
	hooks.connection = show_origin;
	ask(client, "GET", PATH "?q", UPGRADE KEY ASKS_13 "User-Agent: cmocka\r\n");
	hear(client);
	assert_seen("+ shown ");
	hang_up(client);
}

/* --- hixie-76: the keys of its draft ---------------------------------------------------------- */

#define KEYS                                                                                       \
	"Sec-WebSocket-Key1: 18x 6]8vM;54 *(5:  {   U1]8  z [  8\r\n"                              \
	"Sec-WebSocket-Key2: 1_ tx7X d  <  nw  334J702) 7]o}` 0\r\n"

static void
assert_location(const char *path, const char *headers, const char *location)
{
	char header[128];
	int client = connect_client();

	ask(client, "GET", path, headers);
	hear(client);
	assert_int_equal(heard.status, 101);
	snprintf(header, sizeof header, "Sec-WebSocket-Location: %s", location);
	assert_true(has_header(header));
	assert_int_equal(websockets.count, 1);
	hang_up(client);
	assert_true(LIST_EMPTY(&handshakes));
}

static void
test_hixie76(void **state)
{
	int client = connect_client();

	(void)state;
	assert_refused(UPGRADE KEYS, "Only supported WebSocket protocol is RFC 6455.");
	service->protocol.options.websocket_hixie76 = true;
	assert_location(PATH, UPGRADE KEYS, "ws://a" PATH);
	assert_location(PATH "?q", UPGRADE KEYS "Origin: http://b\r\nX-Forwarded-Proto: HTTPS\r\n",
	    "wss://a" PATH "?q");
	assert_true(has_header("Sec-WebSocket-Origin: http://b"));
	server_options.trusted_proxies = NULL;
	http_server_reconfigure(&server, &server_options, CONNECTION_LIMIT, NULL);
	assert_location(PATH, UPGRADE KEYS "X-Forwarded-Proto: https\r\n", "ws://a" PATH);
	assert_true(has_header("Upgrade: WebSocket"));
	assert_refused(UPGRADE "Sec-WebSocket-Key1: 1\r\nSec-WebSocket-Key2: 1 2\r\n",
	    "Not a valid websocket request");
	ask(client, "GET", "/echo/websocket", UPGRADE KEYS);
	assert_heard(client, 400, "Only supported WebSocket protocol is RFC 6455.");
	hang_up(client);
}

static void
test_hixie76_opens(void **state)
{
	int client = connect_client();

	(void)state;
	service->protocol.options.websocket_hixie76 = true;
	ask(client, "GET", PATH, UPGRADE KEYS);
	assert_heard(client, 101, "");
	say(client, "Tm[K T2u"); /* the draft's third key */
	read_all(client);
	assert_memory_equal(heard.text, "fQJ,fN/4F4!~K~MH", 16);
	assert_memory_equal(heard.text + 16, "\x00o\xff", 3);
	assert_int_equal(websockets.count, 1);
	hang_up(client);
	assert_seen("+ - ");
}

/* --- a module that answers later -------------------------------------------------------------- */

static void
test_answered_later(void **state)
{
	static const char request[] =
	    "GET " PATH " HTTP/1.1\r\nHost: a\r\n" UPGRADE KEY ASKS_13 "\r\n";
	char bytes[sizeof request + 16];
	int client = connect_client();
	size_t len = sizeof request - 1;

	(void)state;
	service->application = &later_application;
	memcpy(bytes, request, len);
	memcpy(bytes + len, "\x81\x85\0\0\0\0[\"a\"]", 11);
	assert_int_equal(write(client, bytes, len + 11), len + 11);
	run();
	assert_silence(client);
	pass_time(AUTHORIZE_TIMEOUT - 1);
	assert_int_equal(sockjs_admit(candidate, 0), SOCKJS_OK);
	run();
	assert_seen("+ =a ");
	assert_heard(client, 101, "\x81\x01o");
	assert_true(has_header(ACCEPT));
	hang_up(client);
	assert_seen("- ");
}

static void
test_hixie76_is_answered_later(void **state)
{
	int client = connect_client();

	(void)state;
	service->application = &later_application;
	service->protocol.options.websocket_hixie76 = true;
	ask(client, "GET", PATH, UPGRADE KEYS);
	assert_silence(client);
	assert_int_equal(sockjs_admit(candidate, 0), SOCKJS_OK);
	run();
	assert_heard(client, 101, "");
	say(client, "Tm[K T2u");
	read_all(client);
	assert_memory_equal(heard.text + 16, "\x00o\xff", 3);
	hang_up(client);
	assert_seen("+ - ");
}

/* What was agreed is given back: the session, and the place for deflate. */
static void
test_refused_later(void **state)
{
	static const char asks[] =
	    UPGRADE KEY ASKS_13 "Sec-WebSocket-Extensions: permessage-deflate\r\n";
	int client = connect_client();

	(void)state;
	service->application = &later_application;
	service->protocol.options.websocket_deflate = true;
	ask(client, "GET", PATH, asks);
	assert_int_equal(sessions.limits.deflate.taken, 1);
	assert_int_equal(sockjs_admit(candidate, 403), SOCKJS_OK);
	run();
	assert_heard(client, 403, "Forbidden\n");
	hang_up(client);
	assert_seen("- ");
	client = connect_client();
	ask(client, "GET", PATH, asks);
	hang_up(client);
	assert_seen("- ");
	assert_int_equal(sessions.limits.deflate.taken, 0);
	assert_int_equal(sessions.count, 0);
	assert_int_equal(service->users, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    HTTP_TEST(accepted),
	    HTTP_TEST(refused),
	    HTTP_TEST(session_limit),
	    HTTP_TEST(early_message),
	    HTTP_TEST(taken_over),
	    HTTP_TEST(subprotocol),
	    HTTP_TEST(foreign_origin),
	    HTTP_TEST(deflate),
	    HTTP_TEST(origin),
	    HTTP_TEST(hixie76),
	    HTTP_TEST(hixie76_opens),
	    HTTP_TEST(answered_later),
	    HTTP_TEST(hixie76_is_answered_later),
	    HTTP_TEST(refused_later),
	};

	return cmocka_run_group_tests_name("http_upgrade", tests, NULL, NULL);
}
