/*
 * The events of sockjs.h as sessions cause them. Each calls the callback of the service's module,
 * if the module has it, for the connection of that handle.
 */
#ifndef SESSIOND_APPLICATION_H
#define SESSIOND_APPLICATION_H

#include "sessiond/service/service.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Whether a client may connect: 0, or the status to refuse it with, which is the module's and not
 * checked. The handle is the connection's to be.
 */
int application_authorize(const struct sockjs_service *service, uint64_t handle);

/* A new connection. */
void application_connection(const struct sockjs_service *service, uint64_t handle);

/* One of the daemon's last run; for a module that does not tell them apart, a new one. */
void application_resume(const struct sockjs_service *service, uint64_t handle);

/*
 * True if the module knows connections that outlive a daemon: it has a suspend or resume callback.
 */
bool application_can_resume(const struct sockjs_service *service);

/*
 * The daemon stops, and the next one resumes the connection. For a module that does not tell them
 * apart the connection ends, and the session has to say so from before the call.
 */
void application_suspend(const struct sockjs_service *service, uint64_t handle);

/* A message of the client's; data is borrowed. */
void application_data(const struct sockjs_service *service, uint64_t handle, const char *data,
    size_t len, bool binary);

/* What waited for the client has left. */
void application_drain(const struct sockjs_service *service, uint64_t handle);

/* The end. */
void application_close(const struct sockjs_service *service, uint64_t handle);

#endif
