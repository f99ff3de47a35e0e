/*
 * Functions that threads hand to the loop (sockjs_run of sockjs.h): one queue for all services, first in, first out.
 *
 * A service is open for them from run_queue_open to run_queue_close; its pointer is not followed before that is sure, so that a
 * thread that is late gets SOCKJS_STOPPED, whatever has become of the service.
 */
#ifndef SESSIOND_RUN_QUEUE_H
#define SESSIOND_RUN_QUEUE_H

#include "sessiond/sockjs.h"

#include <uv.h>

/* The loop on which functions run; borrowed. NULL: no service is open any more; the loop's handle closes. */
void run_queue_bind(uv_loop_t *loop);

/* From now on functions are taken for the service. */
void run_queue_open(const sockjs_service *service);

/* Takes no more for the service, and runs what it has. Safe if it is not open. */
void run_queue_close(const sockjs_service *service);

/* Takes no more, and forgets what it has: its start refused. Safe if it is not open. */
void run_queue_drop(const sockjs_service *service);

#endif
