/*
 * Where a request comes from, as the web server's variables tell it.
 */
#ifndef FCGI_ORIGIN_H
#define FCGI_ORIGIN_H

#include "fcgi/request_read.h"
#include "wire/connection_info.h"

#include <netinet/in.h>
#include <stddef.h>

union origin_address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/* source points into its origin, which must not be moved, and borrows from the request. */
struct origin {
	struct connection_source source;
	union origin_address peer, local;
};

/* prefix_len: bytes of the request's path that belong to the service. */
void origin_of(const struct cgi_request *cgi, size_t prefix_len, struct origin *origin);

#endif
