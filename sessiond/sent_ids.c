/*
 * See sent_ids.h. A ring; called for each send that comes through a responder.
 */
#include "sessiond/sent_ids.h"

#include <stdlib.h>

struct sent_ids {
	unsigned next, count;
	struct {
		uint64_t instance, sequence;
	} entries[SENT_IDS_KEPT];
};

bool
sent_ids_add(struct sent_ids **ids, uint64_t instance, uint64_t sequence)
{
	struct sent_ids *s = *ids;
	unsigned i;

	if (s == NULL)
		s = *ids = calloc(1, sizeof *s);
	if (s == NULL)
		abort();
	for (i = 0; i < s->count; i++)
		if (s->entries[i].instance == instance && s->entries[i].sequence == sequence)
			return true;
	s->entries[s->next].instance = instance;
	s->entries[s->next].sequence = sequence;
	s->next = (s->next + 1) % SENT_IDS_KEPT;
	if (s->count < SENT_IDS_KEPT)
		s->count++;
	return false;
}

void
sent_ids_destroy(struct sent_ids **ids)
{
	free(*ids);
	*ids = NULL;
}
