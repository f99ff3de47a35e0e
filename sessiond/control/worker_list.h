/*
 * GET /control/workers: who serves services whose application is in another process.
 *
 *     {"workers": [{"service": "/chat", "kind": "program", "pid": 123, "state": "running",
 *       "connections": 7, "in_flight": 2, "unread_bytes": 0, "begun": 1, "age_seconds": 60}, ...],
 *      "next": null}
 *
 * kind: program, connected, callback or each. Of the last two there is one for a service, with a
 * pid of null. state: running; starting, for its first second; ending, once it gets no more events;
 * stopped, while there is none; away, if there has been none for worker_timeout. in_flight are
 * events that it has and has not acknowledged. begun is how often one has begun in that place.
 */
#ifndef SESSIOND_WORKER_LIST_H
#define SESSIOND_WORKER_LIST_H

struct http_request;
struct services;
struct workers;

void worker_list_answer(
    struct http_request *request, const struct services *services, const struct workers *workers);

#endif
