/*
 * The carrier of services whose application is asked: PHP-FPM, or any FastCGI application.
 *
 * Each request brings events of one connection, in their order; the answer, 200 with a JSON array,
 * is what the application calls. The calls and that the events are handled are one turn of the
 * loop. A connection has one request at a time, all of a service have `callback_concurrency`.
 *
 * A request without such an answer is repeated, CALLBACK_TRIES times in all; then the connection
 * ends with WORKER_CODE_DEADLY. That nobody takes a request is not the fault of its events: they
 * wait, and one request after the other finds out whether somebody is there again.
 *
 * Parameters say which delivery a request is: SOCKJS_DELIVERY is "ID:FIRST-LAST", the connection
 * and the numbers of its events, which grow. It is the same in a repetition, which SOCKJS_ATTEMPT
 * counts (1 to CALLBACK_TRIES). A client of a web server cannot send either.
 */
#ifndef SESSIOND_WORKER_CALLBACK_H
#define SESSIOND_WORKER_CALLBACK_H

#include "sessiond/worker/worker_service.h"

enum {
	CALLBACK_TRIES = WORKER_DEATHS_MAX,
	CALLBACK_PAUSE_MS = 1000,     /* after the first failure; twice as long after the next */
	CALLBACK_AWAY_PAUSE_MS = 250, /* between requests that find out who is there */
};

extern const struct worker_carrier worker_callback_carrier;

#endif
