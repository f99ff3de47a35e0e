/*
 * sockjs/reply.h: whose pages may use a service, on each transport, and what the answers to those
 * that may not let out.
 */
#include "tests/unit/sockjs/reply_fixture.h"

/* Every URL of a service, with the method that does something. */
static const struct url {
	const char *method, *path;
	bool is_optional; /* served as well if the request says nothing of its origin */
} urls[] = {
    {"GET", "/", true},
    {"GET", "/info", true},
    {"OPTIONS", "/info", true},
    {"GET", "/iframe-1.6.1.html", true},
    {"POST", "/chunking_test", false},
    {"OPTIONS", "/chunking_test", false},
    {"GET", "/websocket", true},
    {"GET", "/a/b/websocket", true},
    {"POST", "/a/b/xhr", false},
    {"OPTIONS", "/a/b/xhr", false},
    {"POST", "/a/b/xhr_send", false},
    {"OPTIONS", "/a/b/xhr_send", false},
    {"POST", "/a/b/xhr_streaming", false},
    {"OPTIONS", "/a/b/xhr_streaming", false},
    {"GET", "/a/b/eventsource", false},
    {"GET", "/a/b/htmlfile", false},
    {"GET", "/a/b/jsonp", false},
    {"POST", "/a/b/jsonp_send", false},
};
#define URLS (sizeof urls / sizeof urls[0])

static void
prepare(const char *list)
{
	protocol_service_clear(&service);
	service.options.allowed_origins = (char *)(uintptr_t)list;
	protocol_service_prepare(&service);
}

static void
send_header(const char *name, const char *value)
{
	request[0] = "Host", request[1] = "own.example";
	request[2] = name, request[3] = value;
}

static bool
is_let_in(const struct url *each)
{
	ask(each->method, each->path);
	assert_int_equal(reply.is_forbidden, reply.status == 403);
	return reply.status != 403;
}

static void
assert_let_in(bool optional, bool required)
{
	size_t i;

	for (i = 0; i < URLS; i++) {
		/* With disable_cors there is no such page. */
		if (service.options.disable_cors && strstr(urls[i].path, "iframe") != NULL)
			continue;
		if (is_let_in(&urls[i]) != (urls[i].is_optional ? optional : required))
			fail_msg("%s: %s: %s %s: %d", request[2] == NULL ? "" : request[2],
			    request[3] == NULL ? "" : request[3], urls[i].method, urls[i].path,
			    reply.status);
	}
}

static void
test_any(void **state)
{
	static const char *const lists[] = {NULL, "any"};
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		prepare(lists[i]);
		send_header(NULL, NULL);
		assert_let_in(true, true);
		send_header("Origin", "https://anybody.example");
		assert_let_in(true, true);
		send_header("Sec-Fetch-Site", "cross-site");
		assert_let_in(true, true);
	}
}

static void
test_every_url(void **state)
{
	static const struct {
		const char *name, *value;
		bool optional, required;
	} cases[] = {
	    {NULL, NULL, true, false},
	    {"Origin", "https://good.example", true, true},
	    {"Origin", "https://a.wild.example", true, true},
	    {"Origin", "http://own.example", true, true}, /* the iframe page is served */
	    {"Origin", "https://wild.example", false, false},
	    {"Origin", "https://good.example:8443", false, false},
	    {"Origin", "https://evil.example", false, false},
	    {"Origin", "null", false, false},
	    {"Referer", "https://good.example/page", true, true},
	    {"Referer", "https://own.example/echo/iframe.html", true, true},
	    {"Referer", "https://evil.example/", false, false},
	    {"Sec-Fetch-Site", "same-origin", true, true},
	    {"Sec-Fetch-Site", "same-site", true, false},
	    {"Sec-Fetch-Site", "none", true, false},
	    {"Sec-Fetch-Site", "cross-site", false, false},
	};
	size_t i;

	(void)state;
	prepare("https://good.example https://*.wild.example");
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		send_header(cases[i].name, cases[i].value);
		assert_let_in(cases[i].optional, cases[i].required);
	}
}

/* Browsers of that time know no other name. */
static void
test_websocket_of_version_8(void **state)
{
	(void)state;
	prepare("https://good.example");
	send_header("Sec-WebSocket-Origin", "https://evil.example");
	ask("GET", "/a/b/websocket");
	assert_int_equal(reply.status, 403);
	ask("GET", "/websocket");
	assert_int_equal(reply.status, 403);
	ask("GET", "/info");
	assert_int_equal(reply.status, 200);
	send_header("Sec-WebSocket-Origin", "https://good.example");
	ask("GET", "/websocket");
	assert_false(is_whole);
}

static void
test_disable_cors(void **state)
{
	(void)state;
	service.options.disable_cors = true;
	prepare(NULL);
	send_header("Origin", "https://own.example");
	assert_let_in(true, true);
	assert_null(strstr(headers.data, "Access-Control"));
	send_header("Origin", "https://evil.example");
	assert_let_in(false, false);
	send_header("Referer", "https://evil.example/");
	assert_let_in(false, false);
	send_header("Referer", "http://own.example/page");
	assert_let_in(true, true);
	send_header(NULL, NULL);
	assert_let_in(true, false);

	prepare("https://good.example");
	send_header("Origin", "https://good.example");
	assert_let_in(false, false); /* listed, but not of the same origin */
	send_header("Origin", "https://own.example");
	assert_let_in(false, false); /* of the same origin, but not listed */
	prepare("https://good.example same");
	assert_let_in(true, true);
}

/* The configuration checks it; should it get here all the same, nobody else is let in. */
static void
test_broken_list(void **state)
{
	(void)state;
	prepare("example");
	send_header("Origin", "https://evil.example");
	assert_let_in(false, false);
	send_header("Origin", "https://own.example");
	assert_let_in(true, true);
}

/* --- answers ---------------------------------------------------------------------------------- */

#define NOT_CACHED "Cache-Control: no-store, no-cache, no-transform, must-revalidate, max-age=0\n"

static void
test_refusal(void **state)
{
	(void)state;
	service.options.jsessionid = JSESSIONID_ON;
	prepare("https://good.example");
	send_header("Origin", "https://evil.example");
	request[4] = "Access-Control-Request-Headers", request[5] = "x-test";
	request[6] = "Access-Control-Request-Private-Network", request[7] = "true";
	ask("OPTIONS", "/a/b/xhr");
	assert_true(is_whole);
	assert_string_equal(
	    headers.data, "Content-Type: text/plain; charset=UTF-8\n" NOT_CACHED "Vary: Origin\n");
	assert_string_equal(reply.body, "This origin is not allowed.\n");
	ask("GET", "/a/b/jsonp");
	assert_string_equal(headers.data, "Content-Type: text/plain; charset=UTF-8\n" NOT_CACHED);
	/* A URL that is none is none for everybody. */
	ask("GET", "/nothing");
	assert_int_equal(reply.status, 404);
}

static void
assert_headers(const char *path, const char *expected)
{
	ask("OPTIONS", path);
	assert_non_null(strstr(headers.data, "Access-Control"));
	assert_string_equal(strstr(headers.data, "Access-Control"), expected);
}

static void
test_cors(void **state)
{
	(void)state;
	prepare("https://good.example");
	send_header("Origin", "https://good.example");
	assert_headers("/a/b/xhr",
	    "Access-Control-Allow-Origin: https://good.example\n"
	    "Access-Control-Allow-Credentials: true\nVary: Origin\n"
	    "Access-Control-Allow-Methods: OPTIONS, POST\n"
	    "Access-Control-Max-Age: 31536000\n");
	request[4] = "Access-Control-Request-Private-Network", request[5] = "true";
	assert_headers("/info",
	    "Access-Control-Allow-Origin: https://good.example\n"
	    "Access-Control-Allow-Credentials: true\nVary: Origin\n"
	    "Access-Control-Allow-Methods: OPTIONS, GET\n"
	    "Access-Control-Max-Age: 31536000\n"
	    "Access-Control-Allow-Private-Network: true\n");
	/* It is about preflights. */
	ask("GET", "/info");
	assert_null(strstr(headers.data, "Private-Network"));
	/* Nobody has said who may. */
	prepare("any");
	ask("OPTIONS", "/info");
	assert_null(strstr(headers.data, "Private-Network"));
	assert_non_null(
	    strstr(headers.data, "Access-Control-Allow-Origin: https://good.example\n"));
}

/* Nobody is named who did not ask. */
static void
test_cors_without_origin(void **state)
{
	(void)state;
	prepare("https://good.example");
	send_header("Referer", "https://good.example/");
	ask("GET", "/a/b/eventsource");
	assert_false(is_whole);
	assert_null(strstr(headers.data, "Access-Control"));
	assert_non_null(strstr(headers.data, "Vary: Origin\n"));
}

/* What answers before it has looked at the origin lets nobody else read the answer either. */
static void
test_cors_of_early_error(void **state)
{
	struct request_head head = {
	    .method = "POST", .path = "", .header = find_header, .context = &request};

	(void)state;
	prepare("https://good.example");
	send_header("Origin", "https://evil.example");
	reply = (struct reply){.cors = true};
	reply_set_error(&reply, 413, "Too large.\n");
	buffer_clear(&headers);
	reply_headers(&reply, &service, &head, add_header, &headers);
	buffer_append_char(&headers, '\0');
	assert_string_equal(
	    headers.data, "Content-Type: text/plain; charset=UTF-8\nVary: Origin\n");
	service.options.disable_cors = true;
	buffer_clear(&headers);
	reply_headers(&reply, &service, &head, add_header, &headers);
	buffer_append_char(&headers, '\0');
	assert_string_equal(headers.data, "Content-Type: text/plain; charset=UTF-8\n");
}

static void
test_iframe(void **state)
{
	char former[sizeof service.iframe_etag], expected[400];

	(void)state;
	strcpy(former, service.iframe_etag);
	prepare("https://good.example https://*.wild.example");
	assert_string_not_equal(former, service.iframe_etag);
	send_header("Referer", "https://good.example/");
	ask("GET", "/iframe.html");
	snprintf(expected, sizeof expected,
	    "Content-Type: text/html; charset=UTF-8\nCache-Control: no-cache\nETag: %s\n"
	    "Content-Security-Policy: frame-ancestors 'self' https://good.example "
	    "https://*.wild.example\n",
	    service.iframe_etag);
	assert_string_equal(headers.data, expected);
	request[4] = "If-None-Match", request[5] = service.iframe_etag;
	ask("GET", "/iframe.html");
	assert_int_equal(reply.status, 304);
	assert_non_null(strstr(headers.data, "Content-Security-Policy: frame-ancestors 'self'"));
	prepare("any");
	assert_string_equal(former, service.iframe_etag);
}

static void
test_log(void **state)
{
	struct request_head head = {
	    .method = "GET", .path = "", .header = find_header, .context = &request};
	const char *session, path[] = "/a/b/jsonp";
	const struct endpoint *endpoint;
	char text[ORIGIN_CLAIM_MAX];
	size_t len;

	(void)state;
	endpoint = route_find(path, strlen(path), &session, &len);
	send_header("Referer", "https://evil.example/secret");
	reply_describe_claim(endpoint, &head, text);
	assert_string_equal(text, "a page of origin https://evil.example");
	assert_string_equal(reply_forbidding_option(&service), "allowed_origins");
	service.options.disable_cors = true;
	assert_string_equal(reply_forbidding_option(&service), "disable_cors");
}

/* --- session ids ------------------------------------------------------------------------------ */

static void
assert_route(const char *path, bool is_found, size_t id_len)
{
	const char *session;
	size_t len;

	assert_int_equal(
	    reply_route(&service, path, strlen(path), &session, &len) != NULL, is_found);
	assert_int_equal(len, id_len);
}

static void
test_session_id_min(void **state)
{
	static const char *const transports[] = {"websocket", "xhr", "xhr_send", "xhr_streaming",
	    "eventsource", "htmlfile", "jsonp", "jsonp_send"};
	char path[100];
	size_t i;

	(void)state;
	service.options.session_id_min = 1;
	assert_route("/a/b/xhr", true, 1);
	service.options.session_id_min = 8;
	for (i = 0; i < sizeof transports / sizeof transports[0]; i++) {
		snprintf(path, sizeof path, "/000/1234567/%s", transports[i]);
		assert_route(path, false, 7);
		snprintf(path, sizeof path, "/0/12345678/%s", transports[i]);
		assert_route(path, true, 8);
	}
	assert_route("/info", true, 0);
	assert_route("/websocket", true, 0);
	assert_route("", true, 0);
	assert_route("/nothing", false, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(any),
	    TEST(every_url),
	    TEST(websocket_of_version_8),
	    TEST(disable_cors),
	    TEST(broken_list),
	    TEST(refusal),
	    TEST(cors),
	    TEST(cors_without_origin),
	    TEST(cors_of_early_error),
	    TEST(iframe),
	    TEST(log),
	    TEST(session_id_min),
	};

	return cmocka_run_group_tests_name("reply_origins", tests, NULL, NULL);
}
