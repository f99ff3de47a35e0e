/*
 * All the sockets that a daemon listens on: those that it inherits (inherited_sockets.h) and those
 * that its options name. The daemon and its supervisor both open theirs with this.
 */
#ifndef SESSIOND_LISTENING_SOCKETS_H
#define SESSIOND_LISTENING_SOCKETS_H

#include "common/error.h"
#include "system/listening_socket.h"

#include <stdbool.h>
#include <stddef.h>

/* The most that one daemon has, inherited ones included. */
#define LISTENING_SOCKETS_MAX 16

struct listening_sockets {
	struct listening_socket sockets[LISTENING_SOCKETS_MAX];
	size_t count;
};

/*
 * Opens all that a daemon listens on. Two options say what that is: `addresses`, separated by
 * blanks or commas, and `path` of a Unix socket, whose file gets `access`. Either may be NULL. An
 * option that names an inherited socket uses it. Inherited sockets that no option names are used as
 * well; they are taken from the environment at the first call.
 *
 * -1 and an error if a socket cannot be had, if there are too many, or if there is none; nothing is
 * open then.
 */
int listening_sockets_open(struct listening_sockets *set, const char *addresses, const char *path,
    const struct socket_access *access, struct error *err);

/*
 * The same for options that have changed while the sockets of `present` are open. Opens into
 * `added` what the options name and present has not. Sets stays[i] if the options name present's
 * socket i, or if it was inherited. -1 and an error as above; `added` is empty then.
 */
int listening_sockets_change(const struct listening_sockets *present, const char *addresses,
    const char *path, const struct socket_access *access, struct listening_sockets *added,
    bool stays[LISTENING_SOCKETS_MAX], struct error *err);

/* Closes all of them. */
void listening_sockets_close(struct listening_sockets *set);

#endif
