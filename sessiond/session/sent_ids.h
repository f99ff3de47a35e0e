/*
 * The ids of the sends that a session has taken lately. A responder repeats a send whose answer it
 * has not seen, with the same id; it is then not delivered a second time.
 *
 * Without them (doc/model/local-socket.pml, NO_SEND_IDS): the daemon stores what a send caused and
 * dies before its SENT is read; the responder repeats it, and the client gets the message twice.
 */
#ifndef SESSIOND_SENT_IDS_H
#define SESSIOND_SENT_IDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sent_ids;

/*
 * How many are kept. A client has one send under way at a time, and a responder repeats only what
 * it has no answer for.
 */
#define SENT_IDS_KEPT 16

/* True if the send was remembered. ids may be NULL. */
bool sent_ids_has(const struct sent_ids *ids, uint64_t instance, uint64_t sequence);

/*
 * Remembers a send that was not remembered. *ids is NULL before the first. Aborts without memory.
 */
void sent_ids_add(struct sent_ids **ids, uint64_t instance, uint64_t sequence);

/* The same as bytes, for a later daemon on this machine; borrowed. NULL and 0 if there are none. */
const void *sent_ids_bytes(const struct sent_ids *ids, size_t *len);

/* Made anew from a copy of such bytes; NULL if they are none. Aborts without memory. */
struct sent_ids *sent_ids_from_bytes(const void *bytes, size_t len);

/* Sets *ids NULL; takes NULL. */
void sent_ids_destroy(struct sent_ids **ids);

#endif
