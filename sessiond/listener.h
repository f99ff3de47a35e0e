/*
 * Listening sockets, TCP and Unix, and the connections that come in by them.
 */
#ifndef SESSIOND_LISTENER_H
#define SESSIOND_LISTENER_H

#include "common/error.h"

#include <sys/socket.h>
#include <uv.h>

struct listener;

/* A new connection: fd is non-blocking and the callee's. */
typedef void listener_accept(void *context, int fd, const struct sockaddr *address, socklen_t len);

/*
 * Binds to "ADDR:PORT", "[ADDR6]:PORT", ":PORT" or "PORT" (every address of the machine). NULL and an error (EX_CONFIG for what is
 * no address, EX_UNAVAILABLE for one that cannot be had) otherwise. Accepts once the loop runs. Port 0 is any free one.
 */
struct listener *listener_open_tcp(
    uv_loop_t *loop, const char *text, listener_accept *accept, void *context, struct error *err);

/*
 * Binds to a Unix socket at path, mode 0666: what may connect is for its folder's permissions to say. A socket that nobody answers on
 * any more is replaced; one in use is an error, and so is any other file.
 */
struct listener *listener_open_unix(
    uv_loop_t *loop, const char *path, listener_accept *accept, void *context, struct error *err);

/* Where it really listens: "127.0.0.1:8080", "unix:/path". */
const char *listener_name(const struct listener *listener);

/* Stops accepting and removes a Unix socket's file. Sets *listener NULL; takes NULL. */
void listener_close(struct listener **listener);

#endif
