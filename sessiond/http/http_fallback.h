/*
 * Requests outside every service, for the module of the [fallback] section (sockjs_request of sockjs.h): on the way there, and its
 * answer on the way back.
 */
#ifndef SESSIOND_HTTP_FALLBACK_H
#define SESSIOND_HTTP_FALLBACK_H

#include <stdbool.h>

struct http_request;

/* The head of a request has come: the fallback that there is now will have it, whatever becomes of the configuration meanwhile. */
void http_fallback_begin(struct http_request *request);

/* True if there is a module that answers requests like this one: their bodies are kept for it. */
bool http_fallback_is_for(const struct http_request *request);

/* Gives the request to the module, which answers it now or later. False if there is none. */
bool http_fallback_request(struct http_request *request);

/* The request is over: the module's handle of it is invalid from now on. Safe if it never had one. */
void http_fallback_forget(struct http_request *request);

#endif
