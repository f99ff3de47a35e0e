/*
 * An acceptor takes the connections that come in by one listening socket.
 */
#ifndef SESSIOND_ACCEPTOR_H
#define SESSIOND_ACCEPTOR_H

#include "system/listening_socket.h"

#include <stdbool.h>
#include <sys/socket.h>
#include <uv.h>

struct acceptor;

/*
 * Gets a new connection: fd is non-blocking, close-on-exec and the callee's. The address is
 * borrowed.
 */
typedef void acceptor_accept(void *context, int fd, const struct sockaddr *address, socklen_t len);

/*
 * Asked when a connection was accepted: true if other processes that share the socket should have
 * the next ones, which are left to them for a moment.
 */
typedef bool acceptor_yields(void *context);

/*
 * Takes the socket, leaves an empty one behind, and accepts on it once the loop runs. The loop and
 * the context are borrowed. yields: NULL where nobody shares the socket. Never NULL.
 */
struct acceptor *acceptor_create(uv_loop_t *loop, struct listening_socket *socket,
    acceptor_accept *accept, acceptor_yields *yields, void *context);

/* The socket it accepts on, borrowed. */
const struct listening_socket *acceptor_socket(const struct acceptor *acceptor);

/*
 * Stops accepting and closes the socket (listening_socket_close). The memory is freed when the loop
 * has run once more. Sets *acceptor NULL; takes NULL.
 */
void acceptor_destroy(struct acceptor **acceptor);

#endif
