/*
 * The request that a session's receiver came by, as a part of the local socket's messages: struct
 * connection_source, encoded and decoded.
 */
#ifndef WIRE_SOURCE_H
#define WIRE_SOURCE_H

#include "sockjs/net_address.h"
#include "wire/connection_info.h"
#include "wire/wire.h"

#include <stddef.h>

#define WIRE_HEADERS_MAX 32

/*
 * A source as it was decoded. Borrows from the payload, and points into itself: it must not be
 * copied or moved while .source is used, which is what connection_info_create takes. .source.header
 * finds names in any case.
 */
struct wire_source {
	struct connection_source source;
	union net_address peer, local;
	size_t header_count;
	struct wire_source_header {
		const char *name, *value;
		size_t name_len, value_len;
	} headers[WIRE_HEADERS_MAX];
};

/*
 * Appends the fields of source. header_names: which headers are asked of it, besides more_headers,
 * and sent if they are there (connection_header_names); NULL-terminated. Returns 0, or -1 with a
 * string longer than WIRE_STRING_MAX, a prefix_len greater than the path, or more than
 * WIRE_HEADERS_MAX headers: the caller then cancels the message.
 */
int wire_put_source(
    struct buffer *out, const struct connection_source *source, const char *const *header_names);

/* Reads them. If the reader has failed, *source holds nothing that may be used. */
void wire_get_source(struct wire_reader *reader, struct wire_source *source);

#endif
