/*
 * See http_session.h. Called by http_request.c once a request is whole.
 */
#include "sessiond/http_session.h"

#include "sessiond/address_count.h"
#include "sessiond/http_request.h"
#include "sessiond/http_server.h"
#include "sessiond/session.h"
#include "sockjs/form.h"
#include "sockjs/message_array.h"

#include <string.h>
#include <strings.h>

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
	const struct transport *transport = transport_get((enum transport_id)request->endpoint->transport);
	struct sockjs_service *service = request->service;
	struct connection_source source;
	struct session *session;
	const char *error;

	error = transport->callback ? reply_callback(request->query, request->callback) : NULL;
	if (error != NULL) {
		respond_error(request, MHD_HTTP_INTERNAL_SERVER_ERROR, error);
		return;
	}
	session = session_table_find(&service->table, request->session_id, request->session_id_len);
	if (session == NULL) {
		error = session_refusal(service->sessions, http_connection_peer(request->connection));
		if (error != NULL) {
			respond_error(request, MHD_HTTP_SERVICE_UNAVAILABLE, error);
			return;
		}
		session = session_create(service, request->session_id, request->session_id_len);
		session_count_address(session, http_connection_peer(request->connection));
	}
	start_receiver(request, transport);
	http_request_source(request, &source);
	session_arrive(session, &request->receiver, &source);
	session_flush(session);
}

/* --- sending ------------------------------------------------------------------------------------------------------ */

/* The part of the body that holds the array: for a form, its field `d`, decoded. */
static void
find_array(struct http_request *request, char **text, size_t *len)
{
	static const char form[] = "application/x-www-form-urlencoded";
	const char *type = request->head.header(request->head.context, "Content-Type");
	const char *value;

	*text = request->body.data;
	*len = request->body.len;
	if (!request->endpoint->form || type == NULL || strncasecmp(type, form, strlen(form)) != 0)
		return;
	type += strlen(form);
	if (*type != '\0' && strchr("; \t", *type) == NULL)
		return;
	if (*len == 0 || !form_find(*text, *len, "d", &value, len)) {
		*len = 0;
		return;
	}
	*text += value - *text;
	*len = form_decode(*text, *len);
}

static const char *
error_of(ssize_t decoded)
{
	switch (decoded) {
	case MESSAGE_ARRAY_BROKEN:
		return "Broken JSON encoding.";
	case MESSAGE_ARRAY_TOO_MANY:
		return "Too many messages.";
	default:
		return "Payload expected.";
	}
}

static void
deliver(struct session *session, const char *messages, size_t len)
{
	const char *cursor = messages, *message;
	size_t message_len;

	while (message_array_next(&cursor, messages + len, &message, &message_len))
		session_receive(session, message, message_len, false);
}

void
http_session_send(struct http_request *request)
{
	struct sockjs_service *service = request->service;
	struct session *session;
	ssize_t decoded = MESSAGE_ARRAY_PAYLOAD;
	size_t len, count;
	char *text;

	if (buffer_failed(&request->body)) {
		respond_error(request, MHD_HTTP_SERVICE_UNAVAILABLE, "Out of memory.\n");
		return;
	}
	find_array(request, &text, &len);
	if (len > 0)
		decoded = message_array_decode(text, len, 0, service->protocol.options.messages_limit, &count);
	if (decoded < 0) {
		respond_error(request, MHD_HTTP_INTERNAL_SERVER_ERROR, error_of(decoded));
		return;
	}
	session = session_table_find(&service->table, request->session_id, request->session_id_len);
	if (session == NULL) {
		respond_error(request, MHD_HTTP_NOT_FOUND, "404 Error: Page not found\n");
		return;
	}
	deliver(session, text, (size_t)decoded);
	request->reply.status = request->endpoint->form ? MHD_HTTP_OK : MHD_HTTP_NO_CONTENT;
	if (request->endpoint->form) {
		request->reply.body = "ok";
		request->reply.body_len = strlen("ok");
	}
	http_request_respond_reply(request);
}
