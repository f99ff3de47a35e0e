/*
 * sockjs.fcgi's loop: FastCGI connections on one side, the connection to sessiond on the other, and the requests between them.
 */
#ifndef FCGI_RESPONDER_H
#define FCGI_RESPONDER_H

#include "common/error.h"
#include "common/loop.h"
#include "conf/responder_options.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

struct backend;
struct connection;

struct responder {
	const struct responder_config *config;
	struct loop loop;
	struct timers timers;
	struct timer_queue arrivals; /* requests that the web server has to pass on whole */
	struct timer_queue stalls;   /* answers that the web server has to read */
	struct timer_queue patience; /* requests that wait for sessiond to be there */
	int listen_fd;
	uv_poll_t listen_poll;
	bool is_accepting;
	int epoll_fd; /* of all FastCGI connections, edge-triggered */
	uv_poll_t epoll_poll;
	struct connection *first;
	struct connection *dead; /* to be freed at the end of the turn */
	size_t count, limit;
	size_t in_flight; /* requests being handled, all kinds */
	bool
	    has_been_shared; /* there were two requests at once: the web server does not keep a process for each */
	uint64_t last_request; /* id */
	struct backend *backend;
};

/*
 * Serves FastCGI on listen_fd, which is non-blocking, until SIGTERM or SIGINT. Both are borrowed. Returns 0 after an orderly end; -1 and an error
 * (code: exit status) if it cannot start.
 */
int responder_run(const struct responder_config *config, int listen_fd, struct error *err);

/* ms, the loop's time. */
uint64_t responder_now(const struct responder *responder);

/* A connection is gone: there may be room for others, or nothing left to wait for. */
void responder_connection_gone(struct responder *responder);

#endif
