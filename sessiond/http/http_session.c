/*
 * See http_session.h.
 */
#include "sessiond/http/http_session.h"

#include "common/memory.h"
#include "sessiond/http/http_connection.h"
#include "sessiond/http/http_request.h"
#include "sessiond/session/admission.h"
#include "sessiond/session/session.h"
#include "sessiond/session/session_set.h"
#include "sessiond/session/store_share.h"
#include "sessiond/session/turn.h"
#include "sockjs/send_body.h"

#include <string.h>

/* --- receiving -------------------------------------------------------------------------------- */

static void
start_receiver(struct http_response *response, const struct transport *transport)
{
	size_t begin;

	response->receiver.transport = transport;
	response->receiver.ops = transport->streaming ? &http_stream_receiver : &http_poll_receiver;
	if (!transport->streaming)
		return;
	begin = http_response_begin_chunk(response);
	if (transport->prelude != NULL)
		transport->prelude(response->callback, &response->out);
	http_response_end_chunk(response, begin);
	http_response_stream(response);
}

/* source: of the request; NULL: the session has it. */
static void
join(struct http_request *request, struct session *session, const struct connection_source *source)
{
	struct http_response *response = &request->response;

	start_receiver(response, transport_get((enum transport_id)request->endpoint->transport));
	session_arrive(session, &response->receiver, source);
	store_share_note(session);
	turn_flush_session(session);
	/* The daemon stops: the client asks the next one. */
	if (request->service->sessions->closing && response->receiver.session != NULL)
		session_release_receiver(session);
}

static void
decided(struct receiver *receiver, struct session *session, const struct admission_refusal *refusal)
{
	struct http_response *response = (struct http_response *)(void *)receiver;

	if (session == NULL)
		http_response_error(response, refusal->status, refusal->text);
	else
		join(container_of(response, struct http_request, response), session, NULL);
}

static const struct receiver_ops waiting_receiver = {.decided = decided};

void
http_session_receive(struct http_request *request)
{
	const struct transport *transport =
	    transport_get((enum transport_id)request->endpoint->transport);
	struct http_response *response = &request->response;
	struct connection_source source;
	struct admission_refusal refusal;
	struct session *session;
	const char *error;

	response->concerns_session = true;
	error = transport->callback ? reply_callback(request->query, response->callback) : NULL;
	if (error != NULL) {
		http_response_error(response, MHD_HTTP_INTERNAL_SERVER_ERROR, error);
		return;
	}
	http_request_source(request, &source);
	session = admission_obtain(request->service, request->session_id, request->session_id_len,
	    transport, &source, &refusal);
	if (session == NULL) {
		http_response_error(response, refusal.status, refusal.text);
		return;
	}
	response->receiver.ops = &waiting_receiver;
	if (!admission_must_wait(session, &response->receiver))
		join(request, session, &source);
}

/* --- sending ---------------------------------------------------------------------------------- */

/* The messages are in its body then, packed. False: they are none, which it is told. */
static bool
decode(struct http_request *request, size_t *len)
{
	struct http_response *response = &request->response;
	const char *error;

	if (buffer_failed(&request->body)) {
		http_response_error(response, MHD_HTTP_SERVICE_UNAVAILABLE, "Out of memory.\n");
		return false;
	}
	error = send_body_decode(&request->body, request->endpoint->form,
	    http_request_header(request, "Content-Type"),
	    request->service->protocol.options.messages_limit, len);
	if (error != NULL)
		http_response_error(response, MHD_HTTP_INTERNAL_SERVER_ERROR, error);
	return error == NULL;
}

/* The session that takes them; NULL: none does, which the client is told. */
static struct session *
find_taker(struct http_request *request)
{
	struct http_response *response = &request->response;
	struct sockjs_service *service = request->service;
	struct admission_refusal refusal;
	struct session *session = admission_find(
	    service, request->session_id, request->session_id_len, &request->client.any, &refusal);

	if (session == NULL) {
		http_response_error(response, refusal.status, refusal.text);
	} else if (service->sessions->journal.is_failing) {
		http_response_refuse_storing(response);
	} else if (service->refuses_sends) {
		http_response_error(response, MHD_HTTP_SERVICE_UNAVAILABLE,
		    "The application is overloaded or away.\n");
	} else if (store_share_refuses(session)) {
		http_response_error(response, MHD_HTTP_SERVICE_UNAVAILABLE,
		    "The session cannot take messages now.\n");
	} else {
		return session;
	}
	return NULL;
}

void
http_session_send(struct http_request *request)
{
	struct http_response *response = &request->response;
	struct session *session;
	size_t len, before;

	response->concerns_session = true;
	if (!decode(request, &len))
		return;
	session = find_taker(request);
	if (session == NULL)
		return;
	journal_note_send(&session->service->sessions->journal);
	before = session->queue.bytes;
	session_receive_all(session, request->body.data, len);
	if (session->queue.bytes > before)
		request->all->handled += session->queue.bytes - before;
	response->acknowledges = true;
	response->reply.status = request->endpoint->form ? MHD_HTTP_OK : MHD_HTTP_NO_CONTENT;
	if (request->endpoint->form) {
		response->reply.body = "ok";
		response->reply.body_len = strlen("ok");
	}
	http_response_reply(response);
}
