/*
 * What comes in by the listening sockets, and who gets it: HTTP, responders, and on the control
 * socket either HTTP or a process that serves a service. Of several daemons that share sockets, one
 * that has more connections than another leaves new ones to that.
 */
#ifndef SESSIOND_RECEPTION_H
#define SESSIOND_RECEPTION_H

#include "common/error.h"
#include "common/loop.h"
#include "conf/config.h"
#include "sessiond/system/acceptors.h"
#include "sessiond/system/newcomers.h"

struct http_server;
struct local_socket;
struct sessions;
struct websockets;
struct workers;

/* Whom it gives connections to; all borrowed. */
struct reception_hosts {
	const struct config *config;
	struct sessions *sessions;
	struct http_server *http;
	struct websockets *websockets;
	struct local_socket *local;
	struct workers *workers;
};

struct reception {
	struct reception_hosts hosts;
	struct acceptors acceptors;
	struct newcomers control_newcomers;
	struct accept_share *share; /* NULL: nobody shares its sockets */
};

/* Accepts nothing yet. */
void
reception_init(struct reception *reception, struct loop *loop, const struct reception_hosts *hosts);

/* Accepts once the loop runs. -1 and an error if a socket cannot be had. */
int reception_open(struct reception *reception, struct error *err);

/* Prints `ready ADDRESS...` on standard output; of several daemons, their supervisor does. */
void reception_print_ready(const struct reception *reception);

/* The turn ends: those who share its sockets learn how many connections there are. */
void reception_end_turn(struct reception *reception);

/* Accepts no more. */
void reception_close(struct reception *reception);

/* Forgets who has not said yet what it is. */
void reception_clear(struct reception *reception);

#endif
