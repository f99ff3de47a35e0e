/*
 * The socket that web servers connect to: the one they pass, or our own.
 */
#ifndef FCGI_LISTEN_H
#define FCGI_LISTEN_H

#include "common/error.h"

/*
 * address NULL: descriptor 0, which has to be a listening socket. Else binds to a Unix socket (a path: it holds a `/`), with
 * the permissions mode, octal, or to ADDR:PORT. Returns the descriptor, or -1 and an error (code: exit status).
 */
int listen_open(const char *address, const char *mode, struct error *err);

/* Removes the file of a Unix socket. */
void listen_remove(const char *address);

#endif
