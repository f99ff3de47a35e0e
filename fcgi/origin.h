/*
 * Where a request comes from, as the CGI variables say it.
 */
#ifndef FCGI_ORIGIN_H
#define FCGI_ORIGIN_H

#include "wire/connection_info.h"

#include <netinet/in.h>

struct request;

union origin_address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/* source points into its origin, and borrows from the request. */
struct origin {
	struct connection_source source;
	union origin_address peer, local;
};

void origin_of(const struct request *request, struct origin *origin);

#endif
