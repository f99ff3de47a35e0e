/*
 * Who may connect to a Unix socket of ours: the options socket_mode and socket_group of
 * sockjs.conf, for the daemon and for the responder. The socket belongs to the user that the
 * process becomes (`user`), so that another process which runs as that user reaches it too.
 */
#ifndef SYSTEM_SOCKET_ACCESS_H
#define SYSTEM_SOCKET_ACCESS_H

#include "common/error.h"
#include "system/socket_file.h"

#include <stdbool.h>

/*
 * Finds the ids for the values of the options `user`, `socket_group` and `socket_mode` (octal).
 * Only the mode must be there. -1 and an error (EX_CONFIG) if a user or group is gone.
 */
int socket_access_resolve(const char *user, const char *group, const char *mode,
    struct socket_access *access, struct error *err);

/*
 * The same for the control socket: it belongs to the user that the daemon becomes and to its group
 * (`group`, NULL: the user's own). has_users: control_users names others, so everybody may connect,
 * since the daemon asks the kernel who it is.
 */
int socket_access_resolve_control(const char *user, const char *group, bool has_users,
    struct socket_access *access, struct error *err);

#endif
