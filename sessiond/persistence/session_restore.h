/*
 * Sessions from one life of the daemon to the next.
 */
#ifndef SESSIOND_SESSION_RESTORE_H
#define SESSIOND_SESSION_RESTORE_H

#include "common/error.h"
#include "sessiond/service/service.h"
#include "sessiond/session/session.h"

#include <stddef.h>

/*
 * Reads the sessions of the services' from the store, with what is queued for them, and tells the applications. Each has disconnect_delay to
 * be seen again. Those of services that are not there any more are deleted. The services are prepared and started. -1 and an error
 * (EX_IOERR) if the store cannot be read.
 */
int sessions_restore(
    struct sessions *sessions, struct sockjs_service *const *services, size_t n, struct error *err);

#endif
