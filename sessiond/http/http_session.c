/*
 * See http_session.h. Called by http_request.c once a request is whole.
 */
#include "sessiond/http/http_session.h"

#include "common/address_count.h"
#include "sessiond/http/http_request.h"
#include "sessiond/http/http_server.h"
#include "sessiond/session/session.h"
#include "sockjs/send_body.h"

#include <string.h>

static void
respond_error(struct http_request *request, int status, const char *text)
{
	reply_set_error(&request->reply, status, text);
	http_request_respond_reply(request);
}

/* --- receiving ---------------------------------------------------------------------------------------------------- */

static void
start_receiver(struct http_request *request, const struct transport *transport)
{
	request->receiver.transport = transport;
	request->receiver.ops = transport->streaming ? &http_stream_receiver : &http_poll_receiver;
	if (!transport->streaming)
		return;
	if (transport->prelude != NULL)
		transport->prelude(request->callback, &request->out);
	http_request_start_stream(request);
}

void
http_session_receive(struct http_request *request)
{
	const struct transport *transport =
	    transport_get((enum transport_id)request->endpoint->transport);
	const struct sockjs_service *service = request->service;
	struct connection_source source;
	struct session *session;
	const char *error;

	error = transport->callback ? reply_callback(request->query, request->callback) : NULL;
	if (error != NULL) {
		respond_error(request, MHD_HTTP_INTERNAL_SERVER_ERROR, error);
		return;
	}
	session = session_obtain(request->service, request->session_id, request->session_id_len,
	    http_connection_peer(request->connection), &error);
	if (session == NULL) {
		respond_error(request, MHD_HTTP_SERVICE_UNAVAILABLE, error);
		return;
	}
	start_receiver(request, transport);
	http_request_source(request, &source);
	session_arrive(session, &request->receiver, &source);
	session_flush(session);
	/* The daemon stops: the client asks the next one. */
	if (service->sessions->closing && request->receiver.session != NULL)
		session_release_receiver(session);
}

/* --- sending ------------------------------------------------------------------------------------------------------ */

void
http_session_refuse_send(struct http_request *request)
{
	respond_error(request, MHD_HTTP_SERVICE_UNAVAILABLE, "The messages cannot be stored.\n");
}

void
http_session_send(struct http_request *request)
{
	struct sockjs_service *service = request->service;
	struct session *session;
	const char *error;
	size_t len;

	if (buffer_failed(&request->body)) {
		respond_error(request, MHD_HTTP_SERVICE_UNAVAILABLE, "Out of memory.\n");
		return;
	}
	error = send_body_decode(&request->body, request->endpoint->form,
	    request->head.header(request->head.context, "Content-Type"),
	    service->protocol.options.messages_limit, &len);
	if (error != NULL) {
		respond_error(request, MHD_HTTP_INTERNAL_SERVER_ERROR, error);
		return;
	}
	session = session_find(service, request->session_id, request->session_id_len);
	if (session == NULL) {
		respond_error(request, MHD_HTTP_NOT_FOUND, "404 Error: Page not found\n");
		return;
	}
	if (persistence_is_failing(service->sessions)) {
		http_session_refuse_send(request);
		return;
	}
	session_receive_all(session, request->body.data, len);
	request->reply.status = request->endpoint->form ? MHD_HTTP_OK : MHD_HTTP_NO_CONTENT;
	if (request->endpoint->form) {
		request->reply.body = "ok";
		request->reply.body_len = strlen("ok");
	}
	http_request_respond_reply(request);
}
