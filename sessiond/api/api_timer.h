/*
 * The timers of applications (sockjs_timer_start of sockjs.h), on the daemon's loop.
 */
#ifndef SESSIOND_API_TIMER_H
#define SESSIOND_API_TIMER_H

#include "sessiond/sockjs.h"

#include <uv.h>

/* The loop on which timers run; borrowed. NULL: no timer can be started any more. */
void api_timer_bind(uv_loop_t *loop);

/* Stops all timers of a service that is being stopped. */
void api_timer_stop_all(sockjs_service *service);

#endif
