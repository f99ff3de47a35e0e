/*
 * The metrics over SockJS, for the page status.html: a module that the daemon has in it.
 *
 *     [service /status]
 *     module = status
 *
 * The daemon says "token?", and the client answers with status_token. One that is right gets the
 * text of metrics_write() at once and then every second, any other is closed with 4401 (4429: this
 * address has tried as many as guesses_per_minute lets it). The daemon
 * asks anew when the token has changed, and after a restart that the session has outlived.
 */
#ifndef SESSIOND_STATUS_SERVICE_H
#define SESSIOND_STATUS_SERVICE_H

#include "sessiond/control/control.h"
#include "sessiond/sockjs.h"

extern const struct sockjs_module status_module;

/* What it tells of, before a service of it starts. Borrowed. */
void status_service_bind(const struct control *control);

#endif
