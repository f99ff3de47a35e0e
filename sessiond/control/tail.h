/*
 * GET /control/tail[?service=PREFIX]: what happens, as it happens, a line each (tail_event.h),
 * until the reader goes away or the daemon stops.
 *
 * Nobody waits for a reader: while TAIL_BACKLOG bytes wait for one, what happens is not shown to
 * it, and a line says how much that was once it reads again.
 */
#ifndef SESSIOND_TAIL_H
#define SESSIOND_TAIL_H

#include "sessiond/service/watch.h"

#include <sys/queue.h>

#define TAIL_BACKLOG 262144 /* bytes */

enum { TAIL_MAX = 4 }; /* readers; the control socket has connections for others then */

struct http_request;
struct services;

struct tails {
	struct watcher watcher;
	LIST_HEAD(, tail) list;
	unsigned count;
};

/* Answers a request: 503 if there are TAIL_MAX readers already. services: whose names there are. */
void
tails_answer(struct tails *tails, struct http_request *request, const struct services *services);

/* The daemon stops: ends all of them. */
void tails_end(struct tails *tails);

#endif
