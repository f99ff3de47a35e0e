/*
 * See http_request.h. libmicrohttpd calls the handler once for the head, again for each piece of the body, once at its end, and
 * after each resumption; the phase tells which call it is.
 *
 * A request that cannot be answered yet is suspended, and resumed when its response or more of its stream is there. While it is
 * suspended libmicrohttpd does not look at the connection: http_server.c does.
 */
#include "sessiond/http/http_request.h"

#include "common/log.h"
#include "common/random.h"
#include "sessiond/modules/services.h"
#include "sessiond/http/chunking_probe.h"
#include "sessiond/http/http_fallback.h"
#include "sessiond/http/http_framing.h"
#include "sessiond/http/http_server.h"
#include "sessiond/http/http_session.h"
#include "sessiond/http/http_upgrade.h"
#include "sessiond/session/in_flight.h"
#include "sessiond/http/static_files.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum {
	DISCARD_FACTOR =
	    16, /* times body_limit: so much of a body is read and thrown away for the sake of a proper 413 */
	SHOWN_OF_SESSION = 4, /* characters of a session id in the log */
};

static const char *
find_header(const void *context, const char *name)
{
	return MHD_lookup_connection_value(
	    (struct MHD_Connection *)(uintptr_t)context, MHD_HEADER_KIND, name);
}

void *
http_request_begin(void *cls, const char *uri, struct MHD_Connection *mhd)
{
	struct http_server *server = cls;
	struct http_request *request = calloc(1, sizeof *request);

	if (request == NULL)
		abort();
	request->server = server;
	request->connection =
	    MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
	request->connection->request = request;
	request->began = sessions_now(server->sessions);
	request->uri = strdup(uri);
	if (request->uri == NULL)
		abort();
	return request;
}

/* --- the head ----------------------------------------------------------------------------------------------------- */

static void
split_uri(struct http_request *request)
{
	char *end = strpbrk(request->uri, "?#");

	if (end == NULL)
		return;
	if (*end == '?')
		request->query = end + 1;
	*end = '\0';
}

static void
route(struct http_request *request)
{
	struct services *services = request->server->services;
	struct sockjs_service *service = NULL;

	if (services->retired_count > 0)
		service = service_find_holder(
		    services->retired, services->retired_count, request->uri, &request->prefix_len);
	if (service == NULL)
		service = service_find(
		    services->items, services->count, request->uri, &request->prefix_len);
	if (service == NULL)
		return;
	request->service = service_hold(service);
	request->endpoint = route_find(request->uri + request->prefix_len,
	    strlen(request->uri + request->prefix_len), &request->session_id,
	    &request->session_id_len);
}

static size_t
body_limit(const struct http_request *request)
{
	const struct config *config = request->server->config;
	const struct sockjs_service *service =
	    request->service == NULL ? request->fallback : request->service;

	return service == NULL ? config->defaults.body_limit : service->protocol.options.body_limit;
}

static enum MHD_Result queue_response(struct http_request *request);

static enum MHD_Result
refuse_body(struct http_request *request)
{
	/* A script of another origin can read the status only with these headers. */
	request->reply = (struct reply){
	    .body = "", .cors = request->endpoint != NULL && request->endpoint->cors};
	reply_set_error(&request->reply, MHD_HTTP_CONTENT_TOO_LARGE, "Request body too large.\n");
	http_request_respond_reply(request);
	return queue_response(request);
}

static enum MHD_Result
refuse_framing(struct http_request *request, int status)
{
	request->reply = (struct reply){.body = ""};
	reply_set_error(
	    &request->reply, status, "The length of the request's body is ambiguous.\n");
	http_request_respond_reply(request);
	return queue_response(request);
}

static enum MHD_Result
handle_head(struct http_request *request, const char *method, const char *version)
{
	const char *length, *expect;
	int refusal;

	snprintf(request->method, sizeof request->method, "%s", method);
	request->is_http10 = strcmp(version, MHD_HTTP_VERSION_1_0) == 0;
	split_uri(request);
	request->head = (struct request_head){
	    .method = request->method,
	    .path = request->uri,
	    .query = request->query,
	    .header = find_header,
	    .context = request->connection->mhd,
	};
	route(request);
	http_fallback_begin(request);
	request->phase = HTTP_REQUEST_BODY;
	http_connection_expect_body(request->connection);
	refusal = http_framing_refusal(request->connection->mhd, &length);
	if (refusal != 0)
		return refuse_framing(request, refusal);
	if (length == NULL || strtoull(length, NULL, 10) <= body_limit(request))
		return MHD_YES;
	request->body_too_large = true;
	/* A client that asks first need not send it; another one is heard out, since it may not listen before. */
	expect = find_header(request->connection->mhd, MHD_HTTP_HEADER_EXPECT);
	return expect != NULL && strcasecmp(expect, "100-continue") == 0 ? refuse_body(request)
									 : MHD_YES;
}

/* --- the body ----------------------------------------------------------------------------------------------------- */

static enum MHD_Result
handle_body(struct http_request *request, const char *data, size_t *len)
{
	size_t limit = body_limit(request);

	request->streamed += *len; /* of the body, for now */
	if (request->streamed > limit)
		request->body_too_large = true;
	if (request->body_too_large) {
		buffer_free(&request->body);
		if (request->streamed / DISCARD_FACTOR > limit)
			http_connection_abort(request->connection, MHD_HTTP_CONTENT_TOO_LARGE);
	} else if ((request->endpoint != NULL && request->endpoint->id == ENDPOINT_SEND) ||
	    http_fallback_is_for(request)) {
		buffer_append(&request->body, data, *len);
	}
	*len = 0;
	return MHD_YES;
}

/* --- the answer --------------------------------------------------------------------------------------------------- */

static void
add_header(void *context, const char *name, const char *value)
{
	MHD_add_response_header(context, name, value);
}

struct MHD_Response *
http_request_make_response(struct http_request *request, const char *body, size_t len)
{
	struct MHD_Response *response =
	    MHD_create_response_from_buffer(len, (void *)(uintptr_t)body, MHD_RESPMEM_MUST_COPY);

	if (response == NULL)
		return NULL;
	request->head.now = time(NULL);
	reply_headers(&request->reply,
	    request->service == NULL ? NULL : &request->service->protocol, &request->head,
	    add_header, response);
	return response;
}

void
http_request_respond(struct http_request *request, struct MHD_Response *response, unsigned status)
{
	request->response = response;
	request->status = status;
	if (response == NULL)
		request->is_gone = true;
	http_request_wake(request);
}

void
http_request_wake(struct http_request *request)
{
	if (!request->is_suspended)
		return;
	request->is_suspended = false;
	request->server->has_work = true;
	MHD_resume_connection(request->connection->mhd);
}

void
http_request_respond_reply(struct http_request *request)
{
	const struct reply *reply = &request->reply;

	http_request_respond(request,
	    http_request_make_response(request, reply->body, reply->body_len),
	    (unsigned)reply->status);
}

/* True if the request has to wait for the loop; false if the client has gone meanwhile. */
static bool
suspend(struct http_request *request)
{
	if (request->connection->is_gone)
		return false;
	request->is_suspended = true;
	MHD_suspend_connection(request->connection->mhd);
	return true;
}

static bool
concerns_session(const struct http_request *request)
{
	return request->endpoint != NULL &&
	    (request->endpoint->id == ENDPOINT_SEND || request->endpoint->id == ENDPOINT_RECEIVE);
}

static void
stop_waiting(struct http_request *request)
{
	if (request->link_waiting == NULL)
		return;
	*request->link_waiting = request->next_waiting;
	if (request->next_waiting != NULL)
		request->next_waiting->link_waiting = request->link_waiting;
	request->link_waiting = NULL;
}

/* True if what is ready must not leave before the turn is committed: the request waits for that. False also if its client has gone. */
static bool
wait_for_commit(struct http_request *request)
{
	struct http_server *server = request->server;

	if (!persistence_is_pending(server->sessions) || !concerns_session(request) ||
	    !suspend(request))
		return false;
	stop_waiting(request);
	request->next_waiting = server->waiting;
	request->link_waiting = &server->waiting;
	if (request->next_waiting != NULL)
		request->next_waiting->link_waiting = &request->next_waiting;
	server->waiting = request;
	return true;
}

void
http_request_committed(struct http_request *request, enum commit_result committed)
{
	stop_waiting(request);
	if (committed == COMMIT_FAILED && request->endpoint->id == ENDPOINT_SEND &&
	    request->response != NULL) {
		MHD_destroy_response(request->response);
		request->response = NULL;
		http_session_refuse_send(request);
	}
	http_request_wake(request);
}

/*
 * libmicrohttpd marks such a connection closed, but frees it only when it next looks at it; of the connections with the common
 * timeout it looks at the oldest alone, of those with their own at each. So the connection gets its own, and one more run.
 */
static ssize_t
fail_stream(struct http_request *request)
{
	MHD_set_connection_option(request->connection->mhd, MHD_CONNECTION_OPTION_TIMEOUT, 1u);
	request->connection->server->has_work = true;
	return MHD_CONTENT_READER_END_WITH_ERROR;
}

static ssize_t
read_stream(void *cls, uint64_t position, char *to, size_t max)
{
	struct http_request *request = cls;
	size_t n = request->out.len < max ? request->out.len : max;

	(void)position;
	if (request->is_gone)
		return fail_stream(request);
	if (n > 0 && wait_for_commit(request))
		return 0;
	if (n > 0) {
		memcpy(to, request->out.data, n);
		buffer_consume(&request->out, n);
		if (request->out.len == 0)
			session_receiver_drained(&request->receiver);
		return (ssize_t)n;
	}
	if (request->out_ended)
		return MHD_CONTENT_READER_END_OF_STREAM;
	if (request->is_suspended)
		return 0;
	if (suspend(request))
		return 0;
	request->is_gone = true;
	session_receiver_broke(&request->receiver);
	return fail_stream(request);
}

void
http_request_start_stream(struct http_request *request)
{
	enum { BLOCK = 4096 };
	struct MHD_Response *response =
	    MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK, read_stream, request, NULL);

	if (response != NULL) {
		request->head.now = time(NULL);
		reply_headers(&request->reply, &request->service->protocol, &request->head,
		    add_header, response);
	}
	http_request_respond(request, response, (unsigned)request->reply.status);
}

void
http_request_source(struct http_request *request, struct connection_source *source)
{
	*source = (struct connection_source){
	    .path = request->uri,
	    .query = request->query,
	    .prefix_len = request->prefix_len,
	    .peer = http_connection_peer(request->connection),
	    .local = http_connection_local(request->connection),
	    .header = find_header,
	    .context = request->connection->mhd,
	};
}

static struct MHD_Response *
make_not_found(void)
{
	static const char text[] = "404 Error: Page not found\n";
	struct MHD_Response *response = MHD_create_response_from_buffer(
	    strlen(text), (void *)(uintptr_t)text, MHD_RESPMEM_PERSISTENT);

	if (response != NULL)
		MHD_add_response_header(
		    response, MHD_HTTP_HEADER_CONTENT_TYPE, "text/plain; charset=UTF-8");
	return response;
}

/* A file, if there is one, or if there is nobody else to ask. False: there is none. */
static bool
answer_with_file(struct http_request *request)
{
	bool is_asked_next = http_fallback_is_for(request);
	struct MHD_Response *response;
	unsigned status;

	if (request->server->files == NULL ||
	    (is_asked_next && strcmp(request->method, MHD_HTTP_METHOD_GET) != 0 &&
		strcmp(request->method, MHD_HTTP_METHOD_HEAD) != 0))
		return false;
	response = static_files_respond(request->server->files, &request->head, &status);
	if (is_asked_next && response != NULL && status == MHD_HTTP_NOT_FOUND) {
		MHD_destroy_response(response);
		return false;
	}
	http_request_respond(request, response, status);
	return true;
}

static void
answer_outside(struct http_request *request)
{
	if (buffer_failed(&request->body))
		http_request_respond(request, NULL, MHD_HTTP_SERVICE_UNAVAILABLE);
	else if (!answer_with_file(request) && !http_fallback_request(request))
		http_request_respond(request, make_not_found(), MHD_HTTP_NOT_FOUND);
}

static void
decide(struct http_request *request)
{
	uint32_t entropy = 0;

	/* What was retired while the body came may have its session still, or may not. */
	if (request->service != NULL && request->service->is_retired) {
		service_drop(&request->service);
		request->endpoint = NULL;
		route(request);
	}
	if (request->service == NULL) {
		answer_outside(request);
		return;
	}
	if (request->endpoint != NULL && request->endpoint->id == ENDPOINT_INFO)
		random_bytes(&entropy, sizeof entropy);
	if (reply_decide(&request->service->protocol, request->endpoint, &request->head, entropy,
		&request->reply)) {
		http_request_respond_reply(request);
		return;
	}
	switch (request->endpoint->id) {
	case ENDPOINT_RECEIVE:
		http_session_receive(request);
		break;
	case ENDPOINT_SEND:
		http_session_send(request);
		break;
	case ENDPOINT_WEBSOCKET:
	case ENDPOINT_WEBSOCKET_RAW:
		http_upgrade_start(request);
		break;
	case ENDPOINT_CHUNKING_TEST:
		chunking_probe_start(request);
		break;
	case ENDPOINT_GREETING:
	case ENDPOINT_IFRAME:
	case ENDPOINT_INFO:
		break;
	}
}

static enum MHD_Result
queue_response(struct http_request *request)
{
	struct MHD_Response *response = request->response;
	enum MHD_Result result;

	request->phase = HTTP_REQUEST_ANSWERING;
	request->response = NULL;
	result = MHD_queue_response(request->connection->mhd, request->status, response);
	MHD_destroy_response(response);
	return result;
}

/* The response, if it is ready; else wait for it. A client that is gone makes it MHD_NO, which ends the connection. */
static enum MHD_Result
respond_or_wait(struct http_request *request)
{
	if (!request->is_gone && request->response != NULL) {
		if (wait_for_commit(request)) {
			request->phase = HTTP_REQUEST_WAITING;
			return MHD_YES;
		}
		return queue_response(request);
	}
	if (!request->is_gone && suspend(request)) {
		request->phase = HTTP_REQUEST_WAITING;
		return MHD_YES;
	}
	request->is_gone = true;
	session_receiver_broke(&request->receiver);
	return MHD_NO;
}

enum MHD_Result
http_request_handle(void *cls, struct MHD_Connection *mhd, const char *url, const char *method,
    const char *version, const char *upload_data, size_t *upload_data_size, void **context)
{
	struct http_request *request = *context;

	(void)cls;
	(void)mhd;
	(void)url;
	/* The sessions are gone, and nothing may be suspended. */
	if (request->server->is_stopping)
		return MHD_NO;
	switch (request->phase) {
	case HTTP_REQUEST_HEAD:
		return handle_head(request, method, version);
	case HTTP_REQUEST_BODY:
		if (*upload_data_size > 0)
			return handle_body(request, upload_data, upload_data_size);
		request->streamed = 0;
		request->phase = HTTP_REQUEST_DECIDING;
		http_connection_arrived(request->connection);
		if (request->body_too_large)
			return refuse_body(request);
		decide(request);
		return respond_or_wait(request);
	case HTTP_REQUEST_DECIDING:
	case HTTP_REQUEST_WAITING:
		return request->is_suspended ? MHD_YES : respond_or_wait(request);
	case HTTP_REQUEST_ANSWERING:
		break;
	}
	return MHD_YES;
}

/* --- the end ------------------------------------------------------------------------------------------------------ */

static void
log_request(const struct http_request *request)
{
	uint64_t ms = sessions_now(request->server->sessions) - request->began;
	struct sockjs_service *service =
	    request->service == NULL ? request->fallback : request->service;
	const char *id = request->session_id;
	char text[LOG_TEXT_MAX + 2]; /* cut by the log, which marks it */
	int shown;

	/* The session id is what lets one speak in another's name: the log has its beginning only. */
	shown = request->session_id_len < 2 * SHOWN_OF_SESSION ? 1 : SHOWN_OF_SESSION;
	if (id == NULL)
		snprintf(text, sizeof text, "%s %s %u %llums", request->method, request->uri,
		    request->status, (unsigned long long)ms);
	else
		snprintf(text, sizeof text, "%s %.*s%.*s...%s %u %llums", request->method,
		    (int)(id - request->uri), request->uri, shown, id, id + request->session_id_len,
		    request->status, (unsigned long long)ms);
	if (service != NULL)
		service_log(service, SEVERITY_INFO, 0, "%s", text);
	else if (request->server->config->defaults.log_level >= SEVERITY_INFO)
		log_info("%s", text);
}

static void
request_free(struct http_request *request)
{
	stop_waiting(request);
	chunking_probe_stop(&request->chunking);
	http_upgrade_offer_destroy(&request->offer);
	http_fallback_forget(request);
	if (request->response != NULL)
		MHD_destroy_response(request->response);
	buffer_free(&request->body);
	buffer_free(&request->out);
	service_drop(&request->service);
	service_drop(&request->fallback);
	free(request->uri);
	free(request);
}

void
http_request_completed(
    void *cls, struct MHD_Connection *mhd, void **context, enum MHD_RequestTerminationCode code)
{
	struct http_request *request = *context;

	(void)cls;
	(void)mhd;
	if (request == NULL)
		return;
	*context = NULL;
	if (code == MHD_REQUEST_TERMINATED_COMPLETED_OK)
		in_flight_confirm(&request->in_flight);
	else
		in_flight_put_back(&request->in_flight);
	/* Its connection failed while frames were under way. */
	session_receiver_broke(&request->receiver);
	request->connection->request = NULL;
	http_connection_idle(request->connection);
	if (log_is_enabled(SEVERITY_INFO) && request->status != 0)
		log_request(request);
	request_free(request);
}

void
http_request_hung_up(struct http_request *request)
{
	if (!request->is_suspended)
		return;
	request->is_gone = true;
	session_receiver_broke(&request->receiver);
	http_request_wake(request);
}

void
http_request_give_up(struct http_request *request)
{
	request->is_gone = true;
	session_receiver_broke(&request->receiver);
	http_request_wake(request);
}
