/*
 * Who may connect to a Unix socket that this process makes: options socket_mode and socket_group of sockjs.conf. The socket belongs to
 * the user that the daemon becomes (`user`), so that a responder which runs as that user reaches it too.
 */
#ifndef SESSIOND_SOCKET_ACCESS_H
#define SESSIOND_SOCKET_ACCESS_H

#include "common/error.h"
#include "conf/config.h"

#include <sys/types.h>

struct socket_access {
	mode_t mode;
	uid_t owner; /* (uid_t)-1: who makes it */
	gid_t group; /* (gid_t)-1: whose who makes it is in */
};

/* 0 if text is a mode in octal, as 0660. -1 and an error (EX_CONFIG) that begins with the option's name otherwise. */
int socket_access_check_mode(const char *option, const char *text, struct error *err);

/* Finds the ids for the options. -1 and an error (EX_CONFIG) if a user or group is gone. */
int socket_access_resolve(
    const struct server_options *options, struct socket_access *access, struct error *err);

/*
 * Gives the socket at path its owner, group and mode (access NULL: mode 0666): between bind and listen, before which nobody can connect. -1 and an error
 * (EX_NOPERM) if the system refuses.
 */
int socket_access_apply(const struct socket_access *access, const char *path, struct error *err);

#endif
