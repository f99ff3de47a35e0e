/*
 * Functions that threads hand to the loop (sockjs_run of sockjs.h): one queue for all services,
 * first in, first out.
 *
 * A service is open for them from api_run_open to api_run_close. Its pointer is followed only after
 * it was found among the open ones: a thread that is late gets SOCKJS_STOPPED, whatever has become
 * of the service.
 */
#ifndef SESSIOND_API_RUN_H
#define SESSIOND_API_RUN_H

#include "sessiond/sockjs.h"

#include <uv.h>

/* The loop on which functions run; borrowed. NULL: no service is open any more; a handle closes. */
void api_run_bind(uv_loop_t *loop);

/* From now on functions are taken for the service. */
void api_run_open(const sockjs_service *service);

/* Takes no more for the service, and runs what it has. Safe if it is not open. */
void api_run_close(const sockjs_service *service);

/* Takes no more, and forgets what it has: its start has refused. Safe if it is not open. */
void api_run_drop(const sockjs_service *service);

#endif
