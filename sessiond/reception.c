/*
 * See reception.h.
 */
#include "sessiond/reception.h"

#include "sessiond/control/control.h"
#include "sessiond/http/http_server.h"
#include "sessiond/responder/local_socket.h"
#include "sessiond/session/session_set.h"
#include "sessiond/supervised.h"
#include "sessiond/system/accept_share.h"
#include "sessiond/websocket/websocket.h"
#include "sessiond/worker/worker_serve.h"

#include <stdio.h>

enum { CONTROL_NEWCOMERS_MAX = 64 };

static void
on_accept(void *context, int fd, const struct sockaddr *address, socklen_t len)
{
	struct reception *reception = context;

	http_server_add(reception->hosts.http, fd, address, len);
}

static void
on_local_accept(void *context, int fd, const struct sockaddr *address, socklen_t len)
{
	struct reception *reception = context;

	(void)address;
	(void)len;
	local_socket_accept(reception->hosts.local, fd);
}

static void
on_control_recognised(void *context, int fd, char first)
{
	const struct sockaddr address = {.sa_family = AF_UNIX};
	const struct reception_hosts *hosts = &((struct reception *)context)->hosts;
	enum http_way way = control_way(hosts->config, fd);

	if (first == '{' && way == HTTP_WAY_CONTROL)
		worker_serve_accept(hosts->workers, fd);
	else
		http_server_add_control(hosts->http, fd, way, &address, sizeof address.sa_family);
}

static void
on_control_accept(void *context, int fd, const struct sockaddr *address, socklen_t len)
{
	struct reception *reception = context;

	(void)address;
	(void)len;
	if (reception->control_newcomers.count >= CONTROL_NEWCOMERS_MAX)
		newcomers_dismiss_oldest(&reception->control_newcomers);
	newcomers_add(&reception->control_newcomers, fd, sessions_now(reception->hosts.sessions));
}

void
reception_end_turn(struct reception *reception)
{
	const struct reception_hosts *hosts = &reception->hosts;

	if (reception->share != NULL)
		accept_share_set(reception->share, hosts->config->place.index,
		    hosts->http->connections.count + hosts->websockets->count);
}

/* Within a turn that accepts many, too. */
static bool
yields(void *context)
{
	struct reception *reception = context;

	if (reception->share == NULL)
		return false;
	reception_end_turn(reception);
	return accept_share_leaves(reception->share, &reception->hosts.config->place);
}

void
reception_init(struct reception *reception, struct loop *loop, const struct reception_hosts *hosts)
{
	static const struct acceptor_calls accepts = {
	    on_accept, on_local_accept, on_control_accept, yields};

	*reception = (struct reception){.hosts = *hosts};
	acceptors_init(&reception->acceptors, &loop->uv, &accepts, reception);
	newcomers_init(&reception->control_newcomers, &loop->uv, &hosts->sessions->timers,
	    on_control_recognised, reception);
}

int
reception_open(struct reception *reception, struct error *err)
{
	const struct config *config = reception->hosts.config;

	if (config->place.count == 1)
		return acceptors_open(&reception->acceptors, &config->server, err);
	if (supervised_by()->shares != -1)
		reception->share = accept_share_map(supervised_by()->shares);
	return acceptors_inherit(&reception->acceptors, err);
}

void
reception_print_ready(const struct reception *reception)
{
	const struct acceptors *acceptors = &reception->acceptors;
	size_t i;

	if (reception->hosts.config->place.count > 1)
		return;
	printf("ready");
	for (i = 0; i < acceptors->count; i++)
		if (!acceptor_socket(acceptors->items[i])->is_control)
			printf(" %s", acceptor_socket(acceptors->items[i])->name);
	printf("\n");
	fflush(stdout);
}

void
reception_close(struct reception *reception)
{
	acceptors_close(&reception->acceptors);
	if (reception->share != NULL)
		accept_share_leave(reception->share, reception->hosts.config->place.index);
	reception->share = NULL;
}

void
reception_clear(struct reception *reception)
{
	newcomers_clear(&reception->control_newcomers);
}
