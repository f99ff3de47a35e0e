/*
 * Taking a connection's socket away from libmicrohttpd after an upgrade.
 */
#ifndef SESSIOND_SOCKET_TAKEOVER_H
#define SESSIOND_SOCKET_TAKEOVER_H

/*
 * libmicrohttpd keeps its connection, with its memory pool, for as long as an upgraded socket
 * lives, and closes the socket when it is told that the application is done. This returns a
 * duplicate that is the caller's, and puts a socket that leads nowhere in the place of
 * libmicrohttpd's descriptor. After MHD_upgrade_action(MHD_UPGRADE_ACTION_CLOSE), libmicrohttpd
 * frees its connection and closes that dummy; the real connection lives on in the duplicate.
 *
 * fd must be in no epoll set any more: a set would go on watching the connection under a number
 * that means something else. libmicrohttpd has taken it out of its own before it calls the upgrade
 * handler.
 *
 * Returns -1 with errno if there is no descriptor to be had; fd is then unchanged.
 */
int socket_takeover(int fd);

/* Closes the dummy that is kept for all takeovers. */
void socket_takeover_clear(void);

#endif
