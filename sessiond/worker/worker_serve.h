/*
 * Processes that connect to the control socket by themselves, to serve a service: their first line
 * is {"call":"serve","service":"/chat"}. Its first byte tells them from HTTP.
 */
#ifndef SESSIOND_WORKER_SERVE_H
#define SESSIOND_WORKER_SERVE_H

#include "sessiond/worker/worker_service.h"

enum { WORKER_GUESTS_MAX = 256 };

/* Takes fd, a connected non-blocking socket of somebody who may use the control socket. */
void worker_serve_accept(struct workers *all, int fd);

/* The daemon ends: those that serve no service are closed. */
void worker_serve_clear(struct workers *all);

#endif
