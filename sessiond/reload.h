/*
 * SIGHUP: the configuration file is read again, while connections go on.
 *
 * All of it is checked, the modules are loaded, and those that are new are started, before anything
 * changes. So a mistake leaves the daemon as it was. services.h says what becomes of each service.
 */
#ifndef SESSIOND_RELOAD_H
#define SESSIOND_RELOAD_H

#include "conf/config.h"

#include <stddef.h>

struct channels;
struct workers;
struct http_server;
struct acceptors;
struct local_socket;
struct services;
struct sessions;
struct websockets;

/* The daemon, as far as its configuration concerns it; all borrowed. */
struct reload {
	struct config *config;
	struct services *services;
	struct sessions *sessions;
	struct channels *channels;
	struct workers *workers;
	struct websockets *websockets;
	struct http_server *http;
	struct local_socket *local;
	struct acceptors *acceptors;
	size_t own_descriptors; /* not for connections, of the system's limit of open files */
};

/*
 * Reads the file of reload->config again, with the same command line, and makes the daemon what it
 * says. Logs what has changed, or the mistake, and that the old configuration stays. -1 and the
 * mistake then.
 */
int reload_run(const struct reload *reload, struct error *err);

/*
 * As far as that can be known beforehand: whether a daemon that is started anew would take the
 * file. Loads its modules, but starts none, and changes nothing. -1 and an error if it would not.
 */
int reload_check(const struct reload *reload, struct error *err);

/* At the end of a turn of the loop: frees the retired services that no session needs any more. */
void reload_reap(const struct reload *reload);

#endif
