/*
 * What responders tell of the requests that they have answered, added up over all of them since the
 * start of the daemon.
 */
#ifndef SESSIOND_RESPONDER_COUNTS_H
#define SESSIOND_RESPONDER_COUNTS_H

#include "sessiond/http/http_counts.h"
#include "wire/wire.h"

#include <stdint.h>

/* Zeros to begin with. */
struct responder_counts {
	struct http_counts requests;
	uint64_t lines_dropped; /* that are not in their logs */
};

/* Adds a message COUNTS. Returns 0; -1 if it is not as it has to be: nothing was added. */
int responder_counts_take(
    struct responder_counts *counts, const struct wire_header *header, const char *payload);

#endif
