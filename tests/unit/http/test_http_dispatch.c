/*
 * sessiond/http/http_dispatch.h with http_request.h: what is read of a request, who answers it, and
 * what is refused.
 */
#include "tests/unit/http/http_fixture.h"

#include "common/log.h"
#include "tests/unit/log_capture.h"

/* --- who answers ------------------------------------------------------------------------------ */

static void
assert_answer(const char *method, const char *path, int status, const char *body)
{
	int client = connect_client();

	ask(client, method, path, "");
	hear(client);
	assert_int_equal(heard.status, status);
	if (body != NULL)
		assert_string_equal(heard.body, body);
	hang_up(client);
}

static void
test_pages(void **state)
{
	(void)state;
	assert_answer("GET", "/echo", 200, "Welcome to SockJS!\n");
	assert_answer("GET", "/echo/", 200, "Welcome to SockJS!\n");
	assert_answer("GET", "/echo?a=b", 200, "Welcome to SockJS!\n");
	assert_answer("GET", "/echo/info", 200, NULL);
	assert_non_null(strstr(heard.body, "\"websocket\":true"));
	assert_true(has_header("Access-Control-Allow-Origin: *"));
	assert_answer("GET", "/echo/iframe.html", 200, NULL);
	assert_non_null(strstr(heard.body, "http://localhost/sockjs.js"));
	assert_answer("OPTIONS", "/echo/000/s/xhr_send", 204, "");
	assert_true(has_header("Access-Control-Allow-Methods: OPTIONS, POST"));
	assert_answer("GET", "/echo/000/s/xhr", 405, "");
	assert_answer("GET", "/echo/nothing", 404, "404 Error: Page not found\n");
	assert_answer("GET", "/echo/000/s/%78hr", 404, NULL); /* paths stay as they were sent */
}

/* Each info has numbers of its own. */
static void
test_entropy(void **state)
{
	char first[256];

	(void)state;
	assert_answer("GET", "/echo/info", 200, NULL);
	snprintf(first, sizeof first, "%s", heard.body);
	assert_answer("GET", "/echo/info", 200, NULL);
	assert_string_not_equal(heard.body, first);
}

static void
test_outside(void **state)
{
	(void)state;
	assert_answer("GET", "/", 404, "404 Error: Page not found\n");
	assert_true(has_header("Content-Type: text/plain; charset=UTF-8"));
	assert_answer("POST", "/other/000/s/xhr", 404, "404 Error: Page not found\n");
	assert_answer("GET", "/echoes", 404, "404 Error: Page not found\n");
}

/* A retired service has the requests of its sessions; all others are the new one's. */
static void
test_retired(void **state)
{
	struct sockjs_service *retired = service;
	struct error err = ERROR_INIT;
	struct sockjs_service *fresh = service_create("/echo", &err);
	int client = open_session();

	(void)state;
	fresh->protocol.options = service->protocol.options;
	fresh->protocol.options.websocket = false;
	service_prepare(
	    fresh, &sessions.timers, session_heartbeat_fire, session_timeout_fire, &sessions);
	retired->is_retired = true;
	services =
	    (struct services){.items = &fresh, .count = 1, .retired = &retired, .retired_count = 1};
	post(client, "/echo/000/s/xhr_send", "[\"a\"]");
	assert_heard(client, 204, "");
	assert_seen("=a ");
	ask(client, "GET", "/echo/info", "");
	hear(client);
	assert_non_null(strstr(heard.body, "\"websocket\":false"));
	assert_int_equal(fresh->users, 0); /* nobody holds it when its request is over */
	hang_up(client);
	service->is_retired = false;
	services = (struct services){.items = &service, .count = 1};
	service_release(fresh);
	service_destroy(&fresh);
}

/* The service is retired while the body comes, and its session ends: the new one answers. */
static void
test_retired_meanwhile(void **state)
{
	struct sockjs_service *retired = service;
	int client = connect_client();

	(void)state;
	say(client, "POST /echo/000/s/xhr_send HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n");
	assert_int_equal(service->users, 1);
	service->is_retired = true;
	services = (struct services){.retired = &retired, .retired_count = 1};
	say(client, "[\"a\"]");
	assert_heard(client, 404, "404 Error: Page not found\n");
	assert_false(has_header("Access-Control-Allow-Origin: *"));
	assert_int_equal(service->users, 0);
	service->is_retired = false;
	hang_up(client);
}

/* --- bodies ----------------------------------------------------------------------------------- */

static void
test_pieces(void **state)
{
	static const char *const pieces[] = {"POST /echo/000/s/xhr_", "send HTTP/1.1\r\nHo",
	    "st: a\r\nContent-Length: 9\r\n\r", "\n[", "\"a\",\"", "b\"]"};
	int client = open_session();
	size_t i;

	(void)state;
	for (i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
		assert_silence(client);
		say(client, pieces[i]);
	}
	assert_heard(client, 204, "");
	assert_seen("=a =b ");
	hang_up(client);
}

static void
test_body_limit(void **state)
{
	char body[BODY_LIMIT + 2];
	int client = open_session();

	(void)state;
	memset(body, ' ', sizeof body);
	memcpy(body, "[\"a\"]", 5);
	body[BODY_LIMIT] = '\0';
	post(client, "/echo/000/s/xhr_send", body);
	assert_heard(client, 204, "");
	body[BODY_LIMIT] = ' ';
	body[BODY_LIMIT + 1] = '\0';
	post(client, "/echo/000/s/xhr_send", body);
	assert_heard(client, 413, "Request body too large.\n");
	assert_true(has_header("Access-Control-Allow-Origin: *"));
	assert_seen("=a ");
	post(client, "/echo", body);
	assert_heard(client, 413, "Request body too large.\n");
	assert_false(has_header("Access-Control-Allow-Origin: *"));
	/* Outside every service the [server] section's limit counts. */
	post(client, "/", "0123456789");
	assert_heard(client, 404, "404 Error: Page not found\n");
	post(client, "/", "0123456789x");
	assert_heard(client, 413, "Request body too large.\n");
	hang_up(client);
}

/* The length is not known before: what came in pieces is counted. */
static void
test_chunked_body(void **state)
{
	char chunk[64];
	int client = open_session(), i;

	(void)state;
	say(client,
	    "POST /echo/000/s/xhr_send HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
	for (i = 0; i < BODY_LIMIT / 10; i++)
		say(client, "A\r\n          \r\n");
	assert_silence(client);
	say(client, "1\r\n \r\n0\r\n\r\n");
	assert_heard(client, 413, "Request body too large.\n");
	assert_false(heard.ended);
	snprintf(chunk, sizeof chunk, "%x\r\n", 5);
	say(client,
	    "POST /echo/000/s/xhr_send HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
	say(client, chunk);
	say(client, "[\"a\"]\r\n0\r\n\r\n");
	assert_heard(client, 204, "");
	assert_seen("=a ");
	hang_up(client);
}

static void
test_expect(void **state)
{
	int client = connect_client();

	(void)state;
	say(client,
	    "POST /echo/000/s/xhr_send HTTP/1.1\r\nHost: a\r\nContent-Length: 101\r\nExpect: "
	    "100-continue\r\n\r\n");
	assert_heard(client, 413, "Request body too large.\n");
	close(client);
	client = open_session();
	say(client,
	    "POST /echo/000/s/xhr_send HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: "
	    "100-continue\r\n\r\n");
	hear(client);
	assert_int_equal(heard.status, 100);
	say(client, "[\"a\"]");
	assert_heard(client, 204, "");
	assert_seen("=a ");
	hang_up(client);
}

/* Without Expect the body is heard out, up to 16 times the limit; then the connection ends. */
static void
test_endless_body(void **state)
{
	char piece[BODY_LIMIT + 1];
	int client = connect_client(), i;

	(void)state;
	memset(piece, 'x', BODY_LIMIT);
	piece[BODY_LIMIT] = '\0';
	say(client,
	    "POST /echo/000/s/xhr_send HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n");
	for (i = 0; i < 16; i++)
		say(client, piece);
	assert_silence(client);
	say(client, piece);
	assert_heard(client, 413, "");
	assert_true(has_header("Connection: close"));
	assert_true(heard.ended);
	assert_int_equal(server.connections.count, 0);
	close(client);
}

enum { BODY = 16000 };

/* A send; its client sends nothing more, and reads. */
static void
put_send(int client, int body)
{
	static char text[HTTP_TURN_BODIES + 256];

	snprintf(text, sizeof text,
	    "POST /echo/000/s/xhr_send HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%-*s]",
	    body, body - 1, "[\"a\"");
	put(client, text);
	shutdown(client, SHUT_WR);
}

static void
put_large(int client)
{
	put_send(client, BODY);
}

/* A turn handles as many as have room in it, also of clients that have nothing more to send. */
static void
test_large_bodies(void **state)
{
	int clients[3] = {open_session(), connect_client(), connect_client()};
	size_t i;

	(void)state;
	service->protocol.options.body_limit = 100000;
	server.requests.handled = HTTP_TURN_BODIES - 2 * BODY;
	for (i = 0; i < 3; i++)
		put_large(clients[i]);
	run();
	assert_seen("=a =a ");
	assert_true(http_server_is_waiting(&server));
	http_server_turn(&server);
	assert_false(http_server_is_waiting(&server));
	run();
	assert_seen("=a ");
	for (i = 0; i < 3; i++) {
		assert_heard(clients[i], 204, "");
		assert_true(heard.ended);
		close(clients[i]);
	}
}

static void
answer_at_length(sockjs_connection connection, const sockjs_message *message)
{
	static char text[HTTP_TURN_WORK / 2];

	(void)message;
	memset(text, 'x', sizeof text);
	assert_int_equal(sockjs_write(connection, text, sizeof text), SOCKJS_OK);
}

/* Short sends wait, too, where they have been answered at length; what has no body goes on. */
static void
test_long_answers(void **state)
{
	int clients[3] = {open_session(), connect_client(), connect_client()};
	size_t i;

	(void)state;
	hooks.data = answer_at_length;
	service->protocol.options.queue_limit = 2 * HTTP_TURN_WORK;
	for (i = 0; i < 3; i++)
		put(clients[i],
		    "POST /echo/000/s/xhr_send HTTP/1.1\r\nHost: a\r\nContent-Length: "
		    "5\r\n\r\n[\"a\"]");
	run();
	assert_seen("=a =a ");
	assert_true(http_server_is_waiting(&server));
	assert_heard(clients[0], 204, "");
	ask(clients[0], "GET", "/echo", "");
	assert_heard(clients[0], 200, "Welcome to SockJS!\n");
	http_server_turn(&server);
	assert_false(http_server_is_waiting(&server));
	run();
	assert_seen("=a ");
	for (i = 0; i < 3; i++)
		hang_up(clients[i]);
}

/* A short send does not wait for the large ones that came before it. */
static void
test_short_before_large(void **state)
{
	int clients[3] = {open_session(), connect_client(), connect_client()};

	(void)state;
	service->protocol.options.body_limit = 100000;
	server.requests.handled = HTTP_TURN_WORK;
	put_send(clients[0], HTTP_TURN_BODIES);
	put_send(clients[1], HTTP_TURN_BODIES);
	run();
	put_send(clients[2], 5);
	run();
	assert_seen("");
	http_server_turn(&server);
	run();
	assert_seen("=a =a ");
	assert_heard(clients[2], 204, "");
	assert_true(http_server_is_waiting(&server));
	http_server_turn(&server);
	run();
	assert_seen("=a ");
	for (int i = 0; i < 3; i++)
		close(clients[i]);
}

/* Who has waited is the next, whatever comes meanwhile. */
static void
test_large_body_is_next(void **state)
{
	int clients[3] = {open_session(), connect_client(), connect_client()};

	(void)state;
	service->protocol.options.body_limit = 100000;
	server.requests.handled = HTTP_TURN_BODIES;
	put_large(clients[0]);
	run();
	assert_seen("");
	assert_true(http_server_is_waiting(&server));
	http_server_turn(&server);
	assert_false(http_server_is_waiting(&server));
	server.requests.handled = HTTP_TURN_BODIES;
	put_large(clients[1]);
	put_large(clients[2]);
	run();
	assert_heard(clients[0], 204, "");
	assert_seen("=a ");
	assert_true(http_server_is_waiting(&server));
	http_server_turn(&server);
	assert_false(http_server_is_waiting(&server));
	run();
	assert_seen("=a =a ");
	close(clients[0]);
	hang_up(clients[1]);
	hang_up(clients[2]);
}

/* --- tables of handlers ----------------------------------------------------------------------- */

static const char *folder;

static const char *
folder_of(void *context)
{
	(void)context;
	return folder;
}

static size_t
limit_of(void *context)
{
	(void)context;
	return 20;
}

/* Says which table it is of, and what it was asked. */
static bool
answer_told(void *context, struct http_request *request)
{
	char text[200];
	int len = snprintf(text, sizeof text, "%s %s %s %s %.*s", (const char *)context,
	    request->method, request->uri, request->query == NULL ? "-" : request->query,
	    (int)request->body.len, request->body.len == 0 ? "" : request->body.data);

	http_response_text(&request->response, 200, "text/plain", text, (size_t)len);
	return true;
}

static bool
answer_nothing(void *context, struct http_request *request)
{
	(void)context;
	(void)request;
	return false;
}

#define CLIENTS (1u << HTTP_WAY_CLIENTS)

static void
test_handlers(void **state)
{
	static const struct http_handler first[] = {
	    {"/known", "GET", CLIENTS, false, answer_told},
	    {"/other/", NULL, 1u << HTTP_WAY_CONTROL, true, answer_told},
	    {"/passed/", NULL, CLIENTS, false, answer_nothing},
	    {NULL},
	};
	static const struct http_handler second[] = {
	    {"/apps/", NULL, CLIENTS, true, answer_told},
	    {"/passed/on", "POST", CLIENTS, true, answer_told},
	    {NULL},
	};
	const struct http_handlers handlers[] = {
	    {first, "1"}, {second, "2", folder_of, limit_of}, {NULL}};
	int client = connect_client();

	(void)state;
	server.requests.handlers = handlers;
	ask(client, "GET", "/known", "");
	assert_heard(client, 200, "1 GET /known - ");
	ask(client, "GET", "/known/more", "");
	assert_heard(client, 404, "404 Error: Page not found\n");
	post(client, "/known", "");
	assert_heard(client, 404, "404 Error: Page not found\n");
	ask(client, "GET", "/other/", "");
	assert_heard(client, 404, "404 Error: Page not found\n");
	post(client, "/apps/1/events?a=%20b&c", "01234567890123456789");
	assert_heard(client, 200, "2 POST /apps/1/events a=%20b&c 01234567890123456789");
	ask(client, "GET", "/apps/", "");
	assert_heard(client, 200, "2 GET /apps/ - ");
	ask(client, "DELETE", "/apps/1?", "");
	assert_heard(client, 200, "2 DELETE /apps/1  ");
	ask(client, "GET", "/apps", "");
	assert_heard(client, 404, "404 Error: Page not found\n");
	post(client, "/apps/1/events", "012345678901234567890");
	assert_heard(client, 413, "Request body too large.\n");
	post(client, "/passed/on", "body");
	assert_heard(client, 200, "2 POST /passed/on - body");
	folder = "/live";
	ask(client, "GET", "/live/apps/1", "");
	assert_heard(client, 200, "2 GET /live/apps/1 - ");
	ask(client, "GET", "/apps/1", "");
	assert_heard(client, 404, "404 Error: Page not found\n");
	ask(client, "GET", "/known", "");
	assert_heard(client, 200, "1 GET /known - ");
	hang_up(client);
}

/* Of what is stored beside sessions the journal knows only that it is acknowledged. */
static bool
answer_stored(void *context, struct http_request *request)
{
	(void)context;
	request->response.concerns_session = request->response.acknowledges = true;
	journal_note_send(&sessions.journal);
	http_response_text(&request->response, 200, "text/plain", "stored", strlen("stored"));
	return true;
}

static void
test_handler_waits_for_the_store(void **state)
{
	static const struct http_handler table[] = {
	    {"/store", "POST", CLIENTS, true, answer_stored}, {NULL}};
	const struct http_handlers handlers[] = {{table}, {NULL}};
	int client = connect_client(), i;

	(void)state;
	use_store();
	server.requests.handlers = handlers;
	put(client, "POST /store HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}");
	for (i = 0; i < 5; i++) {
		uv_run(&loop, UV_RUN_NOWAIT);
		http_server_run(&server);
	}
	assert_true(sessions.journal.has_sends);
	assert_silence(client);
	run();
	assert_heard(client, 200, "stored");
	hang_up(client);
}

/* --- the log ---------------------------------------------------------------------------------- */

static void
assert_line(const char *text)
{
	char line[256];

	snprintf(line, sizeof line, " info: %s\n", text);
	assert_non_null(strstr(captured, line));
}

static void
test_log(void **state)
{
	int client = open_session();

	(void)state;
	service->protocol.options.log_level = defaults.log_level = SEVERITY_INFO;
	capture_begin();
	ask(client, "GET", "/echo/000/secretive-session/xhr", "");
	ask(client, "GET", "/echo/000/seven77/xhr?query", "");
	ask(client, "GET", "/echo/000/eight888/xhr", "");
	ask(client, "GET", "/echo/info", "");
	ask(client, "GET", "/", "");
	capture_end();
	assert_line("- GET /echo/000/secr.../xhr 405 0ms");
	assert_line("- GET /echo/000/s.../xhr 405 0ms");
	assert_line("- GET /echo/000/eigh.../xhr 405 0ms");
	assert_line("- GET /echo/info 200 0ms");
	assert_line("- GET / 404 0ms");
	assert_int_equal(count_lines(captured), 5);
	/* Not of a misspelt URL either. */
	capture_begin();
	ask(client, "GET", "/echo/000/secretive-session/xhr_sent", "");
	ask(client, "GET", "/ecko/000/secretive-session/xhr", "");
	ask(client, "GET", "/echo/000/secretive-session", "");
	capture_end();
	assert_int_equal(count_lines(captured), 3);
	assert_null(strstr(captured, "secretive"));
	/* The time from the first line of the request to the end of the response. */
	post(client, "/echo/000/s/xhr", "");
	capture_begin();
	pass_time(HEARTBEAT_DELAY);
	capture_end();
	assert_line("- POST /echo/000/s.../xhr 200 25000ms");
	service->protocol.options.log_level = defaults.log_level = SEVERITY_ERROR;
	capture_begin();
	ask(client, "GET", "/echo/info", "");
	ask(client, "GET", "/", "");
	assert_string_equal(capture_end(), "");
	hang_up(client);
}

/* --- stopping --------------------------------------------------------------------------------- */

static void
test_stopping(void **state)
{
	int client = connect_client();

	(void)state;
	server.requests.is_stopping = true;
	ask(client, "GET", "/echo", "");
	assert_end(client);
	server.requests.is_stopping = false;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    HTTP_TEST_BOTH(pages),
	    HTTP_TEST_BOTH(entropy),
	    HTTP_TEST_BOTH(outside),
	    HTTP_TEST_BOTH(retired),
	    HTTP_TEST_BOTH(retired_meanwhile),
	    HTTP_TEST_BOTH(pieces),
	    HTTP_TEST_BOTH(body_limit),
	    HTTP_TEST(handlers),
	    HTTP_TEST_BOTH(handler_waits_for_the_store),
	    HTTP_TEST_BOTH(chunked_body),
	    HTTP_TEST_BOTH(expect),
	    HTTP_TEST_BOTH(endless_body),
	    HTTP_TEST_BOTH(large_bodies),
	    HTTP_TEST_BOTH(long_answers),
	    HTTP_TEST_BOTH(large_body_is_next),
	    HTTP_TEST_BOTH(short_before_large),
	    HTTP_TEST_BOTH(log),
	    HTTP_TEST_BOTH(stopping),
	};

	return cmocka_run_group_tests_name("http_dispatch", tests, NULL, NULL);
}
