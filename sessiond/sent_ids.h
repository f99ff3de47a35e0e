/*
 * The sends a session has taken lately, by the ids that survive a retry, so that one that is sent again is not delivered again.
 */
#ifndef SESSIOND_SENT_IDS_H
#define SESSIOND_SENT_IDS_H

#include <stdbool.h>
#include <stdint.h>

struct sent_ids;

/*
 * Remembers a send; true if it was remembered already. The last SENT_IDS_KEPT are: a client has one send under way at a time, and a
 * responder sends again only what it has no answer for. *ids is NULL at first, and is made then. Aborts without memory.
 */
#define SENT_IDS_KEPT 16
bool sent_ids_add(struct sent_ids **ids, uint64_t instance, uint64_t sequence);

/* Sets *ids NULL; takes NULL. */
void sent_ids_destroy(struct sent_ids **ids);

#endif
