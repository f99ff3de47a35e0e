/*
 * See responder_counts.h.
 */
#include "sessiond/responder/responder_counts.h"

#include "wire/wire_counts.h"

#include <stddef.h>

_Static_assert((int)WIRE_STATUS_MOST < (int)HTTP_COUNTED_STATUSES, "each has a place");

int
responder_counts_take(
    struct responder_counts *counts, const struct wire_header *header, const char *payload)
{
	struct wire_counts told;

	if (wire_decode_counts(header, payload, &told) == -1)
		return -1;
	for (size_t i = 0; i < told.count; i++)
		counts->requests.answered[told.list[i].endpoint][told.list[i].status] +=
		    told.list[i].requests;
	counts->lines_dropped += told.lines_dropped;
	return 0;
}
