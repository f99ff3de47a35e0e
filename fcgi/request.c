/*
 * See request.h. Called by connection.c when a request is there and by backend.c with what sessiond answers; answers through
 * connection_add and connection_push.
 */
#include "fcgi/request.h"

#include "wire/connection_info.h"
#include "common/log.h"
#include "common/random.h"
#include "wire/write_log.h"
#include "fcgi/answer.h"
#include "fcgi/daemon/backend.h"
#include "fcgi/chunking.h"
#include "fcgi/webserver/connection.h"
#include "fcgi/origin.h"
#include "fcgi/webserver/libfcgi.h"
#include "fcgi/responder.h"
#include "fcgi/daemon/known_services.h"
#include "sockjs/frame.h"
#include "sockjs/send_body.h"
#include "sockjs/ws_handshake.h"

#include <stdlib.h>
#include <string.h>

enum { SHOWN_OF_SESSION = 4 };

#define BODY_LIMIT_UNKNOWN (4u << 20) /* bytes, until sessiond has told its services' limits */

static struct backend *
backend_of(const struct request *request)
{
	return request->connection->responder->backend;
}

size_t
request_body_limit(const struct responder *responder)
{
	struct known_services *services = backend_services(responder->backend);

	return services == NULL || services->body_limit == 0 ? BODY_LIMIT_UNKNOWN
							     : services->body_limit;
}

/* --- decisions ---------------------------------------------------------------------------------------------------- */

/* True if services know the path; where the program lives in a folder of its own (/~user/app/sockjs.fcgi), prefixes count from there. */
static bool
find_service(struct request *request, const struct known_services *services, bool retired)
{
	const char *script = libfcgi_param("SCRIPT_NAME", request->params), *path = request->path;
	size_t script_len = script == NULL ? 0 : strlen(script), folder_len = script_len;

	request->service = known_services_find(services, retired, path, &request->prefix_len);
	if (request->service == NULL && script_len > 0 && strncmp(path, script, script_len) == 0) {
		request->service =
		    known_services_find(services, retired, path + script_len, &request->prefix_len);
		request->prefix_len += script_len;
	}
	while (folder_len > 0 && script[folder_len - 1] != '/')
		folder_len--;
	/* A web server that gives every path to the program may call it by that path. */
	if (request->service == NULL && folder_len > 1 && strcmp(path, script) != 0 &&
	    strncmp(path, script, folder_len) == 0) {
		request->service = known_services_find(
		    services, retired, path + folder_len - 1, &request->prefix_len);
		request->prefix_len += folder_len - 1;
	}
	return request->service != NULL;
}

static void
find_endpoint(struct request *request, const struct known_services *services, bool retired)
{
	const char *rest;

	request->endpoint = NULL;
	if (!find_service(request, services, retired))
		return;
	rest = request->path + request->prefix_len;
	request->endpoint =
	    route_find(rest, strlen(rest), &request->session_id, &request->session_id_len);
}

static bool
concerns_session(const struct endpoint *endpoint)
{
	return endpoint != NULL &&
	    (endpoint->id == ENDPOINT_RECEIVE || endpoint->id == ENDPOINT_SEND);
}

/* Of a retired service there is nothing but its sessions, and sessiond says which. */
static void
route(struct request *request)
{
	const struct known_services *services = backend_services(backend_of(request));

	find_endpoint(request, services, false);
	if (services->has_retired && !concerns_session(request->endpoint)) {
		find_endpoint(request, services, true);
		if (!concerns_session(request->endpoint))
			find_endpoint(request, services, false);
	}
	if (request->service != NULL)
		known_services_ref(request->service->known);
}

static void
decide_receive(struct request *request)
{
	const struct transport *transport =
	    transport_get((enum transport_id)request->endpoint->transport);
	const char *error =
	    transport->callback ? reply_callback(request->query, request->callback) : NULL;

	if (error != NULL)
		answer_error(request, 500, error);
	else if (request->connection->responder->loop.is_draining)
		request_stop(request);
	else
		backend_add(backend_of(request), request);
}

static void
decide_send(struct request *request)
{
	const char *error;

	if (request->body_too_large ||
	    request->body.len > request->service->protocol.options.body_limit) {
		answer_error(request, 413, "Request body too large.\n");
		return;
	}
	error = send_body_decode(&request->body, request->endpoint->form,
	    request->head.header(request->head.context, "Content-Type"),
	    request->service->protocol.options.messages_limit, &request->messages_len);
	if (error != NULL) {
		answer_error(request, 500, error);
		return;
	}
	request->sequence = request->id;
	/* After our goodbye sessiond does not look at it. */
	if (request->connection->responder->loop.is_draining)
		request_give_up(request);
	else
		backend_add(backend_of(request), request);
}

/* Only a web server that passes them on to sessiond itself can serve websockets. */
static void
decide_websocket(struct request *request)
{
	if (http_header_has_token(
		request->head.header(request->head.context, "Upgrade"), "websocket"))
		answer_error(request, 501, "WebSockets do not go through FastCGI.\n");
	else
		answer_error(request, 400, "Not a valid websocket request");
}

static void
decide(struct request *request)
{
	static const struct protocol_service nowhere;
	uint32_t entropy = 0;

	route(request);
	if (request->endpoint != NULL && request->endpoint->id == ENDPOINT_INFO)
		random_bytes(&entropy, sizeof entropy);
	if (reply_decide(request->service == NULL ? &nowhere : &request->service->protocol,
		request->endpoint, &request->head, entropy, &request->reply)) {
		answer_reply(request);
		return;
	}
	switch (request->endpoint->id) {
	case ENDPOINT_RECEIVE:
		decide_receive(request);
		break;
	case ENDPOINT_SEND:
		decide_send(request);
		break;
	case ENDPOINT_WEBSOCKET:
	case ENDPOINT_WEBSOCKET_RAW:
		decide_websocket(request);
		break;
	case ENDPOINT_CHUNKING_TEST:
		answer_head(request, -1);
		chunking_start(request->connection);
		break;
	case ENDPOINT_GREETING:
	case ENDPOINT_IFRAME:
	case ENDPOINT_INFO:
		break;
	}
}

void
request_begin(struct request *request, struct connection *connection)
{
	struct responder *responder = connection->responder;

	request->connection = connection;
	request->id = ++responder->last_request;
	if (++responder->in_flight > 1)
		responder->has_been_shared = true;
	if (backend_services(responder->backend) != NULL)
		decide(request);
	else
		/* What is asked for nobody can say yet: it waits for the services. */
		backend_add(responder->backend, request);
}

/* --- sessiond's part ---------------------------------------------------------------------------------------------- */

static unsigned
receive_flags(const struct request *request)
{
	const struct responder *responder = request->connection->responder;
	unsigned flags = 0;

	if (!responder->config->options.streaming)
		flags |= WIRE_RECEIVE_ONE_FRAME;
	if (request->was_issued)
		flags |= WIRE_RECEIVE_REISSUED;
	if (!responder->has_been_shared)
		flags |= WIRE_RECEIVE_ALONE;
	return flags;
}

static const char *
cookie_of(const struct request *request)
{
	const char *cookie = NULL;

	if (request->service->protocol.options.jsessionid == JSESSIONID_MODULE)
		cookie = request->head.header(request->head.context, "Cookie");
	return cookie == NULL ? "" : cookie;
}

static int
encode_receive(struct request *request, struct buffer *out)
{
	const struct wire_receive receive = {
	    .flags = receive_flags(request),
	    .service = request->service->number,
	    .transport = (enum transport_id)request->endpoint->transport,
	    .session = request->session_id,
	    .session_len = request->session_id_len,
	    .callback = request->callback,
	    .cookie = cookie_of(request),
	};
	struct origin origin;

	origin_of(request, &origin);
	return wire_encode_receive(
	    out, request->id, &receive, &origin.source, connection_header_names);
}

static int
encode_send(struct request *request, struct buffer *out)
{
	const struct wire_send send = {
	    .service = request->service->number,
	    .session = request->session_id,
	    .session_len = request->session_id_len,
	    .instance = backend_instance(backend_of(request)),
	    .sequence = request->sequence,
	    .cookie = cookie_of(request),
	    .messages = request->body.len == 0 ? "" : request->body.data,
	    .messages_len = request->messages_len,
	};

	return wire_encode_send(out, request->id, &send);
}

/* sessiond may have other services than when the request came. */
static bool
renew_service(struct request *request)
{
	struct known_services *services = backend_services(backend_of(request)),
			      *old = request->service->known;
	const struct known_service *service =
	    known_services_named(services, request->service->prefix.name);

	if (service == NULL)
		return false;
	known_services_ref(services);
	request->service = service;
	known_services_unref(&old);
	return true;
}

void
request_issue(struct request *request)
{
	struct buffer *out = backend_output(backend_of(request));
	int status;

	/* It came before the first services were known. */
	if (request->path != NULL && request->endpoint == NULL) {
		backend_forget(backend_of(request), request);
		decide(request);
		return;
	}
	if (!renew_service(request)) {
		backend_forget(backend_of(request), request);
		answer_error(request, 404, "404 Error: Page not found\n");
		return;
	}
	status =
	    request_is_send(request) ? encode_send(request, out) : encode_receive(request, out);
	request->is_issued = request->was_issued = true;
	request->suspicion.issued_at = responder_now(request->connection->responder);
	timer_stop(&request->connection->timer);
	if (status == 0)
		return;
	backend_forget(backend_of(request), request);
	answer_error(request, 431, "The request's head or body is too large.\n");
}

/* The request will have no answer from sessiond; or not the rest of it. */
static void
fail(struct request *request, const char *text)
{
	backend_forget(backend_of(request), request);
	if (request->is_answered)
		connection_drop(request->connection);
	else
		answer_error(request, 503, text);
}

void
request_give_up(struct request *request)
{
	fail(request, "The session daemon is not running.\n");
}

/* The session id is what lets one speak in another's name: the log has its beginning only. */
void
request_condemn(struct request *request, unsigned losses)
{
	const char *id = request->session_id;
	int shown = request->session_id_len < 2 * SHOWN_OF_SESSION ? 1 : SHOWN_OF_SESSION;

	log_error(
	    "sessiond was lost %u times with one request, %s %.*s%.*s...%s (%zu bytes of messages): it gets 503",
	    losses, request->head.method, (int)(id - request->path), request->path, shown, id,
	    id + request->session_id_len, request->messages_len);
	fail(request, "The session daemon cannot handle this request.\n");
}

bool
request_is_send(const struct request *request)
{
	return request->endpoint != NULL && request->endpoint->id == ENDPOINT_SEND;
}

void
request_is_adrift(struct request *request)
{
	struct responder *responder = request->connection->responder;

	request->is_issued = false;
	/* The client has seen nothing of it. */
	buffer_free(&request->part);
	timer_start(&responder->patience, &request->connection->timer, responder_now(responder));
}

/* The first bytes of a response have the headers and the transport's prelude before them. */
static void
begin_response(struct request *request, size_t len, bool end)
{
	const struct transport *transport =
	    transport_get((enum transport_id)request->endpoint->transport);
	struct buffer prelude = BUFFER_INIT;

	if (transport->prelude != NULL)
		transport->prelude(request->callback, &prelude);
	answer_head(request, end ? (ssize_t)(prelude.len + len) : -1);
	connection_add(request->connection, prelude.data, prelude.len);
	buffer_free(&prelude);
}

/* Whole frames. The request may be ended and freed by it. */
static void
respond(struct request *request, const char *bytes, size_t len, bool end)
{
	struct connection *connection = request->connection;

	if (!request->is_answered)
		begin_response(request, len, end);
	connection_add(connection, bytes, len);
	if (end)
		backend_forget(backend_of(request), request);
	connection_push(connection, end);
}

static bool
is_receive(const struct request *request)
{
	return request->endpoint != NULL && request->endpoint->id == ENDPOINT_RECEIVE;
}

void
request_stop(struct request *request)
{
	const struct transport *transport;
	struct buffer body = BUFFER_INIT;

	if (!is_receive(request)) {
		request_give_up(request);
		return;
	}
	transport = transport_get((enum transport_id)request->endpoint->transport);
	transport->wrap(request->callback, FRAME_HEARTBEAT, strlen(FRAME_HEARTBEAT), &body);
	respond(request, body.data, body.len, true);
	buffer_free(&body);
}

/* One of the messages that make a frame. */
static void
take_part(struct request *request, const struct wire_frame *frame)
{
	struct buffer whole;

	buffer_append(&request->part, frame->bytes, frame->len);
	if (buffer_failed(&request->part)) {
		request_unwritten(request);
		connection_drop(request->connection);
	} else if (!frame->more) {
		whole = request->part;
		request->part = (struct buffer)BUFFER_INIT;
		respond(request, whole.data, whole.len, frame->end);
		buffer_free(&whole);
	}
}

void
request_frame(struct request *request, const struct wire_frame *frame)
{
	if (!is_receive(request))
		return;
	if (frame->end) {
		request->ended_by = backend_connection(backend_of(request));
		backend_forget(backend_of(request), request);
	}
	/* The socket may take what nobody will read. */
	if (connection_is_left(request->connection)) {
		request_unwritten(request);
		connection_drop(request->connection);
		return;
	}
	if (frame->more || request->part.len > 0)
		take_part(request, frame);
	else
		respond(request, frame->bytes, frame->len, frame->end);
}

void
request_sent(struct request *request, enum wire_sent_result result)
{
	if (!request_is_send(request))
		return;
	backend_forget(backend_of(request), request);
	switch (result) {
	case WIRE_SENT_OK:
		request->reply.status = request->endpoint->form ? 200 : 204;
		request->reply.body = request->endpoint->form ? "ok" : "";
		request->reply.body_len = strlen(request->reply.body);
		answer_reply(request);
		break;
	case WIRE_SENT_NO_SESSION:
		answer_error(request, 404, "404 Error: Page not found\n");
		break;
	case WIRE_SENT_UNAVAILABLE:
		answer_error(request, 503, "The session cannot take messages now.\n");
		break;
	}
}

void
request_refused(struct request *request, const struct wire_refused *refused)
{
	backend_forget(backend_of(request), request);
	if (request->is_answered) {
		connection_drop(request->connection);
		return;
	}
	reply_set_error(&request->reply, (int)refused->status, "");
	request->reply.body = refused->text;
	request->reply.body_len = refused->text_len;
	answer_reply(request);
}

void
request_cookie(struct request *request, const struct wire_cookie *cookie)
{
	free(request->cookie);
	request->cookie = strdup(cookie->value);
	request->reply.cookie_value = request->cookie;
}

/* True if sessiond, on the connection that is there, waits to hear what becomes of the request. */
static bool
is_awaited(const struct request *request)
{
	uint64_t connection = backend_connection(backend_of(request));

	if (request->is_listed)
		return request->is_issued && connection != 0;
	return request->ended_by != 0 && request->ended_by == connection;
}

static void
tell_abort(struct request *request, unsigned flags)
{
	struct backend *backend = backend_of(request);

	if (is_awaited(request))
		wire_encode_abort(backend_output(backend), request->id, flags);
	request->ended_by = 0;
	backend_forget(backend, request);
}

void
request_lost(struct request *request)
{
	/* What has come of an answer and has not left is lost with its client. */
	bool is_owed = request->ended_by != 0 || request->part.len > 0;

	tell_abort(request, is_owed ? WIRE_ABORT_UNWRITTEN : 0);
}

void
request_unwritten(struct request *request)
{
	tell_abort(request, WIRE_ABORT_UNWRITTEN);
}

/* True if sessiond is to be told what becomes of the answer, all of which has come. */
static bool
is_to_confirm(const struct request *request)
{
	return !request->is_listed && is_awaited(request);
}

void
request_ends(struct request *request)
{
	if (is_to_confirm(request))
		write_log_put(backend_write_log(backend_of(request)), request->id);
}

void
request_goes_on(struct request *request)
{
	if (is_to_confirm(request))
		write_log_take_back(backend_write_log(backend_of(request)));
}

void
request_end(struct request *request)
{
	if (is_to_confirm(request))
		backend_confirm(backend_of(request), request->id);
	request_clear(request);
}

void
request_clear(struct request *request)
{
	struct known_services *table = request->service == NULL ? NULL : request->service->known;

	if (request->connection != NULL) {
		chunking_stop(request->connection);
		backend_forget(backend_of(request), request);
		request->connection->responder->in_flight--;
	}
	known_services_unref(&table);
	buffer_free(&request->body);
	buffer_free(&request->part);
	free(request->cookie);
	free(request->query);
	free(request->path);
	*request = (struct request){.connection = NULL};
}
