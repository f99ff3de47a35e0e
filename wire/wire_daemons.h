/*
 * The messages of the local socket that there are because several daemons may run on one
 * configuration. As wire_messages.h has the others.
 */
#ifndef WIRE_WIRE_DAEMONS_H
#define WIRE_WIRE_DAEMONS_H

#include "wire/wire.h"

#include <stddef.h>
#include <stdint.h>

/* --- DAEMONS (daemon to responder) ------------------------------------------------------------ */

struct wire_daemons {
	unsigned index; /* of the daemon that says it, below count */
	unsigned count; /* at least 1 */
};

void wire_encode_daemons(struct buffer *out, const struct wire_daemons *daemons);
int wire_decode_daemons(
    const struct wire_header *header, const char *payload, struct wire_daemons *daemons);

/* --- HANDOVER, TAKEN (among daemons) ---------------------------------------------------------- */

enum { WIRE_HANDOVER_MAX = 1 << 20 }; /* bytes that were read of a connection */

/*
 * The payload is what was read of a client's connection, at least a byte. Its descriptor leaves
 * with the message (link_send_descriptor). Returns 0, or -1 if that is too long.
 */
int wire_encode_handover(struct buffer *out, uint64_t request, const char *bytes, size_t len);

/* That connection is the other daemon's now. */
void wire_encode_taken(struct buffer *out, uint64_t request);
int wire_decode_taken(const struct wire_header *header, const char *payload);

#endif
