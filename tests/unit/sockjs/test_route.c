/*
 * sockjs/route.h: every URL of the protocol, and what is none.
 */
#include "sockjs/route.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define POLL (1u << TRANSPORT_XHR_POLLING)

struct expectation {
	const char *path;
	enum endpoint_id id;
	int transport;
	const char *session; /* NULL: none */
};

static const struct expectation urls[] = {
    {"", ENDPOINT_GREETING, -1, NULL},
    {"/", ENDPOINT_GREETING, -1, NULL},
    {"/info", ENDPOINT_INFO, -1, NULL},
    {"/info/", ENDPOINT_INFO, -1, NULL},
    {"/chunking_test", ENDPOINT_CHUNKING_TEST, -1, NULL},
    {"/iframe.html", ENDPOINT_IFRAME, -1, NULL},
    {"/iframe-a.html", ENDPOINT_IFRAME, -1, NULL},
    {"/iframe-0.1.2-abc-dirty.html", ENDPOINT_IFRAME, -1, NULL},
    {"/iframe-0.1.2_x.html/", ENDPOINT_IFRAME, -1, NULL},
    {"/iframe.html.html", ENDPOINT_IFRAME, -1, NULL},
    {"/websocket", ENDPOINT_WEBSOCKET_RAW, TRANSPORT_WEBSOCKET_RAW, NULL},
    {"/websocket/", ENDPOINT_WEBSOCKET_RAW, TRANSPORT_WEBSOCKET_RAW, NULL},
    {"/a/b/websocket", ENDPOINT_WEBSOCKET, TRANSPORT_WEBSOCKET, "b"},
    {"/a/b/websocket/", ENDPOINT_WEBSOCKET, TRANSPORT_WEBSOCKET, "b"},
    {"/a/b/xhr", ENDPOINT_RECEIVE, TRANSPORT_XHR_POLLING, "b"},
    {"/a/b/xhr/", ENDPOINT_RECEIVE, TRANSPORT_XHR_POLLING, "b"},
    {"/a/b/xhr_streaming", ENDPOINT_RECEIVE, TRANSPORT_XHR_STREAMING, "b"},
    {"/a/b/eventsource", ENDPOINT_RECEIVE, TRANSPORT_EVENTSOURCE, "b"},
    {"/a/b/htmlfile", ENDPOINT_RECEIVE, TRANSPORT_HTMLFILE, "b"},
    {"/a/b/jsonp", ENDPOINT_RECEIVE, TRANSPORT_JSONP_POLLING, "b"},
    {"/a/b/xhr_send", ENDPOINT_SEND, -1, "b"},
    {"/a/b/jsonp_send", ENDPOINT_SEND, -1, "b"},
    {"/abcdefgh_i-j%20/abcdefg_i-j%20x/xhr", ENDPOINT_RECEIVE, TRANSPORT_XHR_POLLING,
	"abcdefg_i-j%20x"},
    {"/_/_/xhr", ENDPOINT_RECEIVE, TRANSPORT_XHR_POLLING, "_"},
    {"/1/1/xhr", ENDPOINT_RECEIVE, TRANSPORT_XHR_POLLING, "1"},
    {"/ /\xff/xhr", ENDPOINT_RECEIVE, TRANSPORT_XHR_POLLING, "\xff"},
    {"/websocket/websocket/websocket", ENDPOINT_WEBSOCKET, TRANSPORT_WEBSOCKET, "websocket"},
    {"/info/info/xhr", ENDPOINT_RECEIVE, TRANSPORT_XHR_POLLING, "info"},
    {"/a/%2e/xhr", ENDPOINT_RECEIVE, TRANSPORT_XHR_POLLING, "%2e"},
};

static const char *const not_urls[] = {
    "//",
    "///",
    "/a",
    "/a.html",
    "/a/a",
    "/a/a/",
    "/a/b/xhr//",
    "/a/b//xhr",
    "//b/xhr",
    "/a//xhr",
    "///xhr",
    "/a./a/xhr",
    "/a/a./xhr",
    "/./././",
    "/./a/xhr",
    "/a/./xhr",
    "/a/b/xhrx",
    "/a/b/XHR",
    "/a/b/xh",
    "/a/b/c/xhr",
    "/a/b/info",
    "/a/b/unknown",
    "/xhr",
    "/b/xhr",
    "/Info",
    "/info//",
    "/infox",
    "info",
    "/iframe",
    "/iframe.htm",
    "/iframe.HTML",
    "/IFRAME.HTML",
    "/iframe/",
    "/iframe-A.html",
    "/iframe-a b.html",
    "/iframe-%20.html",
    "/iframe-/.html",
    "/iframe.htmlx",
    "/iframehtml",
    "/xframe.html",
    "/a/iframe.html",
};

/* In an allocation of exactly its size, so that ASan sees a look beyond it. */
static const struct endpoint *
find(const char *path, char **copy, const char **session, size_t *session_len)
{
	size_t len = strlen(path);

	*copy = malloc(len == 0 ? 1 : len);
	assert_non_null(*copy);
	memcpy(*copy, path, len);
	*session = "untouched";
	*session_len = 99;
	return route_find(*copy, len, session, session_len);
}

static void
test_urls(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof urls / sizeof urls[0]; i++) {
		const struct expectation *url = &urls[i];
		const char *session;
		size_t session_len;
		char *copy;
		const struct endpoint *endpoint = find(url->path, &copy, &session, &session_len);

		if (endpoint == NULL)
			fail_msg("%s is not found", url->path);
		assert_int_equal(endpoint->id, url->id);
		assert_int_equal(endpoint->transport, url->transport);
		assert_int_equal(endpoint->in_session, url->session != NULL);
		assert_int_equal(session_len, url->session == NULL ? 0 : strlen(url->session));
		if (url->session == NULL)
			assert_null(session);
		else
			assert_memory_equal(session, url->session, session_len);
		free(copy);
	}
}

static void
test_not_urls(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof not_urls / sizeof not_urls[0]; i++) {
		const char *session;
		size_t session_len;
		char *copy;

		if (find(not_urls[i], &copy, &session, &session_len) != NULL)
			fail_msg("%s is found", not_urls[i]);
		assert_null(session);
		assert_int_equal(session_len, 0);
		free(copy);
	}
}

/* <server> says nothing: only the session is reported. */
static void
test_server_is_ignored(void **state)
{
	const char *session;
	size_t len;

	(void)state;
	assert_non_null(route_find("/000/abc/xhr", 12, &session, &len));
	assert_int_equal(len, 3);
	assert_memory_equal(session, "abc", 3);
	assert_non_null(route_find("/999/abc/xhr_send", 17, &session, &len));
	assert_int_equal(len, 3);
	assert_memory_equal(session, "abc", 3);
}

struct methods {
	const char *path, *method, *allow, *preflight, *content_type;
	bool cors, uncached, nosniff, form;
};

static const struct methods methods[] = {
    {"", "GET", "GET", NULL, "text/plain; charset=UTF-8", false, false, false, false},
    {"/iframe.html", "GET", "GET", NULL, "text/html; charset=UTF-8", false, false, false, false},
    {"/info", "GET", "OPTIONS, GET", "OPTIONS, GET", "application/json; charset=UTF-8", true, true,
	false, false},
    {"/chunking_test", "POST", "OPTIONS, POST", "OPTIONS, POST",
	"application/javascript; charset=UTF-8", true, false, false, false},
    {"/websocket", "GET", "GET", NULL, NULL, false, false, false, false},
    {"/a/b/websocket", "GET", "GET", NULL, NULL, false, false, false, false},
    {"/a/b/xhr", "POST", "OPTIONS, POST", "OPTIONS, POST", "application/javascript; charset=UTF-8",
	true, true, false, false},
    {"/a/b/xhr_streaming", "POST", "OPTIONS, POST", "OPTIONS, POST",
	"application/javascript; charset=UTF-8", true, true, false, false},
    {"/a/b/xhr_send", "POST", "OPTIONS, POST", "OPTIONS, POST", "text/plain; charset=UTF-8", true,
	true, false, false},
    {"/a/b/eventsource", "GET", "GET", NULL, "text/event-stream", true, true, false, false},
    {"/a/b/htmlfile", "GET", "GET", NULL, "text/html; charset=UTF-8", false, true, true, false},
    {"/a/b/jsonp", "GET", "GET", NULL, "application/javascript; charset=UTF-8", false, true, true,
	false},
    {"/a/b/jsonp_send", "POST", "POST", NULL, "text/plain; charset=UTF-8", false, true, false,
	true},
};

static void
assert_text(const char *actual, const char *expected)
{
	if (expected == NULL)
		assert_null(actual);
	else
		assert_string_equal(actual, expected);
}

static void
test_properties(void **state)
{
	const char *session;
	size_t i, len;

	(void)state;
	for (i = 0; i < sizeof methods / sizeof methods[0]; i++) {
		const struct methods *m = &methods[i];
		const struct endpoint *endpoint =
		    route_find(m->path, strlen(m->path), &session, &len);

		assert_non_null(endpoint);
		assert_string_equal(endpoint->method, m->method);
		assert_string_equal(endpoint->allow, m->allow);
		assert_text(endpoint->preflight, m->preflight);
		assert_text(endpoint->content_type, m->content_type);
		assert_int_equal(endpoint->cors, m->cors);
		assert_int_equal(endpoint->uncached, m->uncached);
		assert_int_equal(endpoint->nosniff, m->nosniff);
		assert_int_equal(endpoint->form, m->form);
	}
}

static unsigned
transports_of(const char *path)
{
	const char *session;
	size_t len;

	return route_find(path, strlen(path), &session, &len)->transports;
}

/* A send is served while one of the transports that use it is. */
static void
test_transports(void **state)
{
	(void)state;
	assert_int_equal(transports_of("/info"), 0);
	assert_int_equal(transports_of("/a/b/xhr"), POLL);
	assert_int_equal(transports_of("/a/b/jsonp_send"), 1u << TRANSPORT_JSONP_POLLING);
	assert_int_equal(transports_of("/a/b/xhr_send"),
	    POLL | 1u << TRANSPORT_XHR_STREAMING | 1u << TRANSPORT_EVENTSOURCE |
		1u << TRANSPORT_HTMLFILE);
	assert_int_equal(transports_of("/websocket"), 1u << TRANSPORT_WEBSOCKET_RAW);
	assert_int_equal(transports_of("/a/b/websocket"), 1u << TRANSPORT_WEBSOCKET);
}

static void
assert_logged(const char *path, size_t prefix_len, const char *expected)
{
	const char *session;
	size_t session_len;
	const struct endpoint *endpoint =
	    route_find(path + prefix_len, strlen(path + prefix_len), &session, &session_len);
	char text[64];

	route_log_path(path, prefix_len, prefix_len == 0 ? NULL : endpoint, session, session_len,
	    text, sizeof text);
	assert_string_equal(text, expected);
}

/* Of a session id there is only the beginning, wherever it stands. */
static void
test_log(void **state)
{
	const size_t echo = strlen("/echo");

	(void)state;
	assert_logged("/echo/000/secretive/xhr", echo, "/echo/000/secr.../xhr");
	assert_logged("/echo/000/seven77/xhr", echo, "/echo/000/s.../xhr");
	assert_logged("/echo/info", echo, "/echo/info");
	assert_logged("/echo", echo, "/echo");
	assert_logged("/echo/iframe-secretive.html", echo, "/echo/iframe-secretive.html");
	assert_logged("/echo/000/secretive/xhr_sent", echo, "/echo/0.../secr.../xhr_...");
	assert_logged("/echo/000/secretive", echo, "/echo/0.../secr...");
	assert_logged("/echo/secretive/xhr", echo, "/echo/secr.../xhr");
	assert_logged("/echo//secretive/xhr/", echo, "/echo//secr.../xhr/");
	assert_logged("/ecko/000/sekretiv/websocket", 0, "/ecko/0.../sekr.../websocket");
	assert_logged("/secretive/", 0, "/secretive/");
	assert_logged("/", 0, "/");
	assert_logged("", 0, "");
	assert_logged("*", 0, "*");
	assert_logged(
	    "/0123456789/0123456789/0123456789/0123456789/0123456789/0123456789/0123456789"
	    "/0123456789/0123456789/0123456789/0123456789",
	    0, "/0123456789/0123.../0123.../0123.../0123.../0123.../0123.../012");
}

/* The same whatever the prefix is. */
static void
test_session_of_a_path(void **state)
{
	static const char *const prefixes[] = {"", "/echo", "/a/deep/prefix", "/pusher/app/key"};
	const struct endpoint *endpoint;
	char path[200];
	const char *session;
	size_t len;

	(void)state;
	for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
		for (size_t j = 0; j < sizeof prefixes / sizeof prefixes[0]; j++) {
			snprintf(path, sizeof path, "%s%s", prefixes[j], urls[i].path);
			endpoint = route_session(path, strlen(path), &session, &len);
			/* A raw websocket below a deep prefix looks like a session's. */
			if (urls[i].id == ENDPOINT_WEBSOCKET_RAW)
				continue;
			if (urls[i].session == NULL) {
				assert_null(endpoint);
				assert_null(session);
				continue;
			}
			assert_non_null(endpoint);
			assert_int_equal(endpoint->id, urls[i].id);
			assert_int_equal(len, strlen(urls[i].session));
			assert_memory_equal(session, urls[i].session, len);
		}
	}
	for (size_t i = 0; i < sizeof not_urls / sizeof not_urls[0]; i++)
		if (strcmp(not_urls[i], "/a/b/c/xhr") != 0)
			assert_null(
			    route_session(not_urls[i], strlen(not_urls[i]), &session, &len));
	assert_null(route_session("", 0, &session, &len));
	assert_null(route_session("xhr", 3, &session, &len));
	assert_null(route_session("/xhr", 4, &session, &len));

	assert_null(route_session("a/b/xhr", 7, &session, &len));
}

static void
test_kinds(void **state)
{
	const char *session;
	size_t len;

	(void)state;
	assert_int_equal(
	    endpoint_kind(route_find("/info", 5, &session, &len), true), ENDPOINT_INFO);
	assert_int_equal(
	    endpoint_kind(route_find("/0/a/xhr_send", 13, &session, &len), true), ENDPOINT_SEND);
	assert_int_equal(
	    endpoint_kind(route_find("/none", 5, &session, &len), true), ENDPOINT_UNKNOWN);
	assert_int_equal(endpoint_kind(NULL, false), ENDPOINT_OUTSIDE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_urls),
	    cmocka_unit_test(test_not_urls),
	    cmocka_unit_test(test_server_is_ignored),
	    cmocka_unit_test(test_properties),
	    cmocka_unit_test(test_transports),
	    cmocka_unit_test(test_log),
	    cmocka_unit_test(test_session_of_a_path),
	    cmocka_unit_test(test_kinds),
	};

	return cmocka_run_group_tests_name("route", tests, NULL, NULL);
}
