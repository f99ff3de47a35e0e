/*
 * See websocket_open.h.
 */
#include "sessiond/websocket/websocket_open.h"

#include "sessiond/session/session.h"

static void
start(const struct websocket_plan *plan, int fd, const struct websocket_framing *framing,
    struct connection_info *info, const struct sockaddr *peer, const char *extra, size_t extra_len)
{
	const struct websocket_kind *kind = plan->transport->id == TRANSPORT_WEBSOCKET_RAW
	    ? &websocket_kind_raw
	    : &websocket_kind_sockjs;
	struct websocket *websocket = websocket_create(plan->all, fd, kind, plan->transport,
	    framing, plan->service->protocol.options.message_limit, plan->deflate);
	struct session *session = session_create(plan->service, NULL, 0);

	session->info = info;
	session_count_address(session, peer);
	session_arrive(session, &websocket->receiver, NULL);
	websocket_feed(websocket, extra, extra_len);
}

void
websocket_open(const struct websocket_plan *plan, int fd, const struct connection_source *source,
    const char *extra, size_t extra_len)
{
	start(plan, fd, &websocket_framing_rfc6455, connection_info_create(source), source->peer,
	    extra, extra_len);
}

void
websocket_open_hixie76(const struct websocket_plan *plan, int fd, struct connection_info *info,
    const struct sockaddr *peer, const char *extra, size_t extra_len)
{
	start(plan, fd, &websocket_framing_hixie76, info, peer, extra, extra_len);
}
