/*
 * The socket that web servers connect to: the one that they pass, or our own.
 */
#ifndef FCGI_LISTEN_H
#define FCGI_LISTEN_H

#include "common/error.h"
#include "system/listening_socket.h"

/*
 * address NULL: takes descriptor 0, which has to be a listening socket. Else opens a Unix socket (a
 * path: it holds a `/`) with the permissions mode, octal, or ADDR:PORT. 0, or -1 and an error whose
 * code is the exit status.
 */
int listen_open(
    struct listening_socket *socket, const char *address, const char *mode, struct error *err);

#endif
