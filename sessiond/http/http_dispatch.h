/*
 * libmicrohttpd's callbacks for a request: they read it, decide who answers it, and end it. Polls
 * and sends may pass libmicrohttpd by.
 */
#ifndef SESSIOND_HTTP_DISPATCH_H
#define SESSIOND_HTTP_DISPATCH_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>

struct http_connection;
struct http_response;

/* Callbacks of libmicrohttpd; cls is the struct http_requests, *context the struct http_request. */
void *http_dispatch_begin(void *cls, const char *uri, struct MHD_Connection *mhd);
enum MHD_Result
http_dispatch_handle(void *cls, struct MHD_Connection *mhd, const char *url, const char *method,
    const char *version, const char *upload_data, size_t *upload_data_size, void **context);
void http_dispatch_completed(
    void *cls, struct MHD_Connection *mhd, void **context, enum MHD_RequestTerminationCode code);

/*
 * A whole request was read (text), with a body of body_len bytes, which libmicrohttpd has not seen.
 * If it is a poll or a short send, as most are, it is answered past libmicrohttpd, which keeps the
 * connection, and finds nothing to read until then: so it neither parses and forgets the request,
 * nor has it to be suspended. Returns false if it is another one.
 */
bool http_dispatch_pass(
    void *cls, struct http_connection *connection, const char *text, size_t len, size_t body_len);

/*
 * The request of a response that left past libmicrohttpd is over: frees it. Returns true if its
 * connection may have another one.
 */
bool http_dispatch_ended(struct http_response *response);

#endif
