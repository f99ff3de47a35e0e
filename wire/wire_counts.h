/*
 * COUNTS (responder to daemon): the requests that a responder has answered, by endpoint and status,
 * since its last COUNTS.
 */
#ifndef WIRE_WIRE_COUNTS_H
#define WIRE_WIRE_COUNTS_H

#include "common/buffer.h"
#include "sockjs/route.h"
#include "wire/wire.h"

#include <stddef.h>
#include <stdint.h>

enum {
	WIRE_COUNTS_MAX = 256, /* entries of one message */
	WIRE_STATUS_LEAST = 100,
	WIRE_STATUS_MOST = 599,
};

struct wire_count {
	uint8_t endpoint; /* endpoint_kind() */
	uint16_t status;  /* of HTTP */
	uint32_t requests;
};

struct wire_counts {
	uint32_t lines_dropped; /* of the log */
	size_t count;
	struct wire_count list[WIRE_COUNTS_MAX];
};

/* As those of wire_messages.h. A pair of endpoint and status may occur more than once. */
void wire_encode_counts(struct buffer *out, const struct wire_counts *counts);
int wire_decode_counts(
    const struct wire_header *header, const char *payload, struct wire_counts *counts);

#endif
