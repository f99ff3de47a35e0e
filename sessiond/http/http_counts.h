/*
 * Requests by what they asked for and how they were answered, since the start of the daemon.
 */
#ifndef SESSIOND_HTTP_COUNTS_H
#define SESSIOND_HTTP_COUNTS_H

#include "sockjs/route.h"

#include <stdint.h>

enum { HTTP_COUNTED_STATUSES = 600 };

struct http_counts {
	uint64_t answered[ENDPOINT_KINDS][HTTP_COUNTED_STATUSES]; /* by endpoint_kind() */
};

#endif
