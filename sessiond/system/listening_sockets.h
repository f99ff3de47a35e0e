/*
 * All the sockets that a daemon listens on: those that it inherits (inherited_sockets.h) and those
 * that its options name. The daemon and its supervisor both open theirs with this.
 */
#ifndef SESSIOND_LISTENING_SOCKETS_H
#define SESSIOND_LISTENING_SOCKETS_H

#include "common/error.h"
#include "conf/config_options.h"
#include "system/listening_socket.h"

#include <stdbool.h>
#include <stddef.h>

/* The most that one daemon has, inherited ones included. */
#define LISTENING_SOCKETS_MAX 16

#define LISTENING_ADDRESS_SIZE 256 /* a word of `listen`, with its end */

struct listening_sockets {
	struct listening_socket sockets[LISTENING_SOCKETS_MAX];
	size_t count;
};

/* What the options of [server] ask for. */
struct listening_wish {
	const char *addresses; /* separated by blanks or commas; NULL: none */
	const char *path;      /* of a Unix socket; NULL: none */
	const char *control;   /* of the control socket; NULL: none */
	bool needs_control;    /* its path was given: an error if it cannot be had */
	size_t beside;	       /* how many more each of several daemons has, that others have not */
	struct socket_access access, control_access; /* of the files of the two */
};

/*
 * Fills *wish from the options. Sets *control, which wish borrows, and which the caller frees in
 * any case. -1 and an error (EX_CONFIG) if a user or group is gone.
 */
int listening_wish_init(struct listening_wish *wish, const struct server_options *options,
    char **control, struct error *err);

/*
 * Opens all that a daemon listens on. What of the wish is among the inherited sockets is used.
 * Inherited sockets that it does not name are used as well; they are taken from the environment at
 * the first call.
 *
 * -1 and an error if a socket cannot be had, if there are too many, or if there is none for
 * clients; nothing is open then.
 */
int listening_sockets_open(
    struct listening_sockets *set, const struct listening_wish *wish, struct error *err);

/*
 * Has in the set what is inherited, whatever the options name, and opens nothing: for one of
 * several daemons. -1 and an error as above.
 */
int listening_sockets_inherit(struct listening_sockets *set, struct error *err);

/*
 * As listening_sockets_open, for a wish that has changed while the sockets of `present` are open.
 * Opens into `added` what it names and present has not. Sets stays[i] if it names present's socket
 * i, or if that was inherited. -1 and an error as above; `added` is empty then.
 */
int
listening_sockets_change(const struct listening_sockets *present, const struct listening_wish *wish,
    struct listening_sockets *added, bool stays[LISTENING_SOCKETS_MAX], struct error *err);

/* Makes that change: closes what does not stay, and has the rest in the set. */
void listening_sockets_commit(struct listening_sockets *set, const struct listening_sockets *added,
    const bool stays[LISTENING_SOCKETS_MAX]);

/*
 * Looks whether listening_sockets_open would succeed, without what is inherited, and changes
 * nothing. What somebody listens on already is no error, since a daemon with these options may run:
 * *is_served says that this is so for the path, and taken gets the first address of which it is so,
 * "" if there is none.
 */
int listening_sockets_check(const struct listening_wish *wish, bool *is_served,
    char taken[LISTENING_ADDRESS_SIZE], struct error *err);

/*
 * listening_sockets_change and listening_sockets_commit at once. -1 and an error as above; nothing
 * has changed then.
 */
int listening_sockets_replace(
    struct listening_sockets *set, const struct listening_wish *wish, struct error *err);

/* Prints the line `ready ADDRESS...` on standard output, without the control socket. */
void listening_sockets_print(const struct listening_sockets *set);

/* Closes all of them. */
void listening_sockets_close(struct listening_sockets *set);

#endif
