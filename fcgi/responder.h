/*
 * sockjs.fcgi's loop: FastCGI connections on one side, the connection to sessiond on the other, and
 * the requests between them.
 */
#ifndef FCGI_RESPONDER_H
#define FCGI_RESPONDER_H

#include "common/error.h"
#include "conf/responder_options.h"
#include "fcgi/webserver/listen.h"

/*
 * Serves FastCGI on the sockets until SIGTERM or SIGINT. Both arguments are borrowed.
 * Returns 0 after an orderly end; -1 and an error (code: exit status) if it cannot start.
 */
int responder_run(
    const struct responder_config *config, const struct listen_set *listen, struct error *err);

#endif
