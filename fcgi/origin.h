/*
 * Where a request comes from, as the web server's variables and headers tell it.
 */
#ifndef FCGI_ORIGIN_H
#define FCGI_ORIGIN_H

#include "fcgi/request_read.h"
#include "sockjs/net_address.h"
#include "sockjs/trusted_proxies.h"
#include "wire/connection_info.h"

#include <stddef.h>

/* source points into its origin, which must not be moved, and borrows from the request. */
struct origin {
	struct connection_source source;
	union net_address client, local;
};

/*
 * Sets cgi->client and is_named, and in cgi->head whether the request came from a trusted proxy:
 * whom the web server has for its client, REMOTE_ADDR, is the client, or the nearest proxy.
 */
void origin_find_client(struct cgi_request *cgi, const struct trusted_proxies *trusted);

/*
 * prefix_len: bytes of the request's path that belong to the service. more_headers: its option
 * `headers`.
 */
void origin_of(const struct cgi_request *cgi, size_t prefix_len, const char *more_headers,
    struct origin *origin);

#endif
