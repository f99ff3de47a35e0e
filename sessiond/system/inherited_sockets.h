/*
 * Listening sockets that the process which started this one has opened for it: systemd's socket activation, sd_listen_fds(3).
 *
 * LISTEN_PID is the process that they are for, LISTEN_FDS how many there are, from descriptor 3 on, and LISTEN_FDNAMES, if it is set,
 * what each is called, separated by colons.
 */
#ifndef SESSIOND_INHERITED_SOCKETS_H
#define SESSIOND_INHERITED_SOCKETS_H

#include "common/error.h"
#include "sessiond/system/listening_sockets.h"

#include <stddef.h>

enum { INHERITED_SOCKETS_FIRST = 3 };

/*
 * Takes the sockets that are for this process into sockets (room for max), non-blocking and close-on-exec, and the three variables out
 * of the environment. Returns how many there are; -1 and an error (EX_UNAVAILABLE) if the variables say nonsense, if there are more than
 * max, or if a descriptor is no listening stream socket. Variables that are for another process are left alone: 0.
 */
int inherited_sockets_take(struct listening_socket *sockets, size_t max, struct error *err);

/*
 * In a child about to exec: puts the sockets where a program looks for them, in place of what was at these descriptors, and says so in
 * the environment. 0, or -1 with errno. Only for a process without threads.
 */
int inherited_sockets_pass(const struct listening_socket *sockets, size_t count);

#endif
