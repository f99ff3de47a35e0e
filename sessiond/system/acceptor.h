/*
 * The connections that come in by a listening socket.
 */
#ifndef SESSIOND_LISTENER_H
#define SESSIOND_LISTENER_H

#include "common/listening_socket.h"

#include <sys/socket.h>
#include <uv.h>

struct listener;

/* A new connection: fd is non-blocking and the callee's. */
typedef void listener_accept(void *context, int fd, const struct sockaddr *address, socklen_t len);

/* Takes socket, which is left empty, and accepts on it once the loop runs. */
struct listener *listener_create(
    uv_loop_t *loop, struct listening_socket *socket, listener_accept *accept, void *context);

/* What it listens on; it belongs to the listener. */
const struct listening_socket *listener_socket(const struct listener *listener);

/* Stops accepting, closes the socket and removes its file (listening_socket_close). Sets *listener NULL; takes NULL. */
void listener_close(struct listener **listener);

#endif
