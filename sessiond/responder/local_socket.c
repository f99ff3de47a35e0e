/*
 * See local_socket.h.
 */
#include "sessiond/responder/local_socket.h"

#include "common/log.h"
#include "common/log_limit.h"
#include "sessiond/session/session_set.h"

#include <sys/socket.h>
#include <unistd.h>

/* --- connections ------------------------------------------------------------------------------ */

static void
on_recognised(void *context, int fd, char first)
{
	const struct sockaddr address = {.sa_family = AF_UNIX};
	struct local_socket *local = context;

	if (first == '\0')
		peers_add(&local->peers, fd);
	else
		http_server_add(local->http, fd, &address, sizeof address.sa_family);
}

/*
 * False if every place is taken by a peer that has greeted. What turns out to be HTTP counts as a
 * connection of the HTTP server.
 */
static bool
make_room(struct local_socket *local)
{
	return local->newcomers.count + local->peers.count <
	    local->messages.config->server.local_peers ||
	    newcomers_dismiss_oldest(&local->newcomers) || peers_drop_silent(&local->peers);
}

void
local_socket_accept(struct local_socket *local, int fd)
{
	static struct log_limit limit;

	if (!make_room(local)) {
		local->messages.sessions->limits.reached[LIMIT_LOCAL_PEERS]++;
		log_limited(&limit, SEVERITY_ERROR,
		    "local_peers (%u) reached: a connection to the socket is refused",
		    local->messages.config->server.local_peers);
		close(fd);
		return;
	}
	newcomers_add(&local->newcomers, fd, sessions_now(local->messages.sessions));
}

bool
local_socket_is_empty(const struct local_socket *local)
{
	return LIST_EMPTY(&local->newcomers.list) && LIST_EMPTY(&local->peers.list) &&
	    local->http->connections.away == 0;
}

/* --- life ------------------------------------------------------------------------------------- */

/* A send with the largest body that a service takes has to fit, and a request of the API. */
static void
raise_payload_max(struct local_socket *local)
{
	const struct services *services = local->services;
	size_t i;

	for (i = 0; i < services->count; i++)
		peers_raise_payload_max(&local->peers,
		    services->items[i]->protocol.options.body_limit + WIRE_OVERHEAD_MAX);
	peers_raise_payload_max(
	    &local->peers, remote_asks_body_limit(&local->messages.asks) + WIRE_OVERHEAD_MAX);
}

void
local_socket_init(struct local_socket *local, uv_loop_t *loop, struct config *config,
    struct services *services, struct sessions *sessions, struct http_server *http)
{
	local->services = services;
	local->http = http;
	local->state = NULL;
	newcomers_init(&local->newcomers, loop, &sessions->timers, on_recognised, local);
	peer_messages_init(&local->messages, config, services, sessions, http);
	siblings_init(&local->siblings, loop, sessions, &http->connections, config);
	peers_init(&local->peers, loop, sessions, &peer_messages_calls, &local->messages,
	    &config->server.local_backlog);
}

void
local_socket_clear(struct local_socket *local)
{
	newcomers_clear(&local->newcomers);
	peers_clear(&local->peers);
	siblings_clear(&local->siblings);
	peer_messages_clear(&local->messages);
}

void
local_socket_start(struct local_socket *local)
{
	siblings_start(&local->siblings);
}

void
local_socket_serve(struct local_socket *local, const struct api *api)
{
	local->messages.asks.api = api;
}

/* --- the end of a turn ------------------------------------------------------------------------ */

bool
local_socket_answer(struct local_socket *local, enum commit_result committed)
{
	bool any = remote_sends_answer(&local->messages.sends, committed);

	return remote_asks_answer(&local->messages.asks, committed) || any;
}

bool
local_socket_flush(struct local_socket *local)
{
	return peers_flush(&local->peers);
}

/* --- changes ---------------------------------------------------------------------------------- */

void
local_socket_tell_services(struct local_socket *local)
{
	struct peer *peer;

	raise_payload_max(local);
	LIST_FOREACH(peer, &local->peers.list, entry) {
		if (peer->state == PEER_OPEN && !peer->is_daemon &&
		    peer_messages_send_services(peer) == -1)
			log_error("responder %u cannot be told of the services", peer->pid);
	}
}

void
local_socket_tell_state(struct local_socket *local, const char *state)
{
	struct peer *peer;

	if (state == local->state)
		return;
	local->state = state;
	local->messages.state = state == NULL ? "" : state;
	LIST_FOREACH(peer, &local->peers.list, entry)
		if (peer->state == PEER_OPEN && !peer->is_daemon)
			peer_messages_send_state(peer);
}

void
local_socket_say_goodbye(struct local_socket *local)
{
	struct peer *peer, *next;

	newcomers_dismiss(&local->newcomers);
	for (peer = LIST_FIRST(&local->peers.list); peer != NULL; peer = next) {
		next = LIST_NEXT(peer, entry);
		if (peer->state == PEER_OPEN)
			peer_messages_say_goodbye(peer);
		else if (peer->state == PEER_GREETING)
			peer_drop(peer);
	}
}
