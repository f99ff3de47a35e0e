/*
 * The daemon's local socket: all that connects to it. A web server that passes on websockets speaks
 * HTTP, and is given to the HTTP server; a responder becomes a peer.
 */
#ifndef SESSIOND_LOCAL_SOCKET_H
#define SESSIOND_LOCAL_SOCKET_H

#include "sessiond/http/http_server.h"
#include "sessiond/modules/services.h"
#include "sessiond/persistence/persistence.h"
#include "sessiond/system/newcomers.h"
#include "sessiond/responder/peer.h"
#include "sessiond/responder/peer_messages.h"
#include "sessiond/responder/siblings.h"
#include "sessiond/session/session.h"

#include <stdbool.h>
#include <uv.h>

struct local_socket {
	struct services *services;
	struct http_server *http;
	struct newcomers newcomers;
	struct peers peers;
	struct peer_messages messages;
	struct siblings siblings;
	const char *state; /* that responders were told last; NULL: all is well */
};

/* Everything is borrowed. Not to be moved while it is in use. */
void local_socket_init(struct local_socket *local, uv_loop_t *loop, struct config *config,
    struct services *services, struct sessions *sessions, struct http_server *http);

/* The HTTP server has started: requests of sessions that are another daemon's leave. */
void local_socket_start(struct local_socket *local);

/* Requests of the HTTP API that responders pass on are answered by it. Before the start. */
void local_socket_serve(struct local_socket *local, const struct api *api);

/* Drops all connections. */
void local_socket_clear(struct local_socket *local);

/* Takes fd, a connected non-blocking socket. */
void local_socket_accept(struct local_socket *local, int fd);

/* True if nothing is connected, or on its way to another daemon, but what the HTTP server has. */
bool local_socket_is_empty(const struct local_socket *local);

/*
 * After the commit at the end of a turn: answers its sends, and requests of the API. Returns true
 * if there were any.
 */
bool local_socket_answer(struct local_socket *local, enum commit_result committed);

/* After that: writes what was queued. Returns true if there was something. */
bool local_socket_flush(struct local_socket *local);

/*
 * Takes bodies as large as the services and the API do, and tells every responder what they are:
 * once they have started, and after a change.
 */
void local_socket_tell_services(struct local_socket *local);

/*
 * Why the daemon serves nobody, a text that lasts (NULL: it serves): responders are told when it
 * changes. Cheap if it has not.
 */
void local_socket_tell_state(struct local_socket *local, const char *state);

/*
 * The daemon stops: responders are told, and their connections end when what they hold is answered
 * and confirmed. Who has not greeted finds the next daemon as well as this one.
 */
void local_socket_say_goodbye(struct local_socket *local);

#endif
