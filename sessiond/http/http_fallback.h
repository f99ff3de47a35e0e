/*
 * Requests outside every service, for the module of the [fallback] section (sockjs_request of
 * sockjs.h): on the way there, and its answer on the way back.
 */
#ifndef SESSIOND_HTTP_FALLBACK_H
#define SESSIOND_HTTP_FALLBACK_H

#include <stdbool.h>

struct http_request;

/*
 * Gives the request to its fallback's module, which answers it now or later. False if it has none.
 */
bool http_fallback_request(struct http_request *request);

/* The request is over: the module's handle of it is invalid from now on. Safe if it had none. */
void http_fallback_forget(struct http_request *request);

#endif
