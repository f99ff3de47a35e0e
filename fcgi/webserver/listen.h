/*
 * The sockets that web servers connect to: the one that they pass, or our own.
 */
#ifndef FCGI_LISTEN_H
#define FCGI_LISTEN_H

#include "common/error.h"
#include "system/listening_socket.h"

#include <stddef.h>

/* The most addresses that `listen` may name. */
#define LISTEN_MAX 8

struct listen_set {
	struct listening_socket sockets[LISTEN_MAX];
	size_t count;
};

/*
 * addresses NULL: takes descriptor 0, which has to be a listening socket. Else opens a Unix socket
 * (one path: it holds a `/`) whose file gets `access`, or each ADDR:PORT of a list with blanks or
 * commas. 0, or -1 and an error whose code is the exit status; nothing is open then.
 */
int listen_open(struct listen_set *set, const char *addresses, const struct socket_access *access,
    struct error *err);

/*
 * Looks whether listen_open would succeed, and changes nothing. An address that somebody has
 * already is no error, but a line on standard error. NULL is for the web server to know.
 */
int listen_check(const char *addresses, const struct socket_access *access, struct error *err);

/* Closes all of them. */
void listen_close(struct listen_set *set);

#endif
