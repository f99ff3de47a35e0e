/*
 * See request.h.
 *
 * A request is freed by news of its connection, which come as late as the next event, or as early
 * as within the connection_push that ends the response, a connection_drop, or a connection_is_there
 * that says no. So each is the last that a function here does to a request.
 */
#include "fcgi/request.h"

#include "common/log.h"
#include "common/memory.h"
#include "common/random.h"
#include "fcgi/answer.h"
#include "fcgi/ask.h"
#include "fcgi/chunking.h"
#include "fcgi/origin.h"
#include "fcgi/request_log.h"
#include "fcgi/request_read.h"
#include "fcgi/routing.h"
#include "fcgi/up.h"
#include "sockjs/send_body.h"
#include "sockjs/ws_handshake.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct request {
	struct requests *requests;
	struct connection *connection;
	uint64_t began; /* ms of loop_now */
	struct call call;
	struct cgi_request cgi;
	struct routing routing;
	bool is_answered; /* the head of the response was written */
	bool is_cut;	  /* the body was too large, and is not all here */
	char callback[TRANSPORT_CALLBACK_MAX + 1];
	struct buffer body; /* of a send: its messages, once they are decoded */
	size_t messages_len;
	char *cookie; /* that sessiond says to set, with jsessionid = module; NULL: none */
	struct chunking *chunking; /* NULL: no such probe runs */
	struct reply reply;
};

static struct request *
request_of(struct call *call)
{
	return container_of(call, struct request, call);
}

static enum endpoint_id
endpoint_of(const struct request *request)
{
	return request->routing.endpoint->id;
}

/* --- answers ---------------------------------------------------------------------------------- */

/* Adds the head of the reply to the response, which begins with it. body_len -1: not known. */
static void
begin_response(struct request *request, ssize_t body_len)
{
	const struct known_service *service = request->routing.service;

	request->is_answered = true;
	request->cgi.head.now = time(NULL);
	answer_head(connection_output(request->connection), &request->reply,
	    service == NULL ? NULL : &service->protocol, &request->cgi.head, body_len);
}

/* Answers with the reply, head and body. HEAD gets no body (RFC 3875, 4.3.3). */
static void
answer_reply(struct request *request)
{
	const struct reply *reply = &request->reply;
	bool is_head = strcmp(request->cgi.head.method, "HEAD") == 0;

	begin_response(request, (ssize_t)reply->body_len);
	connection_push(request->connection, reply->body, is_head ? 0 : reply->body_len, true);
}

static void
answer_error(struct request *request, int status, const char *text)
{
	reply_set_error(&request->reply, status, text);
	answer_reply(request);
}

/* Whole frames, with what comes before the first one. */
static void
answer_frames(struct request *request, const char *bytes, size_t len, bool end)
{
	const struct transport *transport =
	    transport_get((enum transport_id)request->routing.endpoint->transport);
	struct buffer prelude = BUFFER_INIT;

	if (!request->is_answered) {
		if (transport->prelude != NULL)
			transport->prelude(request->callback, &prelude);
		begin_response(request, end ? (ssize_t)(prelude.len + len) : -1);
		buffer_append(connection_output(request->connection), prelude.data, prelude.len);
		buffer_free(&prelude);
	}
	connection_push(request->connection, bytes, len, end);
}

/* The request will have no answer from sessiond; or not the rest of it. */
static void
fail(struct request *request, const char *text)
{
	if (request->is_answered)
		connection_drop(request->connection);
	else
		answer_error(request, 503, text);
}

static void
fail_away(struct request *request)
{
	char reason[BACKENDS_REASON_SIZE];

	backends_away_reason(request->requests->backends, reason);
	snprintf(request->reply.text, REPLY_TEXT_SIZE, "The session daemon is not running%s%s.\n",
	    reason[0] == '\0' ? "" : ": ", reason);
	fail(request, request->reply.text);
}

/* The responder stops: what is held ends with a heartbeat, and its client comes again. */
static void
stop(struct request *request)
{
	const struct transport *transport;
	struct buffer body = BUFFER_INIT;

	if (request->routing.endpoint == NULL || endpoint_of(request) != ENDPOINT_RECEIVE) {
		fail_away(request);
		return;
	}
	transport = transport_get((enum transport_id)request->routing.endpoint->transport);
	transport->wrap(request->callback, FRAME_HEARTBEAT, strlen(FRAME_HEARTBEAT), &body);
	answer_frames(request, body.data, body.len, true);
	buffer_free(&body);
}

/* --- decisions -------------------------------------------------------------------------------- */

/* Passes it on to sessiond, to the daemon that has its session if it is about one. */
static void
list(struct request *request)
{
	request->call.session = request->routing.session_id;
	request->call.session_len = request->routing.session_id_len;
	backends_add(request->requests->backends, &request->call);
}

static void
decide_receive(struct request *request)
{
	const struct transport *transport =
	    transport_get((enum transport_id)request->routing.endpoint->transport);
	const char *error =
	    transport->callback ? reply_callback(request->cgi.query, request->callback) : NULL;

	if (error != NULL)
		answer_error(request, 500, error);
	else if (request->requests->loop->is_draining)
		stop(request);
	else
		list(request);
}

static void
decide_send(struct request *request)
{
	const struct service_options *options = &request->routing.service->protocol.options;
	const char *error;

	if (request->is_cut || request->body.len > options->body_limit) {
		answer_error(request, 413, "Request body too large.\n");
		return;
	}
	error = send_body_decode(&request->body, request->routing.endpoint->form,
	    request->cgi.head.header(request->cgi.head.context, "Content-Type"),
	    options->messages_limit, &request->messages_len);
	request->call.kind = CALL_SEND;
	if (error != NULL)
		answer_error(request, 500, error);
	else if (request->requests->loop->is_draining)
		/* After our goodbye sessiond does not look at it. */
		fail_away(request);
	else
		list(request);
}

/* Only a web server that passes them on to sessiond itself can serve websockets. */
static void
decide_websocket(struct request *request)
{
	if (http_header_has_token(
		request->cgi.head.header(request->cgi.head.context, "Upgrade"), "websocket"))
		answer_error(request, 501, "WebSockets do not go through FastCGI.\n");
	else
		answer_error(request, 400, "Not a valid websocket request");
}

static void
begin_chunking(struct request *request)
{
	begin_response(request, -1);
	request->chunking = chunking_create(&request->requests->loop->uv, request->connection);
}

static void
answer_up(struct request *request)
{
	up_reply(request->requests->loop->is_draining
		? "the responder is stopping"
		: backends_unready(request->requests->backends),
	    &request->reply);
	answer_reply(request);
}

static void
decide_ask(struct request *request)
{
	if (request->is_cut || request->body.len > request->routing.api_limit) {
		answer_error(request, 413, "Request body too large.\n");
	} else if (request->requests->loop->is_draining) {
		fail_away(request);
	} else if (request->requests->asks >= REQUEST_ASKS_MAX) {
		answer_error(request, 503, "Too many requests of the API wait.\n");
	} else {
		request->call.kind = CALL_ASK;
		request->call.is_once = ask_is_once(&request->cgi);
		request->requests->asks++;
		list(request);
	}
}

/* --- who answers ------------------------------------------------------------------------------ */

/* sessiond's services are known: answers it, or passes it on. */
static void
decide(struct request *request)
{
	static const struct protocol_service nowhere;
	struct routing *routing = &request->routing;
	struct known_services *services =
	    routing_services(&request->cgi, request->requests->backends);
	uint32_t entropy = 0;

	routing_find(routing, &request->cgi, services);
	origin_find_client(&request->cgi, services->trusted);
	if (routing->api_path != NULL) {
		decide_ask(request);
		return;
	}
	if (routing->endpoint == NULL && up_is_asked(&request->cgi)) {
		answer_up(request);
		return;
	}
	if (routing->endpoint != NULL && endpoint_of(request) == ENDPOINT_INFO)
		random_bytes(&entropy, sizeof entropy);
	if (reply_decide(routing->service == NULL ? &nowhere : &routing->service->protocol,
		routing->endpoint, &request->cgi.head, entropy, &request->reply)) {
		if (request->reply.is_forbidden)
			request_log_forbidden(&request->cgi, &request->routing);
		answer_reply(request);
		return;
	}
	switch (endpoint_of(request)) {
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
		begin_chunking(request);
		break;
	case ENDPOINT_GREETING:
	case ENDPOINT_IFRAME:
	case ENDPOINT_INFO:
		break;
	}
}

/* --- what sessiond says ----------------------------------------------------------------------- */

static unsigned
receive_flags(const struct request *request)
{
	unsigned flags = 0;

	if (!request->requests->is_streaming)
		flags |= WIRE_RECEIVE_ONE_FRAME;
	if (request->call.was_issued)
		flags |= WIRE_RECEIVE_REISSUED;
	if (!request->requests->were_shared)
		flags |= WIRE_RECEIVE_ALONE;
	return flags;
}

static const char *
cookie_of(const struct request *request)
{
	const char *cookie = NULL;

	if (request->routing.service->protocol.options.jsessionid == JSESSIONID_MODULE)
		cookie = request->cgi.head.header(request->cgi.head.context, "Cookie");
	return cookie == NULL ? "" : cookie;
}

static int
issue_receive(struct request *request)
{
	const struct wire_receive receive = {
	    .flags = receive_flags(request),
	    .service = request->routing.service->number,
	    .transport = (enum transport_id)request->routing.endpoint->transport,
	    .session = request->routing.session_id,
	    .session_len = request->routing.session_id_len,
	    .callback = request->callback,
	    .cookie = cookie_of(request),
	};
	struct origin origin;

	origin_of(&request->cgi, request->routing.prefix_len,
	    request->routing.service->protocol.options.headers, &origin);
	return backend_receive(request->call.backend, &request->call, &receive, &origin.source);
}

static int
issue_send(struct request *request)
{
	struct wire_send send = {
	    .service = request->routing.service->number,
	    .session = request->routing.session_id,
	    .session_len = request->routing.session_id_len,
	    .cookie = cookie_of(request),
	    .client = request->cgi.client,
	    .messages = request->body.len == 0 ? "" : request->body.data,
	    .messages_len = request->messages_len,
	};

	return backend_send(request->call.backend, &request->call, &send);
}

/* Whatever daemon there is now has to know the API, too. */
static void
issue_ask(struct request *request)
{
	struct backend *backend = request->call.backend;
	const struct wire_ask ask = ask_of(&request->cgi, &request->routing, &request->body);

	if (backend_services(backend)->api.path == NULL) {
		calls_remove(&request->call);
		answer_error(request, 404, "404 Error: Page not found\n");
	} else if (backend_ask(backend, &request->call, &ask) == -1) {
		answer_error(request, 431, "The request's head or body is too large.\n");
	}
}

static void
on_there(struct call *call)
{
	struct request *request = request_of(call);
	struct backend *backend = request->call.backend;
	int status;

	if (call->kind == CALL_ASK) {
		issue_ask(request);
		return;
	}
	/* It came before the first services were known. */
	if (request->routing.endpoint == NULL) {
		calls_remove(call);
		decide(request);
		return;
	}
	/* There may be other services than when it came. */
	if (routing_renew(&request->routing, backend_services(backend)) == -1) {
		calls_remove(call);
		answer_error(request, 404, "404 Error: Page not found\n");
		return;
	}
	status = call->kind == CALL_SEND ? issue_send(request) : issue_receive(request);
	if (status == -1)
		answer_error(request, 431, "The request's head or body is too large.\n");
}

static void
condemn(struct request *request, unsigned losses)
{
	request_log_guilty(&request->cgi, &request->routing, losses, request->messages_len);
	fail(request, "The session daemon cannot handle this request.\n");
}

static void
on_lost(struct call *call, enum backend_loss why, unsigned losses)
{
	struct request *request = request_of(call);

	switch (why) {
	case BACKEND_AWAY:
		fail_away(request);
		break;
	case BACKEND_STOPPED:
		stop(request);
		break;
	case BACKEND_GUILTY:
		condemn(request, losses);
		break;
	case BACKEND_NO_MEMORY:
		connection_drop(request->connection);
		break;
	case BACKEND_UNSURE:
		fail(request, "The session daemon was lost; it may have done what was asked.\n");
		break;
	}
}

static void
take_frame(struct request *request, const struct wire_frame *frame)
{
	/* The socket may take what nobody will read. */
	if (connection_is_there(request->connection))
		answer_frames(request, frame->bytes, frame->len, frame->end);
}

static void
take_sent(struct request *request, enum wire_sent_result result)
{
	answer_sent(result, request->routing.endpoint->form, &request->reply);
	answer_reply(request);
}

static void
take_refused(struct request *request, const struct wire_refused *refused)
{
	if (request->is_answered)
		connection_drop(request->connection);
	else
		answer_error(request, (int)refused->status, refused->text);
}

static void
take_cookie(struct request *request, const struct wire_cookie *cookie)
{
	free(request->cookie);
	request->cookie = xstrdup(cookie->value);
	request->reply.cookie_value = request->cookie;
}

static void
on_answer(struct call *call, const struct exchange_news *news)
{
	struct request *request = request_of(call);

	switch (news->kind) {
	case EXCHANGE_FRAME:
		take_frame(request, &news->frame);
		break;
	case EXCHANGE_SENT:
		take_sent(request, news->sent);
		break;
	case EXCHANGE_REFUSED:
		take_refused(request, &news->refused);
		break;
	case EXCHANGE_COOKIE:
		take_cookie(request, &news->cookie);
		break;
	case EXCHANGE_ANSWER:
		ask_reply(&news->answer, &request->reply);
		answer_reply(request);
		break;
	case EXCHANGE_GREETED:
	case EXCHANGE_UNFIT:
	case EXCHANGE_SERVICES:
	case EXCHANGE_STATE:
	case EXCHANGE_API:
	case EXCHANGE_DAEMONS:
	case EXCHANGE_GOODBYE:
		break;
	}
}

const struct backend_calls request_backend_calls = {on_there, on_lost, on_answer};

/* --- what its connection says ----------------------------------------------------------------- */

static struct request *
create(struct requests *requests, struct connection *connection)
{
	struct request *request = xcalloc(1, sizeof *request);

	request->reply.text = requests->text;
	request->requests = requests;
	request->connection = connection;
	request->call.id = ++requests->last_id;
	request->began = loop_now(requests->loop);
	if (++requests->count > 1)
		requests->were_shared = true;
	return request;
}

static void
destroy(struct request *request)
{
	struct requests *requests = request->requests;

	if (log_is_enabled(SEVERITY_INFO) && request->is_answered)
		request_log(&request->cgi, &request->routing, request->reply.status,
		    loop_now(requests->loop) - request->began);
	if (request->is_answered)
		request_counts_add(requests->counts,
		    endpoint_kind(request->routing.endpoint, request->routing.service != NULL),
		    request->reply.status);
	calls_remove(&request->call);
	chunking_destroy(&request->chunking);
	routing_clear(&request->routing);
	request_read_clear(&request->cgi);
	call_clear(&request->call);
	buffer_free(&request->body);
	free(request->cookie);
	requests->count--;
	requests->asks -= request->call.kind == CALL_ASK;
	free(request);
}

static void
on_arrived(void *owner, struct connection *connection, const struct params *params,
    struct buffer *body, bool is_cut)
{
	struct requests *requests = owner;
	struct request *request = create(requests, connection);

	if (request_read(&request->cgi, params) == -1) {
		destroy(request);
		connection_drop(connection);
		return;
	}
	request->body = *body;
	*body = (struct buffer)BUFFER_INIT;
	request->is_cut = is_cut;
	connection_attach(connection, request);
	if (backends_services(requests->backends, NULL, 0) != NULL)
		decide(request);
	else if (up_is_asked(&request->cgi))
		answer_up(request);
	else
		/* Nobody can say yet what is asked for: it waits for the services. */
		list(request);
}

static void
on_news(void *context, enum connection_news news)
{
	struct request *request = context;
	struct backend *backend = request->call.backend;

	switch (news) {
	case CONNECTION_LAST_WRITE:
		backend_note_last_write(backend, &request->call);
		return;
	case CONNECTION_CUT_SHORT:
		backend_unnote_last_write(backend, &request->call);
		return;
	case CONNECTION_WRITTEN:
		/* Where each process has one request, the next poll comes to another. */
		backend_confirm(backend, &request->call, !request->requests->were_shared);
		break;
	case CONNECTION_UNWRITTEN:
		backend_abort(backend, &request->call, true);
		break;
	case CONNECTION_LOST:
		backend_abort(backend, &request->call, false);
		break;
	}
	destroy(request);
}

const struct connection_calls request_connection_calls = {on_arrived, on_news};
