/*
 * A socket that listens, TCP or Unix, before anybody accepts on it: opened, or inherited. No loop,
 * no thread.
 */
#ifndef SYSTEM_LISTENING_SOCKET_H
#define SYSTEM_LISTENING_SOCKET_H

#include "common/error.h"
#include "system/socket_file.h"

#include <stdbool.h>
#include <sys/types.h>

struct listening_socket {
	int fd; /* listening, non-blocking, close-on-exec; -1: none */
	bool is_unix;
	bool is_inherited;
	bool is_control;	 /* for who runs the daemon, not for clients: its opener says so */
	bool is_shared;		 /* several daemons accept on it: its heir says so */
	char *path;		 /* of a Unix socket's file, owned; NULL: there is none */
	struct socket_file file; /* which it is; none if it is for somebody else to remove */
	char name[160]; /* where it really listens: "127.0.0.1:8080", "[::1]:8080", "unix:/path" */
};

/*
 * Listens on "ADDR:PORT", "[ADDR6]:PORT" or "*:PORT", which means every address of the machine,
 * IPv6 and IPv4. "[::]:PORT" is IPv6 alone. A port alone is an error, so that nobody opens all of
 * them by mistake. Port 0 is any free one. -1 and an error: EX_CONFIG if text is no address,
 * EX_UNAVAILABLE if the address cannot be had.
 */
int listening_socket_open_tcp(struct listening_socket *socket, const char *text, struct error *err);

/*
 * Listens on a Unix socket at path. Its file gets the owner, group and mode of access before
 * anybody can connect. A socket that nobody answers on any more is replaced; one that is in use is
 * an error, and so is any other file. `option` is what path comes from, for errors: "socket" means
 * the option of sockjs.conf and --socket.
 *
 * -1 and an error: EX_CONFIG if the path is too long, EX_NOPERM if the system refuses the owner,
 * group or mode, EX_UNAVAILABLE for everything else.
 */
int listening_socket_open_unix(struct listening_socket *socket, const char *option,
    const char *path, const struct socket_access *access, struct error *err);

/*
 * Look whether the two functions above would succeed, and change nothing. An address or a path at
 * which somebody listens already sets *is_taken and is no error: that may be who is asked about.
 */
int listening_socket_check_tcp(const char *text, bool *is_taken, struct error *err);
int listening_socket_check_unix(const char *option, const char *path,
    const struct socket_access *access, bool *is_taken, struct error *err);

/*
 * Takes fd, which another process has made, if it is a stream socket that listens, TCP or Unix.
 * Else -1 and an error (EX_UNAVAILABLE) whose text goes on after a name of fd; fd stays open.
 */
int listening_socket_adopt(struct listening_socket *socket, int fd, struct error *err);

/*
 * True if text, as listening_socket_open_tcp takes it, means the address of this TCP socket.
 * any_port: port 0 in the text means every port.
 */
bool
listening_socket_is_tcp(const struct listening_socket *socket, const char *text, bool any_port);

/*
 * True if this socket takes the connections that one at text would: it is an IPv6 wildcard for both
 * families, as systemd opens it, and text has its port. No other socket can listen there then.
 */
bool listening_socket_covers(const struct listening_socket *socket, const char *text);

/* True if path leads to the file of this Unix socket, by whatever way. */
bool listening_socket_is_unix(const struct listening_socket *socket, const char *path);

/*
 * Closes it, and removes its file unless it was inherited. Does nothing with an empty one (fd -1).
 */
void listening_socket_close(struct listening_socket *socket);

#endif
