/*
 * sockjs.fcgi's loop: FastCGI connections on one side, the connection to sessiond on the other, and
 * the requests between them.
 */
#ifndef FCGI_RESPONDER_H
#define FCGI_RESPONDER_H

#include "common/error.h"
#include "conf/responder_options.h"

/*
 * Serves FastCGI on listen_fd, which is non-blocking, until SIGTERM or SIGINT. Both are borrowed.
 * Returns 0 after an orderly end; -1 and an error (code: exit status) if it cannot start.
 */
int responder_run(const struct responder_config *config, int listen_fd, struct error *err);

#endif
