/*
 * Sessions from one life of the daemon to the next.
 */
#ifndef SESSIOND_SESSION_RESTORE_H
#define SESSIOND_SESSION_RESTORE_H

#include "common/error.h"
#include "sessiond/persistence/persistence.h"

#include <stddef.h>

struct sockjs_service;

/*
 * Reads the sessions of services[n] from the store, with what is queued for them, and tells the
 * applications. Each has disconnect_delay to be seen again. Those of other services are deleted.
 * The services are prepared and started. Does nothing without a store. -1 and an error (EX_IOERR)
 * if the store cannot be read.
 */
int sessions_restore(struct persistence *persistence, struct sockjs_service *const *services,
    size_t n, struct error *err);

#endif
