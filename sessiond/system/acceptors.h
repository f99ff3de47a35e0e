/*
 * Everybody who accepts connections for the daemon, on the sockets of listening_sockets.h, at the start and as a reload changes them:
 * what stays is not touched, so that nobody who waits to be accepted notices.
 */
#ifndef SESSIOND_LISTENERS_H
#define SESSIOND_LISTENERS_H

#include "common/error.h"
#include "conf/config.h"
#include "sessiond/system/acceptor.h"
#include "sessiond/system/listening_sockets.h"

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

struct listeners {
	uv_loop_t *loop;
	listener_accept *accept, *accept_local; /* by TCP; by a Unix socket */
	void *context;				/* theirs */
	struct listener *items[LISTENING_SOCKETS_MAX];
	size_t count;
};

/* What is to be instead; opened already. */
struct listeners_change {
	struct listening_sockets added;
	bool stays[LISTENING_SOCKETS_MAX]; /* of the present ones */
};

/* Listens on nothing yet. loop and context are borrowed. */
void listeners_init(struct listeners *listeners, uv_loop_t *loop, listener_accept *accept,
    listener_accept *accept_local, void *context);

/* The first time: all that listening_sockets_open finds. -1 and an error, as there. */
int listeners_open(
    struct listeners *listeners, const struct server_options *options, struct error *err);

/* Opens what the options name and is missing (listening_sockets_change). -1 and an error, as there; nothing is to be abandoned then. */
int listeners_prepare(const struct listeners *listeners, const struct server_options *options,
    struct listeners_change *change, struct error *err);

/* Makes the change: what is not named any more is closed, unless it was inherited. */
void listeners_commit(struct listeners *listeners, struct listeners_change *change);

/* Closes what was opened for it. Safe on a change that is all zero bytes, or was made. */
void listeners_abandon(struct listeners_change *change);

/* Closes all. */
void listeners_close(struct listeners *listeners);

#endif
