/*
 * Listening sockets that pass from the process that opened them to one that it starts: systemd's
 * socket activation, sd_listen_fds(3). Our supervisor passes its sockets to the daemon in the same
 * way.
 *
 * LISTEN_PID is the process that the sockets are for. LISTEN_FDS says how many there are, from
 * descriptor 3 on. LISTEN_FDNAMES, if it is set, has a name for each, separated by colons:
 * "control" is a control socket, "shared" one that several daemons accept on, and other names mean
 * nothing.
 */
#ifndef SESSIOND_INHERITED_SOCKETS_H
#define SESSIOND_INHERITED_SOCKETS_H

#include "common/error.h"
#include "system/listening_socket.h"

#include <stddef.h>

enum { INHERITED_SOCKETS_FIRST = 3 };

/*
 * Takes the sockets that are for this process into `sockets`, which has room for max, and the three
 * variables out of the environment. Returns how many there are: 0 if the variables are for another
 * process, which leaves them alone. -1 and an error (EX_UNAVAILABLE) if the variables make no
 * sense, if there are more than max, or if a descriptor is no listening stream socket.
 */
int inherited_sockets_take(struct listening_socket *sockets, size_t max, struct error *err);

/*
 * In a child that is about to exec: puts the sockets where a program looks for them, in place of
 * what was at these descriptors, and sets the variables. 0, or -1 with errno. Only for a process
 * without threads.
 */
int inherited_sockets_pass(const struct listening_socket *sockets, size_t count);

#endif
