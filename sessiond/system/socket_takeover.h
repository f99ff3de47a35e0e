/*
 * Taking a connection's socket away from libmicrohttpd.
 */
#ifndef SESSIOND_SOCKET_TAKEOVER_H
#define SESSIOND_SOCKET_TAKEOVER_H

/*
 * libmicrohttpd keeps its connection, with its memory pool, for as long as it has the socket: of an
 * upgraded one until it is told that the application is done, of a request until that is answered.
 * Then it closes the socket. This returns a duplicate that is the caller's, and puts a socket that
 * leads nowhere in the place of libmicrohttpd's descriptor. Whenever libmicrohttpd ends its
 * connection now, it closes that dummy; the real connection lives on in the duplicate.
 *
 * fd must be in no epoll set any more: a set would go on watching the connection under a number
 * that means something else. libmicrohttpd has taken it out of its own before it calls the upgrade
 * handler, and while a connection is suspended.
 *
 * Returns -1 with errno if there is no descriptor to be had; fd is then unchanged.
 */
int socket_takeover(int fd);

/* Closes the dummy that is kept for all takeovers. */
void socket_takeover_clear(void);

#endif
