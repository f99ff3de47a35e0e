/*
 * sockjs/reply.h: what is answered to a request: status, body and every header. Its cookie is in
 * test_reply_cookie.c.
 */
#include "tests/unit/sockjs/reply_fixture.h"

#define NOT_CACHED "Cache-Control: no-store, no-cache, no-transform, must-revalidate, max-age=0\n"
#define CACHED	   "Cache-Control: public, max-age=31536000\nExpires: Fri, 01 Jan 1971 00:00:00 GMT\n"
#define JAVASCRIPT "Content-Type: application/javascript; charset=UTF-8\n"
#define TEXT	   "Content-Type: text/plain; charset=UTF-8\n"
#define ANY_ORIGIN "Access-Control-Allow-Origin: *\nVary: Origin\n"

/* The page follows the options. */
static void
set_url(char *text)
{
	protocol_service_clear(&service);
	service.options.sockjs_url = text;
	protocol_service_prepare(&service);
}

static void
assert_body(const char *expected)
{
	assert_int_equal(reply.body_len, strlen(expected));
	assert_memory_equal(reply.body, expected, reply.body_len);
}

/* The whole answer, without the session. */
static void
assert_answer(
    const char *method, const char *path, int status, const char *expected, const char *body)
{
	ask(method, path);
	assert_true(is_whole);
	assert_int_equal(reply.status, status);
	assert_string_equal(headers.data, expected);
	assert_body(body);
}

/* The session's to answer; these are the status and headers of a success. */
static void
assert_goes_on(const char *method, const char *path, const char *expected)
{
	ask(method, path);
	assert_false(is_whole);
	assert_int_equal(reply.status, 200);
	assert_string_equal(headers.data, expected);
	assert_int_equal(reply.body_len, 0);
}

/* --- URLs ------------------------------------------------------------------------------------- */

static void
test_greeting(void **state)
{
	(void)state;
	service.options.jsessionid = JSESSIONID_ON;
	assert_answer("GET", "", 200, TEXT, "Welcome to SockJS!\n");
	assert_answer("GET", "/", 200, TEXT, "Welcome to SockJS!\n");
	assert_int_equal(reply.body_len, 19);
}

static void
test_not_found(void **state)
{
	(void)state;
	assert_answer("GET", "/a", 404, TEXT, "404 Error: Page not found\n");
	assert_answer("POST", "/a./b/xhr", 404, TEXT, "404 Error: Page not found\n");
	assert_answer("OPTIONS", "/nothing", 404, TEXT, "404 Error: Page not found\n");
}

static void
test_method_not_allowed(void **state)
{
	static const char *const get_only[] = {"", "/iframe.html", "/websocket", "/a/b/websocket",
	    "/a/b/eventsource", "/a/b/htmlfile", "/a/b/jsonp"};
	size_t i;

	(void)state;
	service.options.jsessionid = JSESSIONID_ON;
	request[0] = "Origin", request[1] = "http://o";
	for (i = 0; i < sizeof get_only / sizeof get_only[0]; i++) {
		assert_answer("POST", get_only[i], 405, "Allow: GET\n", "");
		assert_answer("OPTIONS", get_only[i], 405, "Allow: GET\n", "");
	}
	assert_answer("POST", "/info", 405, "Allow: OPTIONS, GET\n", "");
	assert_answer("GET", "/chunking_test", 405, "Allow: OPTIONS, POST\n", "");
	assert_answer("GET", "/a/b/xhr", 405, "Allow: OPTIONS, POST\n", "");
	assert_answer("PUT", "/a/b/xhr_streaming", 405, "Allow: OPTIONS, POST\n", "");
	assert_answer("DELETE", "/a/b/xhr_send", 405, "Allow: OPTIONS, POST\n", "");
	assert_answer("OPTIONS", "/a/b/jsonp_send", 405, "Allow: POST\n", "");
	assert_answer(
	    "post", "/a/b/xhr", 405, "Allow: OPTIONS, POST\n", ""); /* RFC 9110 9.1: case matters */
}

static void
test_session_answers(void **state)
{
	(void)state;
	assert_goes_on("POST", "/a/b/xhr", JAVASCRIPT NOT_CACHED ANY_ORIGIN);
	assert_goes_on("POST", "/a/b/xhr_send", TEXT NOT_CACHED ANY_ORIGIN);
	assert_goes_on("POST", "/a/b/xhr_streaming",
	    JAVASCRIPT NOT_CACHED "X-Accel-Buffering: no\n" ANY_ORIGIN);
	assert_goes_on("GET", "/a/b/eventsource",
	    "Content-Type: text/event-stream\n" NOT_CACHED "X-Accel-Buffering: no\n" ANY_ORIGIN);
	assert_goes_on("GET", "/a/b/htmlfile",
	    "Content-Type: text/html; charset=UTF-8\n" NOT_CACHED
	    "X-Content-Type-Options: nosniff\nX-Accel-Buffering: no\n");
	assert_goes_on(
	    "GET", "/a/b/jsonp", JAVASCRIPT NOT_CACHED "X-Content-Type-Options: nosniff\n");
	assert_goes_on("POST", "/a/b/jsonp_send", TEXT NOT_CACHED);
	assert_goes_on("GET", "/websocket", "");
	assert_goes_on("GET", "/a/b/websocket", "");
	assert_goes_on("POST", "/chunking_test", JAVASCRIPT ANY_ORIGIN);
}

static void
test_disabled_transports(void **state)
{
	(void)state;
	service.options.websocket = false;
	assert_answer("GET", "/websocket", 404, TEXT, "404 Error: Page not found\n");
	assert_answer("GET", "/a/b/websocket", 404, TEXT, "404 Error: Page not found\n");
	service.options.websocket = true;
	service.options.transports = 1u << TRANSPORT_WEBSOCKET | 1u << TRANSPORT_EVENTSOURCE;
	assert_answer("GET", "/websocket", 404, TEXT, "404 Error: Page not found\n");
	assert_answer("POST", "/a/b/xhr", 404, TEXT, "404 Error: Page not found\n");
	assert_answer("OPTIONS", "/a/b/xhr", 404, TEXT, "404 Error: Page not found\n");
	assert_answer("POST", "/a/b/jsonp_send", 404, TEXT, "404 Error: Page not found\n");
	assert_goes_on("GET", "/a/b/websocket", "");
	assert_goes_on(
	    "POST", "/a/b/xhr_send", TEXT NOT_CACHED ANY_ORIGIN); /* eventsource needs it */
}

/* --- info ------------------------------------------------------------------------------------- */

#define INFO_HEADERS "Content-Type: application/json; charset=UTF-8\n" NOT_CACHED

static void
assert_info(const char *body)
{
	assert_answer("GET", "/info", 200, INFO_HEADERS ANY_ORIGIN, body);
}

static void
test_info(void **state)
{
	(void)state;
	assert_info(
	    "{\"websocket\":true,\"origins\":[\"*:*\"],\"cookie_needed\":false,\"entropy\":4294967295}");
	service.options.websocket = false;
	assert_info(
	    "{\"websocket\":false,\"origins\":[\"*:*\"],\"cookie_needed\":false,\"entropy\":4294967295}");
	service.options.websocket = true;
	service.options.transports = TRANSPORTS_ALL & ~(1u << TRANSPORT_WEBSOCKET);
	assert_info(
	    "{\"websocket\":false,\"origins\":[\"*:*\"],\"cookie_needed\":false,\"entropy\":4294967295}");
	service.options.transports = TRANSPORTS_ALL;
	service.options.jsessionid = JSESSIONID_ON;
	assert_info(
	    "{\"websocket\":true,\"origins\":[\"*:*\"],\"cookie_needed\":true,\"entropy\":4294967295}");
	service.options.jsessionid = JSESSIONID_MODULE;
	assert_info(
	    "{\"websocket\":true,\"origins\":[\"*:*\"],\"cookie_needed\":true,\"entropy\":4294967295}");
}

static void
test_entropy(void **state)
{
	struct request_head head = {
	    .method = "GET", .path = "/info", .header = find_header, .context = &request};
	const char *session;
	size_t len;

	(void)state;
	assert_true(
	    reply_decide(&service, route_find("/info", 5, &session, &len), &head, 0, &reply));
	assert_body(
	    "{\"websocket\":true,\"origins\":[\"*:*\"],\"cookie_needed\":false,\"entropy\":0}");
	assert_true(reply_decide(
	    &service, route_find("/info", 5, &session, &len), &head, 1234567890, &reply));
	assert_body(
	    "{\"websocket\":true,\"origins\":[\"*:*\"],\"cookie_needed\":false,\"entropy\":1234567890}");
}

static void
test_base_url(void **state)
{
	char quotes[] = "http://h/\"a\\b\"\x01", empty[] = "";

	(void)state;
	service.options.base_url = quotes;
	assert_info(
	    "{\"websocket\":true,\"origins\":[\"*:*\"],\"cookie_needed\":false,\"entropy\":4294967295,"
	    "\"base_url\":\"http://h/\\\"a\\\\b\\\"\\u0001\"}");
	service.options.base_url = empty;
	assert_info(
	    "{\"websocket\":true,\"origins\":[\"*:*\"],\"cookie_needed\":false,\"entropy\":4294967295,"
	    "\"base_url\":\"\"}");
}

static void
test_long_base_url(void **state)
{
	char longest[190]; /* about what a line of sockjs.conf holds, each byte written as six */

	(void)state;
	memset(longest, 1, sizeof longest - 1);
	longest[sizeof longest - 1] = '\0';
	service.options.base_url = longest;
	ask("GET", "/info");
	assert_int_equal(reply.body_len,
	    strlen(
		"{\"websocket\":true,\"origins\":[\"*:*\"],\"cookie_needed\":false,\"entropy\":4294967295,"
		"\"base_url\":\"\"}") +
		6 * 189);
	assert_int_equal(reply.body[reply.body_len - 1], '}');
}

/* --- CORS ------------------------------------------------------------------------------------- */

static void
test_origin(void **state)
{
	(void)state;
	request[0] = "origin", request[1] = "https://a.example:8443";
	assert_goes_on("POST", "/a/b/xhr",
	    JAVASCRIPT NOT_CACHED "Access-Control-Allow-Origin: https://a.example:8443\n"
				  "Access-Control-Allow-Credentials: true\nVary: Origin\n");
	request[1] = "null";
	assert_goes_on("GET", "/a/b/eventsource",
	    "Content-Type: text/event-stream\n" NOT_CACHED
	    "X-Accel-Buffering: no\nAccess-Control-Allow-Origin: null\n"
	    "Access-Control-Allow-Credentials: true\nVary: Origin\n");
	request[1] = "";
	assert_goes_on("POST", "/a/b/xhr", JAVASCRIPT NOT_CACHED ANY_ORIGIN);
	/* Only where the protocol has it. */
	request[1] = "http://o";
	assert_goes_on(
	    "GET", "/a/b/jsonp", JAVASCRIPT NOT_CACHED "X-Content-Type-Options: nosniff\n");
}

static void
test_requested_headers(void **state)
{
	(void)state;
	request[0] = "Access-Control-Request-Headers", request[1] = "a, b";
	assert_goes_on("POST", "/a/b/xhr",
	    JAVASCRIPT NOT_CACHED ANY_ORIGIN "Access-Control-Allow-Headers: a, b\n");
	request[1] = "";
	assert_goes_on("POST", "/a/b/xhr", JAVASCRIPT NOT_CACHED ANY_ORIGIN);
}

#define PREFLIGHT(methods)                                                                         \
	CACHED ANY_ORIGIN "Access-Control-Allow-Methods: " methods                                 \
			  "\nAccess-Control-Max-Age: 31536000\n"

static void
test_preflight(void **state)
{
	(void)state;
	assert_answer("OPTIONS", "/info", 204, PREFLIGHT("OPTIONS, GET"), "");
	assert_answer("OPTIONS", "/chunking_test", 204, PREFLIGHT("OPTIONS, POST"), "");
	assert_answer("OPTIONS", "/a/b/xhr", 204, PREFLIGHT("OPTIONS, POST"), "");
	assert_answer("OPTIONS", "/a/b/xhr_send", 204, PREFLIGHT("OPTIONS, POST"), "");
	request[0] = "Origin", request[1] = "null";
	request[2] = "Access-Control-Request-Headers", request[3] = "x-test";
	assert_answer("OPTIONS", "/a/b/xhr_streaming", 204,
	    CACHED
	    "Access-Control-Allow-Origin: null\nAccess-Control-Allow-Credentials: true\nVary: Origin\n"
	    "Access-Control-Allow-Headers: x-test\nAccess-Control-Allow-Methods: OPTIONS, POST\n"
	    "Access-Control-Max-Age: 31536000\n",
	    "");
}

static void
test_disable_cors(void **state)
{
	(void)state;
	service.options.disable_cors = true;
	request[0] = "Origin", request[1] = "http://o";
	request[2] = "Access-Control-Request-Headers", request[3] = "x-test";
	assert_goes_on("POST", "/a/b/xhr", JAVASCRIPT NOT_CACHED);
	assert_answer("OPTIONS", "/a/b/xhr", 204, CACHED, "");
	assert_answer("GET", "/info", 200, INFO_HEADERS,
	    "{\"websocket\":true,\"cookie_needed\":false,\"entropy\":4294967295}");
	assert_answer("GET", "/iframe.html", 404, TEXT, "404 Error: Page not found\n");
}

/* --- the iframe page -------------------------------------------------------------------------- */

#define PAGE(script)                                                                                        \
	"<!DOCTYPE html>\n<html>\n<head>\n"                                                                 \
	"  <meta http-equiv=\"X-UA-Compatible\" content=\"IE=edge\" />\n"                                   \
	"  <meta http-equiv=\"Content-Type\" content=\"text/html; charset=UTF-8\" />\n"                     \
	"  <script src=\"" script "\"></script>\n"                                                          \
	"  <script>\n    document.domain = document.domain;\n    SockJS.bootstrap_iframe();\n  </script>\n" \
	"</head>\n<body>\n  <h2>Don't panic!</h2>\n"                                                        \
	"  <p>This is a SockJS hidden iframe. It's used for cross domain magic.</p>\n</body>\n</html>"

static void
test_iframe(void **state)
{
	char expected[300];

	(void)state;
	service.options.jsessionid = JSESSIONID_ON;
	request[0] = "Origin", request[1] = "http://o";
	snprintf(expected, sizeof expected,
	    "Content-Type: text/html; charset=UTF-8\n" CACHED "ETag: %s\n", service.iframe_etag);
	assert_answer("GET", "/iframe-1.6.1.html", 200, expected, PAGE("http://cdn/sockjs.js"));
	assert_answer("GET", "/iframe.html", 200, expected, PAGE("http://cdn/sockjs.js"));
}

static void
test_iframe_escapes_url(void **state)
{
	char hostile[] = "/s.js?a=1&b=\"></script><script>'";

	(void)state;
	set_url(hostile);
	ask("GET", "/iframe.html");
	assert_body(PAGE("/s.js?a=1&amp;b=&quot;&gt;&lt;/script&gt;&lt;script&gt;'"));
}

static void
test_etag(void **state)
{
	char expected[200], first[sizeof service.iframe_etag], other[] = "/other.js";
	size_t len = strlen(service.iframe_etag);

	(void)state;
	strcpy(first, service.iframe_etag);
	assert_true(len > 10 && first[0] == '"' && first[len - 1] == '"');
	snprintf(expected, sizeof expected, CACHED "ETag: %s\n", first);
	request[0] = "If-None-Match", request[1] = first;
	assert_answer("GET", "/iframe.html", 304, expected, "");
	request[1] = "\"other\"";
	ask("GET", "/iframe.html");
	assert_int_equal(reply.status, 200);
	assert_body(PAGE("http://cdn/sockjs.js"));
	/* The tag is the content's: same page, same tag; another page, another. */
	set_url(other);
	assert_string_not_equal(service.iframe_etag, first);
	request[1] = first;
	ask("GET", "/iframe.html");
	assert_int_equal(reply.status, 200);
	set_url(url);
	assert_string_equal(service.iframe_etag, first);
}

static void
assert_known(const char *value, bool is_known)
{
	request[0] = "If-None-Match", request[1] = value;
	ask("GET", "/iframe.html");
	assert_int_equal(reply.status, is_known ? 304 : 200);
}

/* Lists, weak tags and `*` (RFC 9110 13.1.2). */
static void
test_etag_lists(void **state)
{
	const char *etag = service.iframe_etag;
	char value[300];

	(void)state;
	assert_known("*", true);
	snprintf(value, sizeof value, "W/%s", etag);
	assert_known(value, true);
	snprintf(value, sizeof value, "\"a\", %s", etag);
	assert_known(value, true);
	snprintf(value, sizeof value, "\"a,b\" ,W/\"\",\tW/%s, \"c\"", etag);
	assert_known(value, true);
	snprintf(value, sizeof value, "a, %s", etag);
	assert_known(value, false);
	snprintf(value, sizeof value, "\"a, %s", etag);
	assert_known(value, false);
	snprintf(value, sizeof value, "%.*s", (int)strlen(etag) - 1, etag);
	assert_known(value, false);
	assert_known("W/", false);
	assert_known("\"", false);
	assert_known("", false);
	assert_known("\"*\"", false);
}

/* --- the rest --------------------------------------------------------------------------------- */

static void
test_set_error(void **state)
{
	(void)state;
	service.options.jsessionid = JSESSIONID_ON;
	request[0] = "Origin", request[1] = "http://o";
	ask("POST", "/a/b/xhr_streaming");
	reply_set_error(&reply, 500, "Broken JSON encoding.");
	assert_int_equal(reply.status, 500);
	assert_body("Broken JSON encoding.");
	assert_string_equal(reply.content_type, "text/plain; charset=UTF-8");
	assert_false(reply.stream);
	assert_true(reply.cors);
	assert_true(reply.cookie);
}

static void
expect_callback(const char *query, const char *name)
{
	char callback[TRANSPORT_CALLBACK_MAX + 1];

	assert_null(reply_callback(query, callback));
	assert_string_equal(callback, name);
}

static void
expect_no_callback(const char *query, const char *error)
{
	char callback[TRANSPORT_CALLBACK_MAX + 1];
	const char *actual = reply_callback(query, callback);

	assert_non_null(actual);
	assert_string_equal(actual, error);
}

static void
test_callback(void **state)
{
	static const char required[] = "\"callback\" parameter required",
			  invalid[] = "invalid \"callback\" parameter";

	(void)state;
	expect_callback("c=cb", "cb");
	expect_callback("callback=cb", "cb");
	expect_callback("x=1&c=_jp.a-1&y", "_jp.a-1");
	expect_callback("callback=second&c=first", "first");
	expect_callback("c=%5Fjp%2Ea", "_jp.a");
	expect_callback(
	    "c=%61%62%63%64%65%66%67%68%61%62%63%64%65%66%67%68%61%62%63%64%65%66%67%68%61%62%63%64%65%66%67%68",
	    "abcdefghabcdefghabcdefghabcdefgh");
	expect_no_callback(NULL, required);
	expect_no_callback("", required);
	expect_no_callback("cc=cb&xc=cb", required);
	expect_no_callback("c=%20", invalid);
	expect_no_callback("c=abcdefghabcdefghabcdefghabcdefghx", invalid);
	expect_no_callback(
	    "c=%61%62%63%64%65%66%67%68%61%62%63%64%65%66%67%68%61%62%63%64%65%66%67%68%61%62%63%64%65%66%67%68%61",
	    invalid);
	expect_no_callback("c=a%00b", invalid);
	expect_no_callback("c=alert(1)", invalid);
	expect_no_callback("c=a;b", invalid);
	expect_no_callback("c=a+b", invalid);
	expect_no_callback("c=a%0d%0aX:1", invalid);
	expect_no_callback("c=%3Cscript%3E", invalid);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(greeting),
	    TEST(not_found),
	    TEST(method_not_allowed),
	    TEST(session_answers),
	    TEST(disabled_transports),
	    TEST(info),
	    TEST(entropy),
	    TEST(base_url),
	    TEST(long_base_url),
	    TEST(origin),
	    TEST(requested_headers),
	    TEST(preflight),
	    TEST(disable_cors),
	    TEST(iframe),
	    TEST(iframe_escapes_url),
	    TEST(etag),
	    TEST(etag_lists),
	    TEST(set_error),
	    TEST(callback),
	};

	return cmocka_run_group_tests_name("reply", tests, NULL, NULL);
}
