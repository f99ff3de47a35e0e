/*
 * sockjs/reply.h: what is answered to a request that comes with these headers: status, body and every header of the answer.
 */
#include "sockjs/reply.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>

#define NOT_CACHED "Cache-Control: no-store, no-cache, no-transform, must-revalidate, max-age=0\n"
#define CACHED	   "Cache-Control: public, max-age=31536000\nExpires: Fri, 01 Jan 1971 00:00:00 GMT\n"
#define JAVASCRIPT "Content-Type: application/javascript; charset=UTF-8\n"
#define TEXT	   "Content-Type: text/plain; charset=UTF-8\n"
#define ANY_ORIGIN "Access-Control-Allow-Origin: *\nVary: Origin\n"

static char url[] = "http://cdn/sockjs.js";
static struct protocol_service service;
static struct reply reply;
static struct buffer headers; /* `Name: value\n` of each, then a NUL */
static bool is_whole;

/* The request's headers: name, value, name, value, ... NULL. */
static const char *request[16];

static const char *
find_header(const void *context, const char *name)
{
	const char *const *pair;

	assert_ptr_equal(context, &request);
	for (pair = request; pair[0] != NULL; pair += 2)
		if (strcasecmp(pair[0], name) == 0)
			return pair[1];
	return NULL;
}

static void
add_header(void *context, const char *name, const char *value)
{
	assert_ptr_equal(context, &headers);
	buffer_printf(&headers, "%s: %s\n", name, value);
}

static int
set_up(void **state)
{
	(void)state;
	memset(&service, 0, sizeof service);
	memset(request, 0, sizeof request);
	service.options.sockjs_url = url;
	service.options.websocket = true;
	service.options.transports = TRANSPORTS_ALL;
	protocol_service_prepare(&service);
	buffer_init(&headers);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	protocol_service_clear(&service);
	buffer_free(&headers);
	return 0;
}

/* The page follows the options. */
static void
set_url(char *text)
{
	protocol_service_clear(&service);
	service.options.sockjs_url = text;
	protocol_service_prepare(&service);
}

static void
ask(const char *method, const char *path)
{
	struct request_head head = {.method = method, .path = path, .header = find_header, .context = &request, .now = 0};
	const char *session;
	size_t len;

	memset(&reply, 0xff, sizeof reply);
	is_whole = reply_decide(&service, route_find(path, strlen(path), &session, &len), &head, 4294967295u, &reply);
	buffer_clear(&headers);
	reply_headers(&reply, &service, &head, add_header, &headers);
	buffer_append_char(&headers, '\0');
}

static void
assert_body(const char *expected)
{
	assert_int_equal(reply.body_len, strlen(expected));
	assert_memory_equal(reply.body, expected, reply.body_len);
}

/* The whole answer, without the session. */
static void
assert_answer(const char *method, const char *path, int status, const char *expected, const char *body)
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

/* --- URLs --------------------------------------------------------------------------------------------------------- */

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
	static const char *const get_only[] = {"", "/iframe.html", "/websocket", "/a/b/websocket", "/a/b/eventsource",
	    "/a/b/htmlfile", "/a/b/jsonp"};
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
	assert_answer("post", "/a/b/xhr", 405, "Allow: OPTIONS, POST\n", ""); /* RFC 9110 9.1: case matters */
}

static void
test_session_answers(void **state)
{
	(void)state;
	assert_goes_on("POST", "/a/b/xhr", JAVASCRIPT NOT_CACHED ANY_ORIGIN);
	assert_goes_on("POST", "/a/b/xhr_send", TEXT NOT_CACHED ANY_ORIGIN);
	assert_goes_on("POST", "/a/b/xhr_streaming", JAVASCRIPT NOT_CACHED "X-Accel-Buffering: no\n" ANY_ORIGIN);
	assert_goes_on("GET", "/a/b/eventsource",
	    "Content-Type: text/event-stream\n" NOT_CACHED "X-Accel-Buffering: no\n" ANY_ORIGIN);
	assert_goes_on("GET", "/a/b/htmlfile",
	    "Content-Type: text/html; charset=UTF-8\n" NOT_CACHED
	    "X-Content-Type-Options: nosniff\nX-Accel-Buffering: no\n");
	assert_goes_on("GET", "/a/b/jsonp", JAVASCRIPT NOT_CACHED "X-Content-Type-Options: nosniff\n");
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
	assert_goes_on("POST", "/a/b/xhr_send", TEXT NOT_CACHED ANY_ORIGIN); /* eventsource needs it */
}

/* --- info --------------------------------------------------------------------------------------------------------- */

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
	assert_info("{\"websocket\":true,\"origins\":[\"*:*\"],\"cookie_needed\":false,\"entropy\":4294967295}");
	service.options.websocket = false;
	assert_info("{\"websocket\":false,\"origins\":[\"*:*\"],\"cookie_needed\":false,\"entropy\":4294967295}");
	service.options.websocket = true;
	service.options.transports = TRANSPORTS_ALL & ~(1u << TRANSPORT_WEBSOCKET);
	assert_info("{\"websocket\":false,\"origins\":[\"*:*\"],\"cookie_needed\":false,\"entropy\":4294967295}");
	service.options.transports = TRANSPORTS_ALL;
	service.options.jsessionid = JSESSIONID_ON;
	assert_info("{\"websocket\":true,\"origins\":[\"*:*\"],\"cookie_needed\":true,\"entropy\":4294967295}");
	service.options.jsessionid = JSESSIONID_MODULE;
	assert_info("{\"websocket\":true,\"origins\":[\"*:*\"],\"cookie_needed\":true,\"entropy\":4294967295}");
}

static void
test_entropy(void **state)
{
	struct request_head head = {.method = "GET", .path = "/info", .header = find_header, .context = &request};
	const char *session;
	size_t len;

	(void)state;
	assert_true(reply_decide(&service, route_find("/info", 5, &session, &len), &head, 0, &reply));
	assert_body("{\"websocket\":true,\"origins\":[\"*:*\"],\"cookie_needed\":false,\"entropy\":0}");
	assert_true(reply_decide(&service, route_find("/info", 5, &session, &len), &head, 1234567890, &reply));
	assert_body("{\"websocket\":true,\"origins\":[\"*:*\"],\"cookie_needed\":false,\"entropy\":1234567890}");
}

static void
test_base_url(void **state)
{
	char quotes[] = "http://h/\"a\\b\"\x01", empty[] = "";

	(void)state;
	service.options.base_url = quotes;
	assert_info("{\"websocket\":true,\"origins\":[\"*:*\"],\"cookie_needed\":false,\"entropy\":4294967295,"
		    "\"base_url\":\"http://h/\\\"a\\\\b\\\"\\u0001\"}");
	service.options.base_url = empty;
	assert_info("{\"websocket\":true,\"origins\":[\"*:*\"],\"cookie_needed\":false,\"entropy\":4294967295,"
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
	    strlen("{\"websocket\":true,\"origins\":[\"*:*\"],\"cookie_needed\":false,\"entropy\":4294967295,"
		   "\"base_url\":\"\"}")
		+ 6 * 189);
	assert_int_equal(reply.body[reply.body_len - 1], '}');
}

/* --- CORS --------------------------------------------------------------------------------------------------------- */

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
	    "Content-Type: text/event-stream\n" NOT_CACHED "X-Accel-Buffering: no\nAccess-Control-Allow-Origin: null\n"
	    "Access-Control-Allow-Credentials: true\nVary: Origin\n");
	request[1] = "";
	assert_goes_on("POST", "/a/b/xhr", JAVASCRIPT NOT_CACHED ANY_ORIGIN);
	/* Only where the protocol has it. */
	request[1] = "http://o";
	assert_goes_on("GET", "/a/b/jsonp", JAVASCRIPT NOT_CACHED "X-Content-Type-Options: nosniff\n");
}

static void
test_requested_headers(void **state)
{
	(void)state;
	request[0] = "Access-Control-Request-Headers", request[1] = "a, b";
	assert_goes_on("POST", "/a/b/xhr", JAVASCRIPT NOT_CACHED ANY_ORIGIN "Access-Control-Allow-Headers: a, b\n");
	request[1] = "";
	assert_goes_on("POST", "/a/b/xhr", JAVASCRIPT NOT_CACHED ANY_ORIGIN);
}

#define PREFLIGHT(methods)                                                                         \
	CACHED ANY_ORIGIN "Access-Control-Allow-Methods: " methods "\nAccess-Control-Max-Age: 31536000\n"

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
	    CACHED "Access-Control-Allow-Origin: null\nAccess-Control-Allow-Credentials: true\nVary: Origin\n"
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
	assert_answer("GET", "/info", 200, INFO_HEADERS, "{\"websocket\":true,\"cookie_needed\":false,\"entropy\":4294967295}");
	assert_answer("GET", "/iframe.html", 404, TEXT, "404 Error: Page not found\n");
}

/* --- the iframe page ---------------------------------------------------------------------------------------------- */

#define PAGE(script)                                                                               \
	"<!DOCTYPE html>\n<html>\n<head>\n"                                                        \
	"  <meta http-equiv=\"X-UA-Compatible\" content=\"IE=edge\" />\n"                          \
	"  <meta http-equiv=\"Content-Type\" content=\"text/html; charset=UTF-8\" />\n"            \
	"  <script src=\"" script "\"></script>\n"                                                 \
	"  <script>\n    document.domain = document.domain;\n    SockJS.bootstrap_iframe();\n  </script>\n" \
	"</head>\n<body>\n  <h2>Don't panic!</h2>\n"                                               \
	"  <p>This is a SockJS hidden iframe. It's used for cross domain magic.</p>\n</body>\n</html>"

static void
test_iframe(void **state)
{
	char expected[300];

	(void)state;
	service.options.jsessionid = JSESSIONID_ON;
	request[0] = "Origin", request[1] = "http://o";
	snprintf(expected, sizeof expected, "Content-Type: text/html; charset=UTF-8\n" CACHED "ETag: %s\n",
	    service.iframe_etag);
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

/* --- JSESSIONID --------------------------------------------------------------------------------------------------- */

/* The Set-Cookie header; NULL: there is none. */
static const char *
cookie_of(const char *method, const char *path)
{
	char *found, *end;

	ask(method, path);
	found = strstr(headers.data, "Set-Cookie: ");
	if (found == NULL)
		return NULL;
	found += strlen("Set-Cookie: ");
	end = strchr(found, '\n');
	assert_null(strstr(end, "Set-Cookie"));
	*end = '\0';
	return found;
}

static void
assert_cookie(const char *sent, const char *value)
{
	char expected[1200];

	request[0] = "Cookie", request[1] = sent;
	snprintf(expected, sizeof expected, "JSESSIONID=%s; path=/", value);
	assert_string_equal(cookie_of("POST", "/a/b/xhr"), expected);
}

static void
test_cookie_is_echoed(void **state)
{
	(void)state;
	service.options.jsessionid = JSESSIONID_ON;
	assert_string_equal(cookie_of("POST", "/a/b/xhr"), "JSESSIONID=dummy; path=/");
	assert_cookie("JSESSIONID=abcdef", "abcdef");
	assert_cookie("a=1; JSESSIONID=abc; b=2", "abc");
	assert_cookie("a=1;JSESSIONID=abc", "abc");
	assert_cookie("JSESSIONID=abc ; b", "abc");
	assert_cookie("JSESSIONID=a=b==", "a=b==");
	assert_cookie("JSESSIONID=!#$%&'()*+-./:<=>?@[]^_`{|}~", "!#$%&'()*+-./:<=>?@[]^_`{|}~");
	assert_cookie("JSESSIONID=first; JSESSIONID=second", "first");
}

static void
test_cookie_is_checked(void **state)
{
	static const char *const bad[] = {"", "JSESSIONID", "JSESSIONID=", "JSESSIONID=; a=b", "xJSESSIONID=a",
	    "JSESSIONIDx=a", "jsessionid=a", "a=JSESSIONID=b", "JSESSIONID=a\r\nSet-Cookie: b=c", "JSESSIONID=a\nb",
	    "JSESSIONID=a\rb", "JSESSIONID=a b", "JSESSIONID=a\tb", "JSESSIONID=\"a\"", "JSESSIONID=a,b", "JSESSIONID=a\\b",
	    "JSESSIONID=a\x7f", "JSESSIONID=a\x01", "JSESSIONID=\xc3\xa4", "JSESSIONID =a"};
	static char too_long[4000];
	size_t i;

	(void)state;
	service.options.jsessionid = JSESSIONID_ON;
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_cookie(bad[i], "dummy");
	memset(too_long, 'x', sizeof too_long - 1);
	memcpy(too_long, "JSESSIONID=", strlen("JSESSIONID="));
	assert_cookie(too_long, "dummy");
}

/* Every session URL has it, no other. */
static void
test_cookie_places(void **state)
{
	static const char dummy[] = "JSESSIONID=dummy; path=/";

	(void)state;
	assert_null(cookie_of("POST", "/a/b/xhr")); /* off */
	service.options.jsessionid = JSESSIONID_ON;
	assert_string_equal(cookie_of("POST", "/a/b/xhr_send"), dummy);
	assert_string_equal(cookie_of("POST", "/a/b/xhr_streaming"), dummy);
	assert_string_equal(cookie_of("GET", "/a/b/eventsource"), dummy);
	assert_string_equal(cookie_of("GET", "/a/b/htmlfile"), dummy);
	assert_string_equal(cookie_of("GET", "/a/b/jsonp"), dummy);
	assert_string_equal(cookie_of("POST", "/a/b/jsonp_send"), dummy);
	assert_string_equal(cookie_of("OPTIONS", "/a/b/xhr"), dummy);
	assert_null(cookie_of("GET", "/info"));
	assert_null(cookie_of("OPTIONS", "/info"));
	assert_null(cookie_of("GET", "/"));
	assert_null(cookie_of("GET", "/iframe.html"));
	assert_null(cookie_of("GET", "/a/b/nothing"));
}

static const char *made; /* NULL: the application sets none */
static const char *given;

static bool
make_cookie(void *context, const char *cookie, char *value, size_t size)
{
	assert_ptr_equal(context, &made);
	given = cookie;
	if (given != NULL) {
		static char copy[100];

		snprintf(copy, sizeof copy, "%s", cookie);
		given = copy;
	}
	if (made == NULL)
		return false;
	snprintf(value, size, "%s", made);
	return true;
}

static void
test_cookie_of_module(void **state)
{
	(void)state;
	service.options.jsessionid = JSESSIONID_MODULE;
	assert_null(cookie_of("POST", "/a/b/xhr")); /* nobody to ask */
	service.jsessionid = make_cookie;
	service.jsessionid_context = &made;
	made = NULL;
	assert_null(cookie_of("POST", "/a/b/xhr"));
	assert_null(given);
	made = "node-7";
	request[0] = "Cookie", request[1] = "JSESSIONID=old";
	assert_string_equal(cookie_of("POST", "/a/b/xhr"), "JSESSIONID=node-7; path=/");
	assert_string_equal(given, "old");
	request[1] = "JSESSIONID=a b";
	cookie_of("POST", "/a/b/xhr");
	assert_null(given); /* a bad one is none */
	made = "a\r\nX-Bad: 1";
	assert_null(cookie_of("POST", "/a/b/xhr"));
	made = "a;b";
	assert_null(cookie_of("POST", "/a/b/xhr"));
	made = "";
	assert_null(cookie_of("POST", "/a/b/xhr"));
}

static void
test_module_cookie(void **state)
{
	char value[REPLY_COOKIE_MAX];

	(void)state;
	assert_false(reply_module_cookie(&service, "JSESSIONID=old", value)); /* nobody to ask */
	service.jsessionid = make_cookie;
	service.jsessionid_context = &made;
	made = "new";
	assert_true(reply_module_cookie(&service, "a=b; JSESSIONID=old", value));
	assert_string_equal(value, "new");
	assert_string_equal(given, "old");
	assert_true(reply_module_cookie(&service, NULL, value));
	assert_null(given);
	assert_true(reply_module_cookie(&service, "", value));
	assert_null(given);
	made = "a b";
	assert_false(reply_module_cookie(&service, NULL, value));
	made = NULL;
	assert_false(reply_module_cookie(&service, NULL, value));
}

/* The value that another process's module made, which this one has not. */
static void
assert_foreign_cookie(const char *foreign, const char *expected)
{
	struct request_head head = {.method = "POST", .path = "", .header = find_header, .context = &request};

	reply = (struct reply){.status = 200, .cookie = true, .cookie_value = foreign};
	buffer_clear(&headers);
	reply_headers(&reply, &service, &head, add_header, &headers);
	buffer_append_char(&headers, '\0');
	assert_string_equal(headers.data, expected);
}

static void
test_foreign_cookie(void **state)
{
	(void)state;
	service.options.jsessionid = JSESSIONID_MODULE;
	service.jsessionid = make_cookie;
	service.jsessionid_context = &made;
	made = "own";
	assert_foreign_cookie("theirs", "Set-Cookie: JSESSIONID=theirs; path=/\n");
	assert_foreign_cookie("", "");
	assert_foreign_cookie("a\r\nX-Bad: 1", "");
	assert_foreign_cookie(NULL, "Set-Cookie: JSESSIONID=own; path=/\n");
	service.options.jsessionid = JSESSIONID_OFF;
	assert_foreign_cookie("theirs", "");
}

/* --- the rest ----------------------------------------------------------------------------------------------------- */

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
	static const char required[] = "\"callback\" parameter required", invalid[] = "invalid \"callback\" parameter";

	(void)state;
	expect_callback("c=cb", "cb");
	expect_callback("callback=cb", "cb");
	expect_callback("x=1&c=_jp.a-1&y", "_jp.a-1");
	expect_callback("callback=second&c=first", "first");
	expect_callback("c=%5Fjp%2Ea", "_jp.a");
	expect_callback("c=%61%62%63%64%65%66%67%68%61%62%63%64%65%66%67%68%61%62%63%64%65%66%67%68%61%62%63%64%65%66%67%68",
	    "abcdefghabcdefghabcdefghabcdefgh");
	expect_no_callback(NULL, required);
	expect_no_callback("", required);
	expect_no_callback("cc=cb&xc=cb", required);
	expect_no_callback("c=%20", invalid);
	expect_no_callback("c=abcdefghabcdefghabcdefghabcdefghx", invalid);
	expect_no_callback("c=%61%62%63%64%65%66%67%68%61%62%63%64%65%66%67%68%61%62%63%64%65%66%67%68%61%62%63%64%65%66%67%68%61",
	    invalid);
	expect_no_callback("c=a%00b", invalid);
	expect_no_callback("c=alert(1)", invalid);
	expect_no_callback("c=a;b", invalid);
	expect_no_callback("c=a+b", invalid);
	expect_no_callback("c=a%0d%0aX:1", invalid);
	expect_no_callback("c=%3Cscript%3E", invalid);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)

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
	    TEST(cookie_is_echoed),
	    TEST(cookie_is_checked),
	    TEST(cookie_places),
	    TEST(cookie_of_module),
	    TEST(module_cookie),
	    TEST(foreign_cookie),
	    TEST(set_error),
	    TEST(callback),
	};

	return cmocka_run_group_tests_name("reply", tests, NULL, NULL);
}
