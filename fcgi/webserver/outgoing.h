/*
 * What is to be written of a response: records of standard output, composed where they leave from.
 * Pure.
 */
#ifndef FCGI_OUTGOING_H
#define FCGI_OUTGOING_H

#include "common/buffer.h"

#include <stddef.h>

/* All zero: nothing. */
struct outgoing {
	struct buffer bytes; /* whole records, but for an open one at the end */
	size_t open;	     /* where that one's content begins; 0: none is open */
};

/* What goes into the open record, to be appended to; opens one. */
struct buffer *outgoing_content(struct outgoing *outgoing);

/* Appends content, and closes the record. id: of the request. */
void outgoing_put(struct outgoing *outgoing, unsigned id, const char *content, size_t len);

/* Appends the end of the response. */
void outgoing_end(struct outgoing *outgoing, unsigned id);

#endif
