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

#define YEAR	   31536000
#define YEAR_TEXT  "31536000"
#define NOT_CACHED "no-store, no-cache, no-transform, must-revalidate, max-age=0"
#define CACHED	   "public, max-age=" YEAR_TEXT
#define ETAG_BYTES 16

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

static void
prepare_origins(struct protocol_service *service)
{
	const struct service_options *options = &service->options;
	struct allowed_origins *origins = &service->origins;

	if (allowed_origins_parse(origins, options->allowed_origins, NULL) == -1)
		origins->is_restricted = true;
	/* What the iframe page asks for, it asks with our own origin. */
	if (options->disable_cors)
		allowed_origins_keep_same(origins);
	else
		allowed_origins_add_same(origins);
}

static void
prepare_iframe(struct protocol_service *service)
{
	struct buffer *page = &service->iframe, *policy = &service->iframe_policy;

	buffer_init(page);
	append_iframe(page, service->options.sockjs_url);
	buffer_init(policy);
	if (service->origins.is_restricted) {
		allowed_origins_append_policy(&service->origins, policy);
		buffer_append_char(policy, '\0');
	}
	if (buffer_failed(page) || buffer_failed(policy))
		abort();
}

/* Of the policy too: not every browser takes a new one with a 304. */
static void
prepare_etag(struct protocol_service *service)
{
	const struct buffer *page = &service->iframe, *policy = &service->iframe_policy;
	struct sha256_ctx context;
	uint8_t digest[ETAG_BYTES];
	size_t i, n = 0;

	sha256_init(&context);
	sha256_update(&context, page->len, (const uint8_t *)page->data);
	sha256_update(&context, policy->len, (const uint8_t *)policy->data);
	sha256_digest(&context, sizeof digest, digest);
	service->iframe_etag[n++] = '"';
	for (i = 0; i < sizeof digest; i++)
		n += (size_t)snprintf(service->iframe_etag + n, 3, "%02x", digest[i]);
	service->iframe_etag[n++] = '"';
	service->iframe_etag[n] = '\0';
}

void
protocol_service_prepare(struct protocol_service *service)
{
	prepare_origins(service);
	prepare_iframe(service);
	prepare_etag(service);
}

void
protocol_service_clear(struct protocol_service *service)
{
	buffer_free(&service->iframe);
	buffer_free(&service->iframe_policy);
	allowed_origins_clear(&service->origins);
}

const struct endpoint *
reply_route(const struct protocol_service *service, const char *path, size_t len,
    const char **session, size_t *session_len)
{
	const struct endpoint *endpoint = route_find(path, len, session, session_len);

	if (endpoint != NULL && endpoint->in_session &&
	    *session_len < service->options.session_id_min)
		return NULL;
	return endpoint;
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
	n = snprintf(reply->text, REPLY_TEXT_SIZE,
	    "{\"websocket\":%s%s,\"cookie_needed\":%s,\"entropy\":%" PRIu32 "%.*s}",
	    websocket_is_enabled(options) ? "true" : "false",
	    options->disable_cors ? "" : ",\"origins\":[\"*:*\"]",
	    options->jsessionid != JSESSIONID_OFF ? "true" : "false", entropy, (int)base_url.len,
	    base_url.len > 0 ? base_url.data : "");
	buffer_free(&base_url);
	reply->body = reply->text;
	reply->body_len = (size_t)n < REPLY_TEXT_SIZE ? (size_t)n : REPLY_TEXT_SIZE - 1;
}

bool
reply_etag_is_known(const struct request_head *head, const char *etag)
{
	const char *known = head->header(head->context, "If-None-Match");
	size_t len = strlen(etag), n;

	if (known != NULL && strcmp(known, "*") == 0)
		return true;
	for (; known != NULL && *known != '\0'; known += n + (known[n] == '"')) {
		known += strspn(known, ", \t");
		if (strncmp(known, "W/", 2) == 0)
			known += 2;
		if (*known != '"')
			return false;
		if (strncmp(known, etag, len) == 0)
			return true;
		n = 1 + strcspn(known + 1, "\"");
	}
	return false;
}

static void
decide_iframe(
    struct reply *reply, const struct protocol_service *service, const struct request_head *head)
{
	reply->cache = REPLY_CACHED;
	if (service->iframe_policy.len > 0) {
		/* Whom the list names no more is to lose the page at once. */
		reply->cache = REPLY_REVALIDATED;
		reply->policy = service->iframe_policy.data;
	}
	reply->etag = service->iframe_etag;
	if (reply_etag_is_known(head, service->iframe_etag)) {
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
	*reply = (struct reply){
	    .status = 405, .allow = endpoint->allow, .body = "", .text = reply->text};
}

static void
decide_not_found(struct reply *reply)
{
	*reply = (struct reply){.body = "", .text = reply->text};
	reply_set_error(reply, 404, "404 Error: Page not found\n");
}

/* --- origins ---------------------------------------------------------------------------------- */

static struct origin_claim
claim_of(const struct endpoint *endpoint, const struct request_head *head)
{
	return origin_claim_read(
	    head, endpoint->id == ENDPOINT_WEBSOCKET || endpoint->id == ENDPOINT_WEBSOCKET_RAW);
}

static bool
is_admitted(const struct protocol_service *service, const struct endpoint *endpoint,
    const struct request_head *head)
{
	struct origin_claim claim;

	if (!service->origins.is_restricted)
		return true;
	claim = claim_of(endpoint, head);
	return allowed_origins_admit(&service->origins, &claim, endpoint->origin_optional, head);
}

static void
decide_forbidden(struct reply *reply, const struct endpoint *endpoint)
{
	*reply =
	    (struct reply){.is_forbidden = true, .cors = endpoint->cors, .cache = REPLY_NOT_CACHED};
	reply_set_error(reply, 403, "This origin is not allowed.\n");
}

const char *
reply_forbidding_option(const struct protocol_service *service)
{
	return service->options.disable_cors ? "disable_cors" : "allowed_origins";
}

void
reply_describe_claim(
    const struct endpoint *endpoint, const struct request_head *head, char text[ORIGIN_CLAIM_MAX])
{
	struct origin_claim claim = claim_of(endpoint, head);

	origin_claim_describe(&claim, text);
}

/* --- the decision ----------------------------------------------------------------------------- */

bool
reply_decide(const struct protocol_service *service, const struct endpoint *endpoint,
    const struct request_head *head, uint32_t entropy, struct reply *reply)
{
	if (endpoint == NULL || !endpoint_is_enabled(endpoint, &service->options)) {
		decide_not_found(reply);
		return true;
	}
	if (!is_admitted(service, endpoint, head)) {
		decide_forbidden(reply, endpoint);
		return true;
	}
	*reply = (struct reply){
	    .status = 200,
	    .content_type = endpoint->content_type,
	    .nosniff = endpoint->nosniff,
	    .cors = endpoint->cors,
	    .cookie = endpoint->in_session,
	    .cache = endpoint->uncached ? REPLY_NOT_CACHED : REPLY_CACHE_UNSAID,
	    .body = "",
	    .text = reply->text,
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

/*
 * What the answer lets a page of that origin do. Pages of the internet may reach a server in a
 * private network only if somebody has said whose: without a list nothing is said about it.
 */
static void
allow_headers(const struct reply *reply, const struct protocol_service *service,
    const struct request_head *head, reply_sink *sink, void *context)
{
	const char *asked = request_head_value(head, "Access-Control-Request-Headers"), *private;

	if (asked != NULL && asked[0] != '\0')
		sink(context, "Access-Control-Allow-Headers", asked);
	if (reply->preflight == NULL)
		return;
	sink(context, "Access-Control-Allow-Methods", reply->preflight);
	sink(context, "Access-Control-Max-Age", YEAR_TEXT);
	private = request_head_value(head, "Access-Control-Request-Private-Network");
	if (service->origins.is_restricted && private != NULL && strcmp(private, "true") == 0)
		sink(context, "Access-Control-Allow-Private-Network", "true");
}

static void
cors_headers(const struct reply *reply, const struct protocol_service *service,
    const struct request_head *head, reply_sink *sink, void *context)
{
	const char *origin = request_head_value(head, "Origin");
	bool has_origin = origin != NULL && origin[0] != '\0';
	bool is_allowed = has_origin ? allowed_origins_have(&service->origins, origin, head)
				     : !service->origins.is_restricted;

	if (is_allowed)
		sink(context, "Access-Control-Allow-Origin", has_origin ? origin : "*");
	if (is_allowed && has_origin)
		sink(context, "Access-Control-Allow-Credentials", "true");
	sink(context, "Vary", "Origin");
	if (is_allowed)
		allow_headers(reply, service, head, sink, context);
}

void
reply_date(time_t when, char text[REPLY_DATE_SIZE])
{
	struct tm tm;

	gmtime_r(&when, &tm);
	/* The C locale's names: neither program calls setlocale. */
	strftime(text, REPLY_DATE_SIZE, "%a, %d %b %Y %H:%M:%S GMT", &tm);
}

static void
cache_headers(
    const struct reply *reply, const struct request_head *head, reply_sink *sink, void *context)
{
	char text[REPLY_DATE_SIZE];

	if (reply->cache == REPLY_NOT_CACHED) {
		sink(context, "Cache-Control", NOT_CACHED);
	} else if (reply->cache == REPLY_REVALIDATED) {
		sink(context, "Cache-Control", "no-cache");
	} else if (reply->cache == REPLY_CACHED) {
		sink(context, "Cache-Control", CACHED);
		reply_date(head->now + YEAR, text);
		sink(context, "Expires", text);
	}
}

bool
reply_module_cookie(
    const struct protocol_service *service, const char *cookies, char value[REPLY_COOKIE_MAX])
{
	char given[REPLY_COOKIE_MAX];

	session_cookie_find(cookies, given);
	return service->jsessionid != NULL &&
	    service->jsessionid(service->jsessionid_context, given[0] != '\0' ? given : NULL, value,
		REPLY_COOKIE_MAX) &&
	    session_cookie_is_valid(value);
}

/* The value to set. False: none is. */
static bool
choose_cookie(const struct reply *reply, const struct protocol_service *service,
    const struct request_head *head, char value[REPLY_COOKIE_MAX])
{
	const char *cookies = request_head_value(head, "Cookie");

	if (service->options.jsessionid == JSESSIONID_MODULE && reply->cookie_value == NULL)
		return reply_module_cookie(service, cookies, value);
	if (service->options.jsessionid == JSESSIONID_MODULE) {
		snprintf(value, REPLY_COOKIE_MAX, "%s", reply->cookie_value);
		return session_cookie_is_valid(value);
	}
	session_cookie_find(cookies, value);
	if (value[0] == '\0')
		strcpy(value, "dummy");
	return true;
}

static void
cookie_header(const struct reply *reply, const struct protocol_service *service,
    const struct request_head *head, reply_sink *sink, void *context)
{
	char value[REPLY_COOKIE_MAX];
	struct buffer header = BUFFER_INIT;

	if (!choose_cookie(reply, service, head, value))
		return;
	session_cookie_append(&header, value, &service->options);
	buffer_append_char(&header, '\0');
	if (!buffer_failed(&header))
		sink(context, "Set-Cookie", header.data);
	buffer_free(&header);
}

void
reply_headers(const struct reply *reply, const struct protocol_service *service,
    const struct request_head *head, reply_sink *sink, void *context)
{
	static const struct protocol_service none;

	if (service == NULL)
		service = &none;
	if (reply->content_type != NULL)
		sink(context, "Content-Type", reply->content_type);
	if (reply->allow != NULL)
		sink(context, "Allow", reply->allow);
	/* RFC 9110, section 15.5.2. Browsers ask nobody for a password because of this scheme. */
	if (reply->status == 401)
		sink(context, "WWW-Authenticate", "Bearer");
	if (reply->status == 429 || reply->status == 503)
		sink(context, "Retry-After", "1");
	cache_headers(reply, head, sink, context);
	if (reply->etag != NULL)
		sink(context, "ETag", reply->etag);
	if (reply->policy != NULL)
		sink(context, "Content-Security-Policy", reply->policy);
	if (reply->nosniff)
		sink(context, "X-Content-Type-Options", "nosniff");
	if (reply->stream)
		sink(context, "X-Accel-Buffering", "no");
	if (reply->cookie && service->options.jsessionid != JSESSIONID_OFF)
		cookie_header(reply, service, head, sink, context);
	if (reply->cors && !service->options.disable_cors)
		cors_headers(reply, service, head, sink, context);
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
