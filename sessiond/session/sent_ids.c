/*
 * See sent_ids.h. A ring.
 */
#include "sessiond/session/sent_ids.h"

#include "common/memory.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

struct sent_ids {
	unsigned next, count;
	struct {
		uint64_t instance, sequence;
	} entries[SENT_IDS_KEPT];
};

bool
sent_ids_has(const struct sent_ids *ids, uint64_t instance, uint64_t sequence)
{
	unsigned i;

	for (i = 0; ids != NULL && i < ids->count; i++)
		if (ids->entries[i].instance == instance && ids->entries[i].sequence == sequence)
			return true;
	return false;
}

void
sent_ids_add(struct sent_ids **ids, uint64_t instance, uint64_t sequence)
{
	struct sent_ids *s = *ids;

	if (s == NULL)
		s = *ids = xcalloc(1, sizeof *s);
	s->entries[s->next].instance = instance;
	s->entries[s->next].sequence = sequence;
	s->next = (s->next + 1) % SENT_IDS_KEPT;
	if (s->count < SENT_IDS_KEPT)
		s->count++;
}

const void *
sent_ids_bytes(const struct sent_ids *ids, size_t *len)
{
	*len = ids == NULL
	    ? 0
	    : offsetof(struct sent_ids, entries) + ids->count * sizeof ids->entries[0];
	return ids;
}

struct sent_ids *
sent_ids_from_bytes(const void *bytes, size_t len)
{
	struct sent_ids *ids;
	size_t kept;

	if (len <= offsetof(struct sent_ids, entries) || len > sizeof *ids)
		return NULL;
	ids = xcalloc(1, sizeof *ids);
	memcpy(ids, bytes, len);
	sent_ids_bytes(ids, &kept);
	if (ids->count > SENT_IDS_KEPT || ids->next >= SENT_IDS_KEPT || kept != len)
		sent_ids_destroy(&ids);
	return ids;
}

void
sent_ids_destroy(struct sent_ids **ids)
{
	free(*ids);
	*ids = NULL;
}
