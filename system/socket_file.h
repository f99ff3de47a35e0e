/*
 * The file of a Unix socket: who may connect to it, and how it comes and goes.
 *
 * Its folder may belong to another user than this process is (root binds, then becomes `user`), who
 * can put a link, or a file of somebody else, in the socket's place at any moment. So nothing here
 * follows a link in the last part of a path: a file is held by a descriptor, looked at, and only
 * then changed through that descriptor; and a name is removed only in the folder that was looked
 * at, if it still leads to the socket.
 */
#ifndef SYSTEM_SOCKET_FILE_H
#define SYSTEM_SOCKET_FILE_H

#include "common/error.h"

#include <stdbool.h>
#include <sys/types.h>

/* Who may connect to a Unix socket: what its file is given. */
struct socket_access {
	mode_t mode;
	uid_t owner; /* (uid_t)-1: who makes it */
	gid_t group; /* (gid_t)-1: the group of who makes it */
};

/* Which file it is. */
struct socket_file {
	dev_t device;
	ino_t inode; /* 0: none */
};

/*
 * Removes what a process that died has left at the path (shorter than a sockaddr_un has room). -1
 * and EX_UNAVAILABLE if there is something else, if somebody serves it, or if it cannot be removed.
 * `option` is what path comes from.
 */
int socket_file_clear(const char *path, const char *option, struct error *err);

/*
 * Looks whether socket_file_clear and socket_file_bind would succeed, and changes nothing. A path
 * at which somebody listens already sets *is_served and is no error: that may be who is asked
 * about.
 */
int socket_file_check(
    const char *path, const struct socket_access *access, bool *is_served, struct error *err);

/*
 * Binds fd, a Unix socket, to path, and gives the new file the owner, group and mode of access. The
 * file never has a wider mode than that. -1 and an error: EX_UNAVAILABLE if the path cannot be had,
 * EX_NOPERM if the system refuses the owner, group or mode; the file is gone again then.
 */
int socket_file_bind(int fd, const char *path, const struct socket_access *access,
    struct socket_file *file, struct error *err);

/* Removes path if it still is that file. */
void socket_file_remove(const char *path, const struct socket_file *file);

#endif
