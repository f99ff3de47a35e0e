/*
 * All the sockets that a daemon listens on: those it inherits (inherited_sockets.h) and those that its options name. Both the daemon and
 * its supervisor open theirs with this.
 */
#ifndef SESSIOND_LISTENING_SOCKETS_H
#define SESSIOND_LISTENING_SOCKETS_H

#include "common/error.h"
#include "common/listening_socket.h"

#include <stdbool.h>
#include <stddef.h>

/* What one daemon has at most, inherited ones included. */
#define LISTENING_SOCKETS_MAX 16

struct listening_sockets {
	struct listening_socket sockets[LISTENING_SOCKETS_MAX];
	size_t count;
};

/*
 * Opens all that a daemon listens on. `addresses` (separated by blanks or commas, NULL: none) and `path` (of a Unix socket, NULL: none)
 * are the options; access is for the latter. One of them that names an inherited socket uses that. Inherited sockets that no option names are used as well. The
 * sockets inherited are taken at the first call. -1 and an error if one cannot be had, if there are too many, or none; nothing is open
 * then.
 */
int listening_sockets_open(struct listening_sockets *set, const char *addresses, const char *path,
    const struct socket_access *access, struct error *err);

/*
 * The same when the options have changed while `present` is open: opens into `added` what they name and present has not, and sets
 * stays[i] for each of present that they name, or that was inherited. -1 and an error, as above; `added` is empty then.
 */
int listening_sockets_change(const struct listening_sockets *present, const char *addresses,
    const char *path, const struct socket_access *access, struct listening_sockets *added,
    bool stays[LISTENING_SOCKETS_MAX], struct error *err);

/* Closes all of them. */
void listening_sockets_close(struct listening_sockets *set);

#endif
