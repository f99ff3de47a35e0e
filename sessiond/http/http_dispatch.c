/*
 * See http_dispatch.h. libmicrohttpd calls the handler once for the head, again for each piece of
 * the body, once at its end, and after each resumption; the phase tells which call it is.
 */
#include "sessiond/http/http_dispatch.h"

#include "common/log.h"
#include "common/memory.h"
#include "common/random.h"
#include "sessiond/http/chunking_probe.h"
#include "sessiond/http/http_connection.h"
#include "sessiond/http/http_fallback.h"
#include "sessiond/http/http_fields.h"
#include "sessiond/http/http_parking.h"
#include "sessiond/http/http_request.h"
#include "sessiond/http/http_session.h"
#include "sessiond/http/http_upgrade.h"
#include "sessiond/http/static_files.h"
#include "sessiond/session/session_set.h"
#include "sockjs/transport.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Times body_limit: so much of a body is read and thrown away for the sake of a proper 413. */
enum { DISCARD_FACTOR = 16 };

void *
http_dispatch_begin(void *cls, const char *uri, struct MHD_Connection *mhd)
{
	struct http_connection *connection =
	    MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
	struct http_request *request = http_request_create(cls, connection, uri);

	connection->response = &request->response;
	return request;
}

/* --- the tables of handlers ------------------------------------------------------------------- */

static bool
only_reads(const struct http_request *request)
{
	return strcmp(request->method, MHD_HTTP_METHOD_GET) == 0 ||
	    strcmp(request->method, MHD_HTTP_METHOD_HEAD) == 0;
}

/* What follows the folder of those handlers; NULL: the path is not below it. */
static const char *
path_below(const struct http_handlers *handlers, const char *path)
{
	const char *folder = handlers->folder == NULL ? NULL : handlers->folder(handlers->context);
	size_t len = folder == NULL ? 0 : strlen(folder);

	return len == 0 || strncmp(path, folder, len) == 0 ? path + len : NULL;
}

static bool
is_path_of(const struct http_handler *handler, const char *path)
{
	size_t len = strlen(handler->path);

	return handler->path[len - 1] == '/' ? strncmp(handler->path, path, len) == 0
					     : strcmp(handler->path, path) == 0;
}

static bool
is_method_of(const struct http_handler *handler, const struct http_request *request)
{
	return handler->method == NULL || strcmp(handler->method, request->method) == 0 ||
	    (strcmp(handler->method, MHD_HTTP_METHOD_GET) == 0 && only_reads(request));
}

struct handler_search {
	const struct http_handlers *handlers;
	const struct http_handler *handler; /* NULL: no one of those was looked at */
	const char *path;		    /* below the folder of those */
};

static struct handler_search
search_handlers(const struct http_request *request)
{
	return (struct handler_search){request->all->handlers, NULL, NULL};
}

/* Finds one that may answer the request, and the next one when it is called again. */
static bool
next_handler(struct handler_search *search, const struct http_request *request)
{
	unsigned way = 1u << request->response.connection->way;

	while (search->handlers != NULL && search->handlers->table != NULL) {
		if (search->handler == NULL) {
			search->handler = search->handlers->table;
			search->path = path_below(search->handlers, request->uri);
		} else {
			search->handler++;
		}
		if (search->path == NULL || search->handler->path == NULL) {
			search->handlers++;
			search->handler = NULL;
		} else if ((search->handler->ways & way) != 0 &&
		    is_path_of(search->handler, search->path) &&
		    is_method_of(search->handler, request)) {
			return true;
		}
	}
	return false;
}

/* The first that wants the request's body. */
static bool
find_handler_with_body(const struct http_request *request, struct handler_search *search)
{
	*search = search_handlers(request);
	while (next_handler(search, request))
		if (search->handler->takes_body)
			return true;
	return false;
}

/* The most bytes that its body may have. */
static size_t
body_limit(const struct http_request *request)
{
	const struct sockjs_service *service =
	    request->service == NULL ? request->fallback : request->service;
	struct handler_search search;

	if (request->endpoint == NULL && find_handler_with_body(request, &search) &&
	    search.handlers->body_limit != NULL)
		return search.handlers->body_limit(search.handlers->context);
	return service == NULL ? request->all->defaults->body_limit
			       : service->protocol.options.body_limit;
}

/* --- the head --------------------------------------------------------------------------------- */

static enum MHD_Result
refuse(struct http_request *request, int status, const char *text)
{
	request->phase = HTTP_REQUEST_DECIDED;
	http_response_error(&request->response, status, text);
	return http_response_leave(&request->response);
}

static enum MHD_Result
refuse_body(struct http_request *request)
{
	request->all->sessions->limits.reached[LIMIT_BODY]++;
	/* A script of another origin can read the status only with these headers. */
	request->response.reply.cors = request->endpoint != NULL && request->endpoint->cors;
	return refuse(request, MHD_HTTP_CONTENT_TOO_LARGE, "Request body too large.\n");
}

static bool
asks_before_it_sends(const struct http_request *request)
{
	const char *expect = http_request_header(request, MHD_HTTP_HEADER_EXPECT);

	return expect != NULL && strcasecmp(expect, "100-continue") == 0;
}

static enum MHD_Result
handle_head(struct http_request *request, const char *method, const char *version)
{
	struct http_connection *connection = request->response.connection;
	const char *length;

	http_request_read_head(request, method, version);
	request->phase = HTTP_REQUEST_BODY;
	http_connection_expect_body(connection);
	/* Nobody has judged it: the head was read past http_intake.c. */
	if (++connection->heads > connection->framing.heads)
		return refuse(request, MHD_HTTP_BAD_REQUEST, "The head was not seen.\n");
	length = http_request_header(request, MHD_HTTP_HEADER_CONTENT_LENGTH);
	if (length == NULL || strtoull(length, NULL, 10) <= body_limit(request))
		return MHD_YES;
	request->body_too_large = true;
	/*
	 * A client that asks first need not send it. Another is heard out: it may not listen
	 * before.
	 */
	return asks_before_it_sends(request) ? refuse_body(request) : MHD_YES;
}

/* --- the body --------------------------------------------------------------------------------- */

static bool
wants_body(const struct http_request *request)
{
	struct handler_search search;

	return request->fallback != NULL ||
	    (request->endpoint != NULL ? request->endpoint->id == ENDPOINT_SEND
				       : find_handler_with_body(request, &search));
}

static enum MHD_Result
handle_body(struct http_request *request, const char *data, size_t *len)
{
	size_t limit = body_limit(request);

	request->body_seen += *len;
	if (request->body_seen > limit)
		request->body_too_large = true;
	if (request->body_too_large) {
		buffer_free(&request->body);
		limits_give_input(&request->all->sessions->limits, &request->input);
		if (request->body_seen / DISCARD_FACTOR > limit)
			http_connection_abort(
			    request->response.connection, MHD_HTTP_CONTENT_TOO_LARGE);
	} else if (wants_body(request)) {
		buffer_append(&request->body, data, *len);
		if (!limits_take_input(
			&request->all->sessions->limits, &request->input, request->body.room)) {
			request->body_too_large = true;
			http_connection_abort(
			    request->response.connection, MHD_HTTP_SERVICE_UNAVAILABLE);
		}
	}
	*len = 0;
	return MHD_YES;
}

/* --- who answers ------------------------------------------------------------------------------ */

/* A file, if there is one, or if there is nobody else to ask. False: there is none. */
static bool
answer_with_file(struct http_request *request)
{
	struct static_files *files = request->all->files;
	bool is_asked_next = request->fallback != NULL;
	struct MHD_Response *response;
	unsigned status;

	if (files == NULL || (is_asked_next && !only_reads(request)))
		return false;
	response = static_files_respond(files, &request->head, &status);
	if (is_asked_next && response != NULL && status == MHD_HTTP_NOT_FOUND) {
		MHD_destroy_response(response);
		return false;
	}
	request->is_file = status < MHD_HTTP_BAD_REQUEST;
	http_response_set(&request->response, response, status);
	return true;
}

static bool
answer_with_handler(struct http_request *request)
{
	struct handler_search search = search_handlers(request);

	while (next_handler(&search, request))
		if (search.handler->answer(search.handlers->context, request))
			return true;
	return false;
}

static void
answer_control(struct http_request *request)
{
	enum http_way way = request->response.connection->way;

	if (answer_with_handler(request))
		return;
	if (way == HTTP_WAY_CONTROL)
		http_response_error(
		    &request->response, MHD_HTTP_NOT_FOUND, "404 Error: Page not found\n");
	else if (way == HTTP_WAY_PUBLISH)
		http_response_error(&request->response, MHD_HTTP_FORBIDDEN,
		    "You are one of publish_users, who may POST /publish, and nothing else.\n");
	else
		http_response_error(&request->response, MHD_HTTP_FORBIDDEN,
		    "Only root, the daemon's user and control_users may use this socket; "
		    "publish_users may publish.\n");
}

static void
answer_outside(struct http_request *request)
{
	if (buffer_failed(&request->body))
		http_response_set(&request->response, NULL, MHD_HTTP_SERVICE_UNAVAILABLE);
	else if (!answer_with_file(request) && !http_fallback_request(request))
		http_response_error(
		    &request->response, MHD_HTTP_NOT_FOUND, "404 Error: Page not found\n");
}

/* Who answers at the URLs that the reply alone does not. */
static void (*const answerers[])(struct http_request *request) = {
    [ENDPOINT_CHUNKING_TEST] = chunking_probe_start,
    [ENDPOINT_WEBSOCKET_RAW] = http_upgrade_start,
    [ENDPOINT_WEBSOCKET] = http_upgrade_start,
    [ENDPOINT_RECEIVE] = http_session_receive,
    [ENDPOINT_SEND] = http_session_send,
};

static void
decide(struct http_request *request)
{
	const struct endpoint *endpoint;
	uint32_t entropy = 0;

	/* What was retired while the body came may have its session still, or may not. */
	if (request->service != NULL && request->service->is_retired)
		http_request_route(request);
	if (request->response.connection->way != HTTP_WAY_CLIENTS) {
		answer_control(request);
		return;
	}
	/* A SockJS URL is its service's; what else is below a prefix, maybe "/", need not be. */
	if (request->endpoint == NULL && answer_with_handler(request))
		return;
	if (request->service == NULL) {
		answer_outside(request);
		return;
	}
	endpoint = request->endpoint;
	if (endpoint != NULL && endpoint->id == ENDPOINT_INFO)
		random_bytes(&entropy, sizeof entropy);
	if (!reply_decide(&request->service->protocol, endpoint, &request->head, entropy,
		&request->response.reply)) {
		answerers[endpoint->id](request);
		return;
	}
	if (request->response.reply.is_forbidden)
		http_request_log_forbidden(request);
	http_response_reply(&request->response);
}

static bool
is_within_rate(const struct http_request *request, enum rate_kind kind)
{
	return limits_rate(&request->all->sessions->limits, request->response.connection->rates,
	    address_count_number(&request->client.any), kind, 1, request->began);
}

/* False if its connection or its client is too fast. */
static bool
is_within_rates(const struct http_request *request)
{
	bool is_send = request->endpoint != NULL && request->endpoint->id == ENDPOINT_SEND;

	return request->response.connection->rates == NULL ||
	    (is_within_rate(request, RATE_REQUEST) &&
		(!is_send || is_within_rate(request, RATE_SEND)));
}

static enum MHD_Result
refuse_rate(struct http_request *request)
{
	request->response.reply.cors = request->endpoint != NULL && request->endpoint->cors;
	return refuse(request, MHD_HTTP_TOO_MANY_REQUESTS, "Too many requests.\n");
}

/* The body is complete. */
static enum MHD_Result
answer(struct http_request *request)
{
	http_connection_arrived(request->response.connection);
	if (request->response.is_broken)
		return http_response_leave(&request->response);
	if (request->body_too_large)
		return refuse_body(request);
	if (http_request_waits(request))
		return MHD_YES;
	if (!is_within_rates(request))
		return refuse_rate(request);
	request->phase = HTTP_REQUEST_DECIDED;
	decide(request);
	return http_response_leave(&request->response);
}

enum MHD_Result
http_dispatch_handle(void *cls, struct MHD_Connection *mhd, const char *url, const char *method,
    const char *version, const char *upload_data, size_t *upload_data_size, void **context)
{
	struct http_request *request = *context;

	(void)cls;
	(void)mhd;
	(void)url;
	/* The sessions are gone, and nothing may be suspended. */
	if (request->all->is_stopping)
		return MHD_NO;
	switch (request->phase) {
	case HTTP_REQUEST_HEAD:
		return handle_head(request, method, version);
	case HTTP_REQUEST_BODY:
		return *upload_data_size > 0 ? handle_body(request, upload_data, upload_data_size)
					     : answer(request);
	case HTTP_REQUEST_DECIDED:
		break;
	}
	return http_response_leave(&request->response);
}

/* --- past libmicrohttpd ----------------------------------------------------------------------- */

static const char passing_begin[] = "POST ", passing_end[] = " HTTP/1.1\r";

enum { PASSING_BEGIN = sizeof passing_begin - 1, PASSING_END = sizeof passing_end - 1 };

static bool
ends_with(const char *path, const char *end, const char *with)
{
	size_t len = strlen(with);

	return (size_t)(end - path) > len && memcmp(end - len, with, len) == 0;
}

/* By its first line, which http_framing.c has judged. Browsers' clients add a query: `?t=TIME`. */
static bool
may_pass(const char *text, size_t len)
{
	const char *path = text + PASSING_BEGIN, *end, *query;

	if (memcmp(text, passing_begin, PASSING_BEGIN) != 0)
		return false;
	end = memchr(path, ' ', len - PASSING_BEGIN);
	if (*path != '/' || memcmp(end, passing_end, PASSING_END) != 0)
		return false;
	query = memchr(path, '?', (size_t)(end - path));
	if (query != NULL)
		end = query;
	return ends_with(path, end, "/xhr") || ends_with(path, end, "/xhr_send");
}

/* Whatever its target ends with: a stream is none. */
static bool
is_poll_or_send(const struct endpoint *endpoint)
{
	return endpoint != NULL &&
	    (endpoint->id == ENDPOINT_SEND ||
		(endpoint->id == ENDPOINT_RECEIVE && endpoint->transport == TRANSPORT_XHR_POLLING));
}

/* And the connection goes on. */
static bool
may_pass_on(const struct http_request *request)
{
	return is_poll_or_send(request->endpoint) &&
	    http_request_header(request, MHD_HTTP_HEADER_EXPECT) == NULL &&
	    !http_fields_have_token(
		request->fields, request->response.connection, MHD_HTTP_HEADER_CONNECTION, "close");
}

static void
begin_passing(struct http_request *request)
{
	struct http_connection *connection = request->response.connection;

	connection->response = &request->response;
	connection->heads++;
	connection->passes = connection->is_suspended = true;
	/* A client that sends nothing more may still read that its messages are kept. */
	connection->is_held = request->endpoint->id == ENDPOINT_SEND;
	connection->was_looked_at = false;
}

bool
http_dispatch_pass(
    void *cls, struct http_connection *connection, const char *text, size_t len, size_t body_len)
{
	struct http_requests *all = cls;
	struct http_fields *fields;
	struct http_request *request;

	/* A body that would have to wait does so in libmicrohttpd. */
	if (all->is_stopping || body_len > HTTP_LARGE_BODY || all->handled >= HTTP_TURN_WORK ||
	    !may_pass(text, len - body_len))
		return false;
	fields = http_fields_read(text + PASSING_BEGIN, len - PASSING_BEGIN - body_len);
	if (fields == NULL)
		return false;
	request = http_request_create_of(all, connection, fields);
	http_request_read_head(request, MHD_HTTP_METHOD_POST, MHD_HTTP_VERSION_1_1);
	if (!may_pass_on(request)) {
		http_request_destroy(&request);
		return false;
	}
	begin_passing(request);
	if (body_len > 0)
		handle_body(request, text + len - body_len, &body_len);
	answer(request);
	if (!request->response.is_open)
		http_parking_expect(connection);
	return true;
}

/* --- the end ---------------------------------------------------------------------------------- */

static void
count(const struct http_request *request)
{
	struct http_counts *counts = request->all->counts;
	unsigned endpoint = endpoint_kind(request->endpoint, request->service != NULL);

	if (counts != NULL && request->response.status < HTTP_COUNTED_STATUSES)
		counts->answered[endpoint][request->response.status]++;
}

static void
end(struct http_request *request, bool has_arrived)
{
	struct http_connection *connection = request->response.connection;

	http_response_completed(&request->response, has_arrived);
	connection->response = NULL;
	http_connection_idle(connection);
	count(request);
	if (log_is_enabled(SEVERITY_INFO) && request->response.status != 0)
		http_request_log(request);
	chunking_probe_stop(&request->chunking);
	http_upgrade_offer_destroy(&request->offer);
	http_fallback_forget(request);
	http_request_destroy(&request);
}

bool
http_dispatch_ended(struct http_response *response)
{
	bool has_arrived = !response->is_broken, closes = response->closes;

	end(container_of(response, struct http_request, response), has_arrived);
	return has_arrived && !closes;
}

void
http_dispatch_completed(
    void *cls, struct MHD_Connection *mhd, void **context, enum MHD_RequestTerminationCode code)
{
	struct http_request *request = *context;

	(void)cls;
	(void)mhd;
	*context = NULL;
	/* A parked one goes on without libmicrohttpd. */
	if (request == NULL || request->response.connection->is_parked)
		return;
	request->response.connection->heard = sessions_now(request->all->sessions);
	end(request, code == MHD_REQUEST_TERMINATED_COMPLETED_OK);
}
