/*
 * See websocket_open.h.
 */
#include "sessiond/websocket/websocket_open.h"

#include "common/memory.h"
#include "sessiond/session/session.h"
#include "sessiond/session/session_set.h"
#include "sessiond/websocket/websocket_input.h"

#include <unistd.h>

static struct session *
find_session(const struct websocket_plan *plan)
{
	return handle_table_find(&plan->service->sessions->handles, plan->session);
}

static void
give_back(const struct websocket_plan *plan)
{
	address_count_drop(&plan->all->sessions->limits.addresses, plan->address);
	if (plan->deflate_place != NULL)
		limit_give(plan->deflate_place, 1);
}

static void
start(const struct websocket_plan *plan, int fd, const struct websocket_framing *framing,
    const char *extra, size_t extra_len)
{
	const struct websocket_kind *kind = plan->transport->id == TRANSPORT_WEBSOCKET_RAW
	    ? &websocket_kind_raw
	    : &websocket_kind_sockjs;
	struct session *session = find_session(plan);
	struct websocket *websocket;

	if (session == NULL) {
		close(fd);
		give_back(plan);
		return;
	}
	websocket = websocket_create(plan->all, fd, kind, plan->transport, framing,
	    plan->service->protocol.options.message_limit, plan->deflate);
	websocket->address = plan->address;
	websocket->has_deflate_place = plan->deflate_place != NULL;
	websocket->client = plan->client;
	if (limits_have_rates(&plan->all->sessions->limits))
		websocket->rates = xcalloc(1, sizeof *websocket->rates);
	session_arrive(session, &websocket->receiver, NULL);
	websocket_feed(websocket, extra, extra_len);
}

void
websocket_open(const struct websocket_plan *plan, int fd, const char *extra, size_t extra_len)
{
	start(plan, fd, &websocket_framing_rfc6455, extra, extra_len);
}

void
websocket_open_hixie76(
    const struct websocket_plan *plan, int fd, const char *extra, size_t extra_len)
{
	start(plan, fd, &websocket_framing_hixie76, extra, extra_len);
}

void
websocket_abandon(const struct websocket_plan *plan)
{
	struct session *session;

	/* It was given on, or nothing was agreed. */
	if (plan->service == NULL)
		return;
	session = find_session(plan);
	if (session != NULL)
		session_abort(session);
	give_back(plan);
}
