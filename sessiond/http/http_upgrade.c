/*
 * See http_upgrade.h. libmicrohttpd writes the 101 and calls on_upgraded, where the socket is taken
 * over. The request ends after that, in libmicrohttpd's next run.
 */
#include "sessiond/http/http_upgrade.h"

#include "common/log_limit.h"
#include "common/memory.h"
#include "sessiond/http/http_connection.h"
#include "sessiond/http/http_fields.h"
#include "sessiond/http/http_request.h"
#include "sessiond/system/socket_takeover.h"
#include "sessiond/session/admission.h"
#include "sessiond/session/session.h"
#include "sessiond/session/session_set.h"
#include "sessiond/websocket/hixie76_handshake.h"
#include "sessiond/websocket/websocket_open.h"
#include "sockjs/ws_deflate.h"
#include "sockjs/ws_handshake.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

static const char not_a_request[] = "Not a valid websocket request";

/* What was agreed, between the 101 and the upgrade. */
struct http_upgrade_offer {
	struct websocket_plan plan; /* its session: 0 before it is there, and once it is given on */
	bool hixie76;
	uint32_t numbers[2]; /* of the hixie-76 keys */
	struct ws_deflate_params params;
	struct buffer extensions;  /* the answer's header */
	struct buffer subprotocol; /* a string; empty: none */
};

static void
refuse(struct http_request *request, const char *text)
{
	http_response_error(&request->response, MHD_HTTP_BAD_REQUEST, text);
}

/* The client may ask again with one of these (RFC 6455 4.4). */
static void
refuse_version(struct http_request *request)
{
	struct http_response *response = &request->response;

	refuse(request, "Only supported WebSocket protocol is RFC 6455.");
	if (response->ready != NULL)
		MHD_add_response_header(response->ready, "Sec-WebSocket-Version", "13, 8");
}

/* A header may come in several lines: in one of them. */
static bool
has_token(struct http_request *request, const char *name, const char *token)
{
	return http_fields_have_token(NULL, request->response.connection, name, token);
}

/* --- the answer ------------------------------------------------------------------------------- */

static void on_upgraded(void *cls, struct MHD_Connection *mhd, void *context, const char *extra,
    size_t extra_len, MHD_socket fd, struct MHD_UpgradeResponseHandle *upgrade);

static struct MHD_Response *
make_response(struct http_request *request, const char *upgrade)
{
	struct MHD_Response *response = MHD_create_response_for_upgrade(on_upgraded, NULL);

	if (response == NULL)
		abort();
	MHD_add_response_header(response, MHD_HTTP_HEADER_UPGRADE, upgrade);
	request->response.reply.content_type = NULL;
	http_response_add_headers(&request->response, response);
	if (request->offer->subprotocol.len > 0)
		MHD_add_response_header(
		    response, "Sec-WebSocket-Protocol", request->offer->subprotocol.data);
	return response;
}

static void
accept_rfc6455(struct http_request *request, const char *key)
{
	struct MHD_Response *response = make_response(request, "websocket");
	const struct buffer *extensions = &request->offer->extensions;
	char accept_key[WS_ACCEPT_SIZE];

	ws_accept_key(key, accept_key);
	MHD_add_response_header(response, "Sec-WebSocket-Accept", accept_key);
	if (extensions->len > 0)
		MHD_add_response_header(response, "Sec-WebSocket-Extensions", extensions->data);
	http_response_set(&request->response, response, MHD_HTTP_SWITCHING_PROTOCOLS);
}

static void
accept_hixie76(struct http_request *request)
{
	struct MHD_Response *response = make_response(request, "WebSocket");
	const char *origin = http_request_header(request, "Origin"),
		   *host = http_request_header(request, "Host");
	const char *protocol = request->head.from_trusted_proxy
	    ? http_request_header(request, "X-Forwarded-Proto")
	    : NULL;
	char *location;

	if (asprintf(&location, "%s://%s%s%s%s",
		protocol != NULL && strcasecmp(protocol, "https") == 0 ? "wss" : "ws",
		host == NULL ? "" : host, request->uri, request->query == NULL ? "" : "?",
		request->query == NULL ? "" : request->query) == -1)
		abort();
	if (origin != NULL)
		MHD_add_response_header(response, "Sec-WebSocket-Origin", origin);
	MHD_add_response_header(response, "Sec-WebSocket-Location", location);
	free(location);
	http_response_set(&request->response, response, MHD_HTTP_SWITCHING_PROTOCOLS);
}

/*
 * Where none of the client's is known, none is chosen, and what that means is the client's
 * business: browsers give up then.
 */
static void
negotiate_subprotocol(struct http_request *request)
{
	const char *list = request->service->protocol.options.websocket_protocols, *chosen;
	struct buffer *subprotocol = &request->offer->subprotocol;
	struct buffer offered = BUFFER_INIT;
	size_t len;

	if (list == NULL)
		return;
	chosen = ws_protocol_choose(list,
	    http_fields_join(
		NULL, request->response.connection, "Sec-WebSocket-Protocol", &offered),
	    &len);
	if (chosen != NULL) {
		buffer_append(subprotocol, chosen, len);
		buffer_append_char(subprotocol, '\0');
	}
	buffer_free(&offered);
	if (buffer_failed(subprotocol))
		abort();
}

/* False if the extensions header breaks the grammar. */
static bool
negotiate_deflate(struct http_request *request)
{
	static const struct ws_deflate_policy policy = WS_DEFLATE_POLICY_INIT;
	struct http_upgrade_offer *offer = request->offer;
	struct buffer header = BUFFER_INIT;
	int result;

	if (!request->service->protocol.options.websocket_deflate)
		return true;
	result = ws_deflate_negotiate(http_fields_join(NULL, request->response.connection,
					  "Sec-WebSocket-Extensions", &header),
	    &policy, &offer->params, &offer->extensions);
	buffer_free(&header);
	/* Without a place it goes on without. */
	if (result == 1 && !limit_take(&request->all->sessions->limits.deflate, 1)) {
		buffer_free(&offer->extensions);
		result = 0;
	}
	if (result == 1) {
		offer->plan.deflate = &offer->params;
		offer->plan.deflate_place = &request->all->sessions->limits.deflate;
	}
	if (result == 1)
		buffer_append_char(&offer->extensions, '\0');
	return result >= 0;
}

static void
accept_handshake(struct http_request *request)
{
	if (request->offer->hixie76)
		accept_hixie76(request);
	else
		accept_rfc6455(request, http_request_header(request, "Sec-WebSocket-Key"));
}

static void
decided(struct receiver *receiver, struct session *session, const struct admission_refusal *refusal)
{
	struct http_response *response = (struct http_response *)(void *)receiver;

	if (session == NULL)
		http_response_error(response, refusal->status, refusal->text);
	else
		accept_handshake(container_of(response, struct http_request, response));
}

/* Until its answer, the response stands for the websocket that is to be. */
static const struct receiver_ops waiting_receiver = {.decided = decided};

/* The handshake is right: it is accepted, now or later, or refused. */
static void
admit(struct http_request *request)
{
	struct http_upgrade_offer *offer = request->offer;
	struct connection_source source;
	struct admission_refusal refusal;
	struct session *session;

	http_request_source(request, &source);
	source.subprotocol = offer->subprotocol.len > 0 ? offer->subprotocol.data : NULL;
	session =
	    admission_open_websocket(request->service, offer->plan.transport, &source, &refusal);
	if (session == NULL) {
		http_response_error(&request->response, refusal.status, refusal.text);
		return;
	}
	offer->plan.session = session->handle;
	request->response.receiver.ops = &waiting_receiver;
	if (!admission_must_wait(session, &request->response.receiver))
		accept_handshake(request);
}

static void
handshake_rfc6455(struct http_request *request, const char *version)
{
	const char *key = http_request_header(request, "Sec-WebSocket-Key");

	if (version == NULL || (strcmp(version, "8") != 0 && strcmp(version, "13") != 0))
		refuse_version(request);
	else if (key == NULL || !ws_key_is_valid(key) || !negotiate_deflate(request))
		refuse(request, not_a_request);
	else
		admit(request);
}

static void
handshake_hixie76(struct http_request *request, const char *key1, const char *key2)
{
	struct http_upgrade_offer *offer = request->offer;

	/* The raw websocket came later than hixie-76: nobody ever spoke it there. */
	if (!request->service->protocol.options.websocket_hixie76 ||
	    request->endpoint->id == ENDPOINT_WEBSOCKET_RAW) {
		refuse_version(request);
		return;
	}
	if (hixie76_key_number(key1, &offer->numbers[0]) == -1 ||
	    hixie76_key_number(key2, &offer->numbers[1]) == -1) {
		refuse(request, not_a_request);
		return;
	}
	offer->hixie76 = true;
	admit(request);
}

void
http_upgrade_start(struct http_request *request)
{
	const char *version = http_request_header(request, "Sec-WebSocket-Version");
	const char *key1 = http_request_header(request, "Sec-WebSocket-Key1"),
		   *key2 = http_request_header(request, "Sec-WebSocket-Key2");

	/* An upgrade is a matter of HTTP/1.1 (RFC 6455 4.2.1). */
	if (request->is_http10 || !has_token(request, "Upgrade", "websocket") ||
	    !has_token(request, "Connection", "upgrade")) {
		refuse(request, not_a_request);
		return;
	}
	request->offer = xcalloc(1, sizeof *request->offer);
	request->offer->plan = (struct websocket_plan){
	    .all = request->all->websockets,
	    .service = request->service,
	    .transport = transport_get((enum transport_id)request->endpoint->transport),
	    .client = address_count_number(&request->client.any),
	};
	negotiate_subprotocol(request);
	if (version == NULL && key1 != NULL && key2 != NULL)
		handshake_hixie76(request, key1, key2);
	else
		handshake_rfc6455(request, version);
}

void
http_upgrade_offer_destroy(struct http_upgrade_offer **offer)
{
	if (*offer == NULL)
		return;
	websocket_abandon(&(*offer)->plan);
	buffer_free(&(*offer)->extensions);
	buffer_free(&(*offer)->subprotocol);
	free(*offer);
	*offer = NULL;
}

/* --- the socket ------------------------------------------------------------------------------- */

static void
prepare_socket(int fd)
{
	const int on = 1, off = 0;

	/* Not for a Unix socket, where both are unknown and needless. */
	setsockopt(fd, IPPROTO_TCP, TCP_CORK, &off, sizeof off);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
}

static void
start_websocket(struct http_request *request, int fd, const char *extra, size_t extra_len)
{
	struct http_upgrade_offer *offer = request->offer;
	struct websocket_plan plan = offer->plan;

	offer->plan = (struct websocket_plan){NULL};
	plan.address = request->response.connection->address;
	request->response.connection->address = NULL;
	if (offer->hixie76)
		hixie76_handshake_start(
		    request->all->handshakes, &plan, fd, offer->numbers, extra, extra_len);
	else
		websocket_open(&plan, fd, extra, extra_len);
}

static void
on_upgraded(void *cls, struct MHD_Connection *mhd, void *context, const char *extra,
    size_t extra_len, MHD_socket fd, struct MHD_UpgradeResponseHandle *upgrade)
{
	struct http_request *request = context;
	struct http_connection *connection = request->response.connection;
	struct http_connections *all = connection->all;
	static struct log_limit limit;
	int taken;

	(void)cls;
	(void)mhd;
	http_connection_unwatch(connection);
	taken = socket_takeover(fd);
	if (taken == -1) {
		log_limited(&limit, SEVERITY_ERROR,
		    "no descriptor for a websocket: its connection is dropped");
	} else {
		prepare_socket(taken);
		start_websocket(request, taken, extra, extra_len);
	}
	MHD_upgrade_action(upgrade, MHD_UPGRADE_ACTION_CLOSE);
	all->has_work = true;
}
