/*
 * See reply.h. Both programs answer each request from here.
 */
#include "sockjs/reply.h"

#include "sockjs/form.h"
#include "sockjs/json_string.h"

#include <inttypes.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define YEAR	    31536000
#define YEAR_TEXT   "31536000"
#define NOT_CACHED  "no-store, no-cache, no-transform, must-revalidate, max-age=0"
#define CACHED	    "public, max-age=" YEAR_TEXT
#define COOKIE_NAME "JSESSIONID"
#define COOKIE_MAX  1024
#define ETAG_BYTES  16

static void
append_html_escaped(struct buffer *out, const char *text)
{
	for (; *text != '\0'; text++) {
		switch (*text) {
		case '&':
			buffer_append_str(out, "&amp;");
			break;
		case '<':
			buffer_append_str(out, "&lt;");
			break;
		case '>':
			buffer_append_str(out, "&gt;");
			break;
		case '"':
			buffer_append_str(out, "&quot;");
			break;
		default:
			buffer_append_char(out, *text);
		}
	}
}

static void
append_iframe(struct buffer *out, const char *sockjs_url)
{
	buffer_append_str(out,
	    "<!DOCTYPE html>\n"
	    "<html>\n"
	    "<head>\n"
	    "  <meta http-equiv=\"X-UA-Compatible\" content=\"IE=edge\" />\n"
	    "  <meta http-equiv=\"Content-Type\" content=\"text/html; charset=UTF-8\" />\n"
	    "  <script src=\"");
	append_html_escaped(out, sockjs_url);
	buffer_append_str(out,
	    "\"></script>\n"
	    "  <script>\n"
	    "    document.domain = document.domain;\n"
	    "    SockJS.bootstrap_iframe();\n"
	    "  </script>\n"
	    "</head>\n"
	    "<body>\n"
	    "  <h2>Don't panic!</h2>\n"
	    "  <p>This is a SockJS hidden iframe. It's used for cross domain magic.</p>\n"
	    "</body>\n"
	    "</html>");
}

void
protocol_service_prepare(struct protocol_service *service)
{
	struct sha256_ctx context;
	uint8_t digest[ETAG_BYTES];
	size_t i, n = 0;

	buffer_init(&service->iframe);
	append_iframe(&service->iframe, service->options.sockjs_url);
	if (buffer_failed(&service->iframe))
		abort();
	sha256_init(&context);
	sha256_update(&context, service->iframe.len, (const uint8_t *)service->iframe.data);
	sha256_digest(&context, sizeof digest, digest);
	service->iframe_etag[n++] = '"';
	for (i = 0; i < sizeof digest; i++)
		n += (size_t)snprintf(service->iframe_etag + n, 3, "%02x", digest[i]);
	service->iframe_etag[n++] = '"';
	service->iframe_etag[n] = '\0';
}

void
protocol_service_clear(struct protocol_service *service)
{
	buffer_free(&service->iframe);
}

void
reply_set_error(struct reply *reply, int status, const char *text)
{
	reply->status = status;
	reply->content_type = "text/plain; charset=UTF-8";
	reply->body = text;
	reply->body_len = strlen(text);
	reply->stream = false;
}

static bool
endpoint_is_enabled(const struct endpoint *endpoint, const struct service_options *options)
{
	if (endpoint->id == ENDPOINT_IFRAME)
		return !options->disable_cors;
	if ((endpoint->id == ENDPOINT_WEBSOCKET || endpoint->id == ENDPOINT_WEBSOCKET_RAW) &&
	    !options->websocket)
		return false;
	return endpoint->transports == 0 || (endpoint->transports & options->transports) != 0;
}

static bool
websocket_is_enabled(const struct service_options *options)
{
	return options->websocket && (options->transports & (1u << TRANSPORT_WEBSOCKET)) != 0;
}

static void
set_info_body(struct reply *reply, const struct protocol_service *service, uint32_t entropy)
{
	const struct service_options *options = &service->options;
	struct buffer base_url = BUFFER_INIT;
	int n;

	if (options->base_url != NULL) {
		buffer_append_str(&base_url, ",\"base_url\":");
		json_string_append(&base_url, options->base_url, strlen(options->base_url), 0);
	}
	n = snprintf(reply->text, sizeof reply->text,
	    "{\"websocket\":%s%s,\"cookie_needed\":%s,\"entropy\":%" PRIu32 "%.*s}",
	    websocket_is_enabled(options) ? "true" : "false",
	    options->disable_cors ? "" : ",\"origins\":[\"*:*\"]",
	    options->jsessionid != JSESSIONID_OFF ? "true" : "false", entropy, (int)base_url.len,
	    base_url.len > 0 ? base_url.data : "");
	buffer_free(&base_url);
	reply->body = reply->text;
	reply->body_len = (size_t)n < sizeof reply->text ? (size_t)n : sizeof reply->text - 1;
}

static void
decide_iframe(
    struct reply *reply, const struct protocol_service *service, const struct request_head *head)
{
	const char *known = head->header(head->context, "If-None-Match");

	reply->cache = REPLY_CACHED;
	reply->etag = service->iframe_etag;
	if (known != NULL && strcmp(known, service->iframe_etag) == 0) {
		reply->status = 304;
		reply->content_type = NULL;
		return;
	}
	reply->body = service->iframe.data;
	reply->body_len = service->iframe.len;
}

static void
decide_preflight(struct reply *reply, const struct endpoint *endpoint)
{
	reply->status = 204;
	reply->content_type = NULL;
	reply->preflight = endpoint->preflight;
	reply->cache = REPLY_CACHED;
	reply->nosniff = false;
}

static void
decide_method_not_allowed(struct reply *reply, const struct endpoint *endpoint)
{
	*reply = (struct reply){.status = 405, .allow = endpoint->allow, .body = ""};
}

static void
decide_not_found(struct reply *reply)
{
	*reply = (struct reply){.body = ""};
	reply_set_error(reply, 404, "404 Error: Page not found\n");
}

bool
reply_decide(const struct protocol_service *service, const struct endpoint *endpoint,
    const struct request_head *head, uint32_t entropy, struct reply *reply)
{
	if (endpoint == NULL || !endpoint_is_enabled(endpoint, &service->options)) {
		decide_not_found(reply);
		return true;
	}
	*reply = (struct reply){
	    .status = 200,
	    .content_type = endpoint->content_type,
	    .nosniff = endpoint->nosniff,
	    .cors = endpoint->cors && !service->options.disable_cors,
	    .cookie = endpoint->in_session,
	    .cache = endpoint->uncached ? REPLY_NOT_CACHED : REPLY_CACHE_UNSAID,
	    .body = "",
	};
	if (endpoint->preflight != NULL && strcmp(head->method, "OPTIONS") == 0) {
		decide_preflight(reply, endpoint);
		return true;
	}
	if (strcmp(head->method, endpoint->method) != 0) {
		decide_method_not_allowed(reply, endpoint);
		return true;
	}
	switch (endpoint->id) {
	case ENDPOINT_GREETING:
		reply->body = "Welcome to SockJS!\n";
		reply->body_len = strlen(reply->body);
		return true;
	case ENDPOINT_INFO:
		set_info_body(reply, service, entropy);
		return true;
	case ENDPOINT_IFRAME:
		decide_iframe(reply, service, head);
		return true;
	case ENDPOINT_RECEIVE:
		reply->stream = transport_get((enum transport_id)endpoint->transport)->streaming;
		return false;
	case ENDPOINT_CHUNKING_TEST:
	case ENDPOINT_WEBSOCKET_RAW:
	case ENDPOINT_WEBSOCKET:
	case ENDPOINT_SEND:
		break;
	}
	return false;
}

static void
cors_headers(
    const struct reply *reply, const struct request_head *head, reply_sink *sink, void *context)
{
	const char *origin = head->header(head->context, "Origin");
	const char *asked = head->header(head->context, "Access-Control-Request-Headers");

	if (origin != NULL && origin[0] != '\0') {
		sink(context, "Access-Control-Allow-Origin", origin);
		sink(context, "Access-Control-Allow-Credentials", "true");
	} else {
		sink(context, "Access-Control-Allow-Origin", "*");
	}
	sink(context, "Vary", "Origin");
	if (asked != NULL && asked[0] != '\0')
		sink(context, "Access-Control-Allow-Headers", asked);
	if (reply->preflight != NULL) {
		sink(context, "Access-Control-Allow-Methods", reply->preflight);
		sink(context, "Access-Control-Max-Age", YEAR_TEXT);
	}
}

static void
cache_headers(
    const struct reply *reply, const struct request_head *head, reply_sink *sink, void *context)
{
	time_t expires = head->now + YEAR;
	char text[64];
	struct tm tm;

	if (reply->cache == REPLY_NOT_CACHED) {
		sink(context, "Cache-Control", NOT_CACHED);
	} else if (reply->cache == REPLY_CACHED) {
		sink(context, "Cache-Control", CACHED);
		gmtime_r(&expires, &tm);
		/* The C locale's names: neither program calls setlocale. RFC 9110 5.6.7. */
		strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &tm);
		sink(context, "Expires", text);
	}
}

/* RFC 6265 4.1.1, cookie-octet. */
static bool
is_cookie_octet(char c)
{
	unsigned char u = (unsigned char)c;

	return u > 0x20 && u < 0x7f && u != '"' && u != ',' && u != ';' && u != '\\';
}

/*
 * The value of the JSESSIONID cookie among `a=1; b=2`, its length in *len; NULL if there is none.
 */
static const char *
find_session_cookie(const char *cookies, size_t *len)
{
	const size_t name_len = strlen(COOKIE_NAME);

	while (cookies != NULL && *cookies != '\0') {
		cookies += strspn(cookies, " \t;");
		*len = strcspn(cookies, ";");
		if (*len > name_len && cookies[name_len] == '=' &&
		    memcmp(cookies, COOKIE_NAME, name_len) == 0) {
			*len -= name_len + 1;
			return cookies + name_len + 1;
		}
		cookies += *len;
	}
	return NULL;
}

/*
 * Copies the value of the JSESSIONID cookie; "" if there is none, or none that can be given back.
 */
static void
session_cookie_of(const char *cookies, char value[REPLY_COOKIE_MAX])
{
	const char *found;
	size_t i, len;

	value[0] = '\0';
	found = find_session_cookie(cookies, &len);
	if (found == NULL)
		return;
	while (len > 0 && (found[len - 1] == ' ' || found[len - 1] == '\t'))
		len--;
	if (len >= REPLY_COOKIE_MAX)
		return;
	for (i = 0; i < len; i++)
		if (!is_cookie_octet(found[i]))
			return;
	memcpy(value, found, len);
	value[len] = '\0';
}

static bool
is_cookie_value(const char *value)
{
	size_t i;

	for (i = 0; value[i] != '\0'; i++)
		if (!is_cookie_octet(value[i]))
			return false;
	return i > 0 && i < REPLY_COOKIE_MAX;
}

bool
reply_module_cookie(
    const struct protocol_service *service, const char *cookies, char value[REPLY_COOKIE_MAX])
{
	char given[REPLY_COOKIE_MAX];

	session_cookie_of(cookies, given);
	return service->jsessionid != NULL &&
	    service->jsessionid(service->jsessionid_context, given[0] != '\0' ? given : NULL, value,
		REPLY_COOKIE_MAX) &&
	    is_cookie_value(value);
}

static void
cookie_header(const struct reply *reply, const struct protocol_service *service,
    const struct request_head *head, reply_sink *sink, void *context)
{
	const char *cookies = head->header(head->context, "Cookie");
	char value[REPLY_COOKIE_MAX], header[REPLY_COOKIE_MAX + 64];

	if (service->options.jsessionid == JSESSIONID_MODULE && reply->cookie_value != NULL) {
		snprintf(value, sizeof value, "%s", reply->cookie_value);
		if (!is_cookie_value(value))
			return;
	} else if (service->options.jsessionid == JSESSIONID_MODULE) {
		if (!reply_module_cookie(service, cookies, value))
			return;
	} else {
		session_cookie_of(cookies, value);
		if (value[0] == '\0')
			strcpy(value, "dummy");
	}
	snprintf(header, sizeof header, COOKIE_NAME "=%s; path=/", value);
	sink(context, "Set-Cookie", header);
}

void
reply_headers(const struct reply *reply, const struct protocol_service *service,
    const struct request_head *head, reply_sink *sink, void *context)
{
	if (reply->content_type != NULL)
		sink(context, "Content-Type", reply->content_type);
	if (reply->allow != NULL)
		sink(context, "Allow", reply->allow);
	cache_headers(reply, head, sink, context);
	if (reply->etag != NULL)
		sink(context, "ETag", reply->etag);
	if (reply->nosniff)
		sink(context, "X-Content-Type-Options", "nosniff");
	if (reply->stream)
		sink(context, "X-Accel-Buffering", "no");
	if (reply->cookie && service->options.jsessionid != JSESSIONID_OFF)
		cookie_header(reply, service, head, sink, context);
	if (reply->cors)
		cors_headers(reply, head, sink, context);
}

const char *
reply_callback(const char *query, char callback[TRANSPORT_CALLBACK_MAX + 1])
{
	/* Three bytes of a query make one of a name, at most. */
	char decoded[3 * TRANSPORT_CALLBACK_MAX];
	const char *value = NULL;
	size_t value_len = 0;
	size_t len;

	if (query == NULL ||
	    (!form_find(query, strlen(query), "c", &value, &value_len) &&
		!form_find(query, strlen(query), "callback", &value, &value_len)))
		return "\"callback\" parameter required";
	if (value_len > sizeof decoded)
		return "invalid \"callback\" parameter";
	memcpy(decoded, value, value_len);
	len = form_decode(decoded, value_len);
	if (!transport_callback_is_valid(decoded, len))
		return "invalid \"callback\" parameter";
	memcpy(callback, decoded, len);
	callback[len] = '\0';
	return NULL;
}
