/*
 * Who may connect to the daemon's Unix socket: the options socket_mode and socket_group of
 * sockjs.conf. The socket belongs to the user that the daemon becomes (`user`), so that a responder
 * which runs as that user reaches it too.
 */
#ifndef SYSTEM_SOCKET_ACCESS_H
#define SYSTEM_SOCKET_ACCESS_H

#include "common/error.h"
#include "system/listening_socket.h"
#include "conf/config_options.h"

/*
 * Finds the ids for the names in the options. -1 and an error (EX_CONFIG) if a user or group is
 * gone.
 */
int socket_access_resolve(
    const struct server_options *options, struct socket_access *access, struct error *err);

#endif
