/*
 * All acceptors of the daemon, one for each socket of listening_sockets.h. A reload opens and
 * closes some of them. It does not touch those that stay, so that nobody who waits to be accepted
 * notices.
 */
#ifndef SESSIOND_ACCEPTORS_H
#define SESSIOND_ACCEPTORS_H

#include "common/error.h"
#include "conf/config_options.h"
#include "sessiond/system/acceptor.h"
#include "sessiond/system/listening_sockets.h"

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

/* Who gets what was accepted. */
struct acceptor_calls {
	acceptor_accept *by_tcp, *by_unix, *by_control;
	acceptor_yields *yields; /* of sockets that several daemons share */
};

struct acceptors {
	uv_loop_t *loop;
	struct acceptor_calls calls;
	void *context; /* theirs */
	struct acceptor *items[LISTENING_SOCKETS_MAX];
	size_t count;
};

/* What a reload will change. */
struct acceptors_change {
	struct listening_sockets added;	   /* open already */
	bool stays[LISTENING_SOCKETS_MAX]; /* by the index of the present ones */
};

/* Accepts on nothing yet. The loop and the context are borrowed. */
void acceptors_init(struct acceptors *acceptors, uv_loop_t *loop,
    const struct acceptor_calls *calls, void *context);

/* At the start: accepts on all that listening_sockets_open finds. -1 and an error as there. */
int acceptors_open(
    struct acceptors *acceptors, const struct server_options *options, struct error *err);

/* The same, of one of several daemons: on what it inherits (listening_sockets_inherit). */
int acceptors_inherit(struct acceptors *acceptors, struct error *err);

/*
 * Opens the sockets that the options name and that are missing (listening_sockets_change). -1 and
 * an error as there; the change is then empty.
 */
int acceptors_prepare(const struct acceptors *acceptors, const struct server_options *options,
    struct acceptors_change *change, struct error *err);

/* Makes it a change that changes nothing. */
void acceptors_keep(const struct acceptors *acceptors, struct acceptors_change *change);

/* Makes the change. A socket that the options name no more is closed, unless it was inherited. */
void acceptors_commit(struct acceptors *acceptors, struct acceptors_change *change);

/*
 * Closes what was opened for the change. Safe on one of all zero bytes, and on one that was made.
 */
void acceptors_abandon(struct acceptors_change *change);

/* Closes all. */
void acceptors_close(struct acceptors *acceptors);

#endif
