/*
 * See route.h. One table for both programs: what is not in it is 404.
 */
#include "sockjs/route.h"

#include <stdio.h>
#include <string.h>

#define BIT(name)	(1u << TRANSPORT_##name)
#define SEND_TRANSPORTS (BIT(XHR_POLLING) | BIT(XHR_STREAMING) | BIT(EVENTSOURCE) | BIT(HTMLFILE))
#define JAVASCRIPT	"application/javascript; charset=UTF-8"
#define TEXT		"text/plain; charset=UTF-8"
#define HTML		"text/html; charset=UTF-8"

static const struct endpoint endpoints[] = {
    {
	.id = ENDPOINT_GREETING,
	.path = "",
	.method = "GET",
	.allow = "GET",
	.transport = -1,
	.content_type = TEXT,
	.origin_optional = true,
    },
    {
	.id = ENDPOINT_INFO,
	.path = "/info",
	.method = "GET",
	.allow = "OPTIONS, GET",
	.preflight = "OPTIONS, GET",
	.transport = -1,
	.content_type = "application/json; charset=UTF-8",
	.cors = true,
	.uncached = true,
	.origin_optional = true,
    },
    {
	.id = ENDPOINT_CHUNKING_TEST,
	.path = "/chunking_test",
	.method = "POST",
	.allow = "OPTIONS, POST",
	.preflight = "OPTIONS, POST",
	.transport = -1,
	.content_type = JAVASCRIPT,
	.cors = true,
    },
    {
	.id = ENDPOINT_WEBSOCKET_RAW,
	.path = "/websocket",
	.method = "GET",
	.allow = "GET",
	.transports = BIT(WEBSOCKET_RAW),
	.transport = TRANSPORT_WEBSOCKET_RAW,
	.origin_optional = true,
    },
    {
	.id = ENDPOINT_WEBSOCKET,
	.path = "/websocket",
	.in_session = true,
	.method = "GET",
	.allow = "GET",
	.transports = BIT(WEBSOCKET),
	.transport = TRANSPORT_WEBSOCKET,
	.origin_optional = true,
    },
    {
	.id = ENDPOINT_RECEIVE,
	.path = "/xhr",
	.in_session = true,
	.method = "POST",
	.allow = "OPTIONS, POST",
	.preflight = "OPTIONS, POST",
	.transports = BIT(XHR_POLLING),
	.transport = TRANSPORT_XHR_POLLING,
	.content_type = JAVASCRIPT,
	.cors = true,
	.uncached = true,
    },
    {
	.id = ENDPOINT_SEND,
	.path = "/xhr_send",
	.in_session = true,
	.method = "POST",
	.allow = "OPTIONS, POST",
	.preflight = "OPTIONS, POST",
	.transports = SEND_TRANSPORTS,
	.transport = -1,
	.content_type = TEXT,
	.cors = true,
	.uncached = true,
    },
    {
	.id = ENDPOINT_RECEIVE,
	.path = "/xhr_streaming",
	.in_session = true,
	.method = "POST",
	.allow = "OPTIONS, POST",
	.preflight = "OPTIONS, POST",
	.transports = BIT(XHR_STREAMING),
	.transport = TRANSPORT_XHR_STREAMING,
	.content_type = JAVASCRIPT,
	.cors = true,
	.uncached = true,
    },
    {
	.id = ENDPOINT_RECEIVE,
	.path = "/eventsource",
	.in_session = true,
	.method = "GET",
	.allow = "GET",
	.transports = BIT(EVENTSOURCE),
	.transport = TRANSPORT_EVENTSOURCE,
	.content_type = "text/event-stream",
	.cors = true,
	.uncached = true,
    },
    {
	.id = ENDPOINT_RECEIVE,
	.path = "/htmlfile",
	.in_session = true,
	.method = "GET",
	.allow = "GET",
	.transports = BIT(HTMLFILE),
	.transport = TRANSPORT_HTMLFILE,
	.content_type = HTML,
	.nosniff = true,
	.uncached = true,
    },
    {
	.id = ENDPOINT_RECEIVE,
	.path = "/jsonp",
	.in_session = true,
	.method = "GET",
	.allow = "GET",
	.transports = BIT(JSONP_POLLING),
	.transport = TRANSPORT_JSONP_POLLING,
	.content_type = JAVASCRIPT,
	.nosniff = true,
	.uncached = true,
    },
    {
	.id = ENDPOINT_SEND,
	.path = "/jsonp_send",
	.in_session = true,
	.method = "POST",
	.allow = "POST",
	.transports = BIT(JSONP_POLLING),
	.transport = -1,
	.content_type = TEXT,
	.form = true,
	.uncached = true,
    },
};

/* Its path is a pattern, so it is not in the table. */
static const struct endpoint iframe = {
    .id = ENDPOINT_IFRAME,
    .path = "/iframe*.html",
    .method = "GET",
    .allow = "GET",
    .transport = -1,
    .content_type = HTML,
    .origin_optional = true,
};

/*
 * `/iframe[0-9-.a-z_]*.html`: sockjs-client puts its version between, so that a page is cached with
 * its script.
 */
static bool
is_iframe(const char *path, size_t len)
{
	const size_t head = strlen("/iframe"), tail = strlen(".html");
	size_t i;

	if (len < head + tail || memcmp(path, "/iframe", head) != 0 ||
	    memcmp(path + len - tail, ".html", tail) != 0)
		return false;
	for (i = head; i < len - tail; i++) {
		char c = path[i];

		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '-' || c == '.' ||
			c == '_'))
			return false;
	}
	return true;
}

/*
 * The length of a <server> or <session> segment at path, which begins with its `/`; 0 if it is
 * none.
 */
static size_t
segment_length(const char *path, size_t len)
{
	size_t n;

	if (len < 2 || path[0] != '/')
		return 0;
	for (n = 1; n < len && path[n] != '/'; n++)
		if (path[n] == '.')
			return 0;
	return n == 1 ? 0 : n;
}

static const struct endpoint *
lookup(const char *path, size_t len, bool in_session)
{
	size_t i;

	for (i = 0; i < sizeof endpoints / sizeof endpoints[0]; i++) {
		const struct endpoint *e = &endpoints[i];

		if (e->in_session == in_session && strlen(e->path) == len &&
		    memcmp(e->path, path, len) == 0)
			return e;
	}
	return NULL;
}

const struct endpoint *
route_find(const char *path, size_t len, const char **session, size_t *session_len)
{
	const struct endpoint *endpoint;
	size_t server_len, id_len;

	*session = NULL;
	*session_len = 0;
	if (len > 0 && path[len - 1] == '/')
		len--;
	endpoint = lookup(path, len, false);
	if (endpoint != NULL)
		return endpoint;
	if (is_iframe(path, len))
		return &iframe;
	server_len = segment_length(path, len);
	if (server_len == 0)
		return NULL;
	id_len = segment_length(path + server_len, len - server_len);
	if (id_len == 0)
		return NULL;
	endpoint = lookup(path + server_len + id_len, len - server_len - id_len, true);
	if (endpoint != NULL) {
		*session = path + server_len + 1;
		*session_len = id_len - 1;
	}
	return endpoint;
}

/* Where the last segment of path[0..len) begins, with its `/`; len: there is none. */
static size_t
last_segment(const char *path, size_t len)
{
	const char *slash = memrchr(path, '/', len);

	return slash == NULL ? len : (size_t)(slash - path);
}

const struct endpoint *
route_session(const char *path, size_t len, const char **session, size_t *session_len)
{
	const struct endpoint *endpoint;
	size_t end, id, server;

	*session = NULL;
	*session_len = 0;
	if (len > 0 && path[len - 1] == '/')
		len--;
	end = last_segment(path, len);
	endpoint = lookup(path + end, len - end, true);
	id = last_segment(path, end);
	server = last_segment(path, id);
	if (endpoint == NULL || segment_length(path + id, end - id) == 0 ||
	    segment_length(path + server, id - server) == 0)
		return NULL;
	*session = path + id + 1;
	*session_len = end - id - 1;
	return endpoint;
}

unsigned
endpoint_kind(const struct endpoint *endpoint, bool in_service)
{
	if (endpoint != NULL)
		return endpoint->id;
	return in_service ? ENDPOINT_UNKNOWN : ENDPOINT_OUTSIDE;
}

/* --- the log ---------------------------------------------------------------------------------- */

/* The bytes of a session id that the log may have. */
static int
shown_of(size_t len)
{
	enum { SHOWN = 4 };

	return len < 2 * SHOWN ? 1 : SHOWN;
}

/* The part, with its `/`, is the last of an endpoint's path. */
static bool
is_endpoint_name(const char *part, size_t len)
{
	return lookup(part, len, false) != NULL || lookup(part, len, true) != NULL;
}

static void
mask_parts(const char *path, size_t shown, char *to, size_t size)
{
	size_t len, at = (size_t)snprintf(to, size, "%.*s", (int)shown, path);

	for (path += shown; *path != '\0' && at < size; path += len) {
		len = 1 + strcspn(path + 1, "/");
		if (path[0] != '/' || (len > 1 && !is_endpoint_name(path, len)))
			at += (size_t)snprintf(
			    to + at, size - at, "%.*s...", 1 + shown_of(len - 1), path);
		else
			at += (size_t)snprintf(to + at, size - at, "%.*s", (int)len, path);
	}
}

void
route_log_path(const char *path, size_t prefix_len, const struct endpoint *endpoint,
    const char *session, size_t session_len, char *to, size_t size)
{
	if (session != NULL)
		snprintf(to, size, "%.*s%.*s...%s", (int)(session - path), path,
		    shown_of(session_len), session, session + session_len);
	else if (endpoint != NULL)
		snprintf(to, size, "%s", path);
	else if (prefix_len > 0)
		mask_parts(path, prefix_len, to, size);
	else
		mask_parts(path, path[0] == '\0' ? 0 : 1 + strcspn(path + 1, "/"), to, size);
}
