/*
 * libmicrohttpd's callbacks for a request: they read it, decide who answers it, and end it.
 */
#ifndef SESSIOND_HTTP_DISPATCH_H
#define SESSIOND_HTTP_DISPATCH_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>

struct http_response;

/* Callbacks of libmicrohttpd; cls is the struct http_requests, *context the struct http_request. */
void *http_dispatch_begin(void *cls, const char *uri, struct MHD_Connection *mhd);
enum MHD_Result
http_dispatch_handle(void *cls, struct MHD_Connection *mhd, const char *url, const char *method,
    const char *version, const char *upload_data, size_t *upload_data_size, void **context);
void http_dispatch_completed(
    void *cls, struct MHD_Connection *mhd, void **context, enum MHD_RequestTerminationCode code);

/*
 * The request of a parked response is over: frees it. Returns true if its connection may have
 * another one.
 */
bool http_dispatch_ended(struct http_response *response);

#endif
