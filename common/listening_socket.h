/*
 * A socket that listens, TCP or Unix, before anybody accepts on it: opened, or inherited. No loop,
 * no thread.
 */
#ifndef SESSIOND_LISTENING_SOCKET_H
#define SESSIOND_LISTENING_SOCKET_H

#include "common/error.h"
#include "sessiond/system/socket_access.h"

#include <stdbool.h>

struct listening_socket {
	int fd; /* listening, non-blocking, close-on-exec; -1: none */
	bool is_unix;
	bool is_inherited; /* its file is for somebody else to remove */
	char *path;	   /* of a Unix socket's file, owned; NULL: there is none */
	char name[160]; /* where it really listens: "127.0.0.1:8080", "[::1]:8080", "unix:/path" */
};

/*
 * Listens on "ADDR:PORT", "[ADDR6]:PORT", ":PORT" or "PORT" (every address of the machine). Port 0
 * is any free one. Returns -1 and an error (EX_CONFIG for what is no address, EX_UNAVAILABLE for
 * one that cannot be had) otherwise.
 */
int listening_socket_open_tcp(struct listening_socket *socket, const char *text, struct error *err);

/*
 * Listens on a Unix socket at path, for those to connect whom access (NULL: mode 0666) and the
 * folder's permissions let. A socket that nobody answers on any more is replaced; one in use is an
 * error, and so is any other file. -1 and an error, as above.
 */
int listening_socket_open_unix(struct listening_socket *socket, const char *path,
    const struct socket_access *access, struct error *err);

/*
 * Takes fd, if it is a listening stream socket, TCP or Unix, that another process has made. -1 and
 * an error (EX_UNAVAILABLE) if it is anything else; it is left open then.
 */
int listening_socket_adopt(struct listening_socket *socket, int fd, struct error *err);

/*
 * True if the option text, as listening_socket_open_tcp takes it, means the address of this TCP
 * socket; any_port: port 0 in the text means every port.
 */
bool
listening_socket_is_tcp(const struct listening_socket *socket, const char *text, bool any_port);

/* True if path leads to the file of this Unix socket, whatever way. */
bool listening_socket_is_unix(const struct listening_socket *socket, const char *path);

/* Closes it, and removes its file unless it was inherited. An empty one (fd -1) is left alone. */
void listening_socket_close(struct listening_socket *socket);

#endif
