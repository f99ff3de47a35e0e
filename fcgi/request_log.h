/*
 * Lines of the log about requests, with the client's address.
 */
#ifndef FCGI_REQUEST_LOG_H
#define FCGI_REQUEST_LOG_H

#include "fcgi/request_read.h"
#include "fcgi/routing.h"

#include <stddef.h>
#include <stdint.h>

/*
 * One that was answered, as sessiond has those that it answers itself, if the service's log_level
 * asks for it.
 */
void
request_log(const struct cgi_request *cgi, const struct routing *routing, int status, uint64_t ms);

/* One of which sessiond dies: it was lost so many times with it. len: bytes of its messages. */
void request_log_guilty(
    const struct cgi_request *cgi, const struct routing *routing, unsigned losses, size_t len);

/* A page that the service's options do not let in. */
void request_log_forbidden(const struct cgi_request *cgi, const struct routing *routing);

#endif
