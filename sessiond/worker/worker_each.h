/*
 * `processes = each`: a process for each connection, in the manner of websocketd. A message is a
 * line of its stdin, a line of its stdout is a message; a message with newlines in it is several
 * lines. It finds what is known of its connection in its environment (each_environment.h).
 *
 * The end of its output closes the connection. The end of the connection ends the process
 * (program_stop). Neither outlives the daemon.
 */
#ifndef SESSIOND_WORKER_EACH_H
#define SESSIOND_WORKER_EACH_H

#include "sessiond/sockjs.h"

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

/* The close code of a connection whose process does not read (`worker_queue_limit`). */
enum { WORKER_EACH_CODE_DEAF = 4503 };

/* The module of such services, which modules/module.h is given. */
extern const struct sockjs_module worker_each_module;

/*
 * Borrows the loop until it is called again. Before the first service. NULL: the daemon ends, and
 * what is left of the processes is killed.
 */
void worker_each_bind(uv_loop_t *loop);

/* The processes of a service, those that are ending included. */
size_t worker_each_count(const sockjs_service *service);

/*
 * The daemon ends: all processes read the end of their input, and are hurried (program_hurry). True
 * once all have ended. To be asked in each turn.
 */
bool worker_each_finish(void);

#endif
