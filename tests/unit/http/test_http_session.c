/*
 * sessiond/http/http_session.h: receiving requests find or make their session; sends reach it.
 */
#include "tests/unit/http/http_fixture.h"

#include "tests/unit/log_capture.h"

static void
assert_send(int client, const char *body, int status, const char *answer)
{
	post(client, "/echo/000/s/xhr_send", body);
	assert_heard(client, status, answer);
}

static void
test_sends(void **state)
{
	int client = open_session();

	(void)state;
	assert_send(client, "[\"a\",\"b\"]", 204, "");
	assert_true(has_header("Access-Control-Allow-Origin: *"));
	assert_seen("=a =b ");
	assert_send(client, "[]", 204, "");
	assert_send(client, "", 500, "Payload expected.");
	assert_send(client, "[\"a", 500, "Broken JSON encoding.");
	assert_send(
	    client, "[\"0\",\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\"]", 204, "");
	assert_seen("=0 =1 =2 =3 =4 =5 =6 =7 =8 =9 ");
	post(client, "/echo/000/t/xhr_send", "[\"a\"]");
	assert_heard(client, 404, "404 Error: Page not found\n");
	assert_seen("");
	hang_up(client);
}

/* One more than messages_limit is refused, all of them. */
static void
test_messages_limit(void **state)
{
	int client = open_session();

	(void)state;
	service->protocol.options.messages_limit = 2;
	assert_send(client, "[\"a\",\"b\"]", 204, "");
	assert_seen("=a =b ");
	post(client, "/echo/000/s/xhr_send", "[\"a\",\"b\",\"c\"]");
	hear(client);
	assert_int_equal(heard.status, 500);
	assert_seen("");
	hang_up(client);
}

static void
test_forms(void **state)
{
	int client = open_session();

	(void)state;
	say(client,
	    "POST /echo/000/s/jsonp_send HTTP/1.1\r\nHost: a\r\nContent-Length: 15\r\nContent-Type: "
	    "application/x-www-form-urlencoded\r\n\r\nd=%5B%22a%22%5D");
	assert_heard(client, 200, "ok");
	assert_true(has_header("Content-Type: text/plain; charset=UTF-8"));
	assert_seen("=a ");
	say(client,
	    "POST /echo/000/s/jsonp_send HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Type: "
	    "text/plain\r\n\r\n[\"b\"]");
	assert_heard(client, 200, "ok");
	assert_seen("=b ");
	hang_up(client);
}

/* The message answers the poll of the same session, in the same turn. */
static void
echo(sockjs_connection connection, const sockjs_message *message)
{
	assert_int_equal(sockjs_write(connection, message->data, message->len), SOCKJS_OK);
}

static void
test_echo(void **state)
{
	int client = open_session(), sender = connect_client();

	(void)state;
	hooks.data = echo;
	post(client, "/echo/000/s/xhr", "");
	post(sender, "/echo/other/s/xhr_send", "[\"a\"]"); /* the server's part does not matter */
	assert_heard(sender, 204, "");
	assert_heard(client, 200, "a[\"a\"]\n");
	hang_up(client);
	hang_up(sender);
}

static void
test_callbacks(void **state)
{
	int client = connect_client();

	(void)state;
	ask(client, "GET", "/echo/000/s/jsonp", "");
	assert_heard(client, 500, "\"callback\" parameter required");
	ask(client, "GET", "/echo/000/s/jsonp?c=%20", "");
	hear(client);
	assert_int_equal(heard.status, 500);
	assert_int_equal(sessions.count, 0);
	ask(client, "GET", "/echo/000/s/htmlfile?callback=cb", "");
	hear(client);
	assert_int_equal(heard.status, 200);
	assert_non_null(strstr(heard.body, "var c = parent.cb;"));
	assert_non_null(strstr(heard.body, "p(\"o\");"));
	hang_up(client);
}

static void
test_session_limit(void **state)
{
	int client = open_session(), other = connect_client();

	(void)state;
	sessions.limit = 1;
	post(other, "/echo/000/t/xhr", "");
	hear(other);
	assert_int_equal(heard.status, 503);
	assert_false(is_known("t"));
	post(client, "/echo/000/s/xhr", "");
	assert_silence(client);
	hang_up(client);
	hang_up(other);
}

/*
 * Who sends to a session, and asks for one, at an address that a trusted proxy names. Leaves it to
 * the next `run` to be read.
 */
static void
put_from(int client, const char *address, const char *path, const char *body)
{
	char text[1024];

	snprintf(text, sizeof text,
	    "POST %s HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: %s\r\nContent-Length: %zu\r\n\r\n%s",
	    path, address, strlen(body), body);
	put(client, text);
}

static void
post_from(int client, const char *address, const char *path, const char *body)
{
	put_from(client, address, path, body);
	run();
}

/* They come in one turn, before anything is committed. */
static void
test_sessions_at_once(void **state)
{
	int client = connect_client(), other = connect_client();

	(void)state;
	use_store();
	sessions.store_address_limit = 100;
	capture_begin();
	put_from(client, "192.0.2.1", "/echo/000/s/xhr", "");
	put_from(other, "192.0.2.1", "/echo/000/t/xhr", "");
	run();
	capture_end();
	hear(client);
	hear(other);
	assert_int_equal(sessions.count, 1);
	hang_up(client);
	hang_up(other);
}

static void
test_over_a_share(void **state)
{
	static const char message[] = "[\"0123456789 123456789 123456789 123456789\"]";
	int client = connect_client(), other = connect_client();

	(void)state;
	use_store();
	hooks.data = echo;
	post_from(client, "192.0.2.1", "/echo/000/s/xhr", "");
	assert_heard(client, 200, "o\n");
	post_from(other, "192.0.2.2", "/echo/000/t/xhr", "");
	assert_heard(other, 200, "o\n");
	sessions.store_session_limit = 100;
	post(client, "/echo/000/s/xhr_send", message);
	assert_heard(client, 204, "");
	capture_begin();
	post(client, "/echo/000/s/xhr_send", message);
	assert_heard(client, 503, "The session cannot take messages now.\n");
	post(other, "/echo/000/t/xhr_send", message);
	assert_heard(other, 204, "");
	sessions.store_address_limit = 100;
	post_from(client, "192.0.2.1", "/echo/000/u/xhr", "");
	assert_heard(client, 503, "Too much is stored for your address.\n");
	post_from(other, "192.0.2.3", "/echo/000/u/xhr", "");
	assert_heard(other, 200, "o\n");
	capture_end();
	hang_up(client);
	hang_up(other);
}

static void
test_refused_sends(void **state)
{
	int client = open_session();

	(void)state;
	service_refuse_sends(service, true);
	post(client, "/echo/000/s/xhr_send", "[\"a\"]");
	assert_heard(client, 503, "The application is overloaded or away.\n");
	assert_true(has_header("Retry-After: 1"));
	post(client, "/echo/000/t/xhr_send", "[\"a\"]");
	assert_heard(client, 404, "404 Error: Page not found\n");
	assert_seen("");
	service_refuse_sends(service, false);
	assert_send(client, "[\"b\"]", 204, "");
	assert_seen("=b ");
	hang_up(client);
}

/* The daemon stops: a poll is not held any more. */
static void
test_closing(void **state)
{
	int client = open_session();

	(void)state;
	sessions.closing = true;
	post(client, "/echo/000/s/xhr", "");
	assert_heard(client, 200, "h\n");
	hang_up(client);
}

/* The module answers later: until then its client hears nothing, and can do nothing. */
static void
test_answered_later(void **state)
{
	int client = connect_client(), other = connect_client();

	(void)state;
	service->application = &later_application;
	post(client, "/echo/000/s/xhr", "");
	assert_silence(client);
	post(other, "/echo/000/s/xhr_send", "[\"a\"]");
	assert_heard(other, 404, "404 Error: Page not found\n");
	post(other, "/echo/000/s/xhr", "");
	assert_heard(other, 200, "c[2010,\"Another connection still open\"]\n");
	assert_int_equal(sockjs_admit(candidate, 0), SOCKJS_OK);
	run();
	assert_heard(client, 200, "o\n");
	assert_true(has_header("Access-Control-Allow-Origin: *"));
	assert_seen("+ ");
	post(client, "/echo/000/t/xhr_streaming", "");
	assert_silence(client);
	assert_int_equal(sockjs_admit(candidate, 0), SOCKJS_OK);
	run();
	hear(client);
	assert_int_equal(heard.status, 200);
	assert_non_null(strstr(heard.body, "o\n"));
	assert_seen("+ ");
	hang_up(client);
	hang_up(other);
}

static void
test_refused_later(void **state)
{
	int client = connect_client();

	(void)state;
	service->application = &later_application;
	post(client, "/echo/000/s/xhr_streaming", "");
	assert_int_equal(sockjs_admit(candidate, 401), SOCKJS_OK);
	run();
	assert_heard(client, 401, "Unauthorized\n");
	post(client, "/echo/000/s/xhr", "");
	pass_time(AUTHORIZE_TIMEOUT);
	assert_heard(client, 503, "The application does not answer.\n");
	assert_seen("- - ");
	post(client, "/echo/000/s/xhr", "");
	hang_up(client);
	assert_seen("- ");
	assert_int_equal(sessions.count, 0);
	assert_int_equal(service->users, 0);
}

static void
show_origin(sockjs_connection connection)
{
	assert_string_equal(sockjs_url(connection), "/echo/000/s/xhr?q=1");
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
	ask(client, "POST", "/echo/000/s/xhr?q=1", "Content-Length: 0\r\nUser-Agent: cmocka\r\n");
	assert_heard(client, 200, "o\n");
	assert_seen("+ shown ");
	hang_up(client);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    HTTP_TEST_BOTH(sends),
	    HTTP_TEST_BOTH(messages_limit),
	    HTTP_TEST_BOTH(forms),
	    HTTP_TEST_BOTH(echo),
	    HTTP_TEST_BOTH(callbacks),
	    HTTP_TEST_BOTH(session_limit),
	    HTTP_TEST_BOTH(over_a_share),
	    HTTP_TEST_BOTH(sessions_at_once),
	    HTTP_TEST_BOTH(refused_sends),
	    HTTP_TEST_BOTH(closing),
	    HTTP_TEST_BOTH(answered_later),
	    HTTP_TEST_BOTH(refused_later),
	    HTTP_TEST_BOTH(origin),
	};

	return cmocka_run_group_tests_name("http_session", tests, NULL, NULL);
}
