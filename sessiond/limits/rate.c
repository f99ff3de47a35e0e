/* See rate.h. */
#include "sessiond/limits/rate.h"

#include "common/memory.h"

#include <stdlib.h>

enum { US_A_SECOND = 1000000, US_A_MS = 1000 };

struct rate_entry {
	struct hash_entry by_address;
	TAILQ_ENTRY(rate_entry) entry;
	uint64_t address;
	struct rate_points points;
};

bool
rates_are_set(const struct rates *rates)
{
	size_t i;

	for (i = 0; i < RATE_KINDS; i++)
		if (rates->a_second[i] > 0)
			return true;
	return false;
}

bool
rate_take(const struct rates *rates, struct rate_points *points, enum rate_kind kind, size_t n,
    uint64_t now)
{
	uint32_t a_second = rates->a_second[kind];
	uint64_t at = points->at[kind], us = now * US_A_MS;

	if (a_second == 0)
		return true;
	if (at < us)
		at = us;
	/* A single one is let through after quiet, however low the rate. */
	at += n * US_A_SECOND / a_second;
	if (at > us + (uint64_t)RATE_BURST_S * US_A_SECOND)
		return false;
	points->at[kind] = at;
	return true;
}

/* --- addresses -------------------------------------------------------------------------------- */

void
rate_table_init(struct rate_table *rates)
{
	hash_table_init(&rates->table);
	TAILQ_INIT(&rates->entries);
	rates->count = 0;
}

static void
drop_first(struct rate_table *rates)
{
	struct rate_entry *first = TAILQ_FIRST(&rates->entries);

	TAILQ_REMOVE(&rates->entries, first, entry);
	hash_table_remove(&rates->table, &first->by_address);
	free(first);
	rates->count--;
}

void
rate_table_clear(struct rate_table *rates)
{
	while (rates->count > 0)
		drop_first(rates);
	hash_table_clear(&rates->table);
}

static struct rate_entry *
add(struct rate_table *rates, uint64_t address)
{
	struct rate_entry *added = xcalloc(1, sizeof *added);

	if (rates->count == RATE_ADDRESSES_MAX)
		drop_first(rates);
	added->address = address;
	added->by_address.key = &added->address;
	added->by_address.len = sizeof added->address;
	hash_table_add(&rates->table, &added->by_address);
	rates->count++;
	return added;
}

struct rate_points *
rate_table_find(struct rate_table *rates, uint64_t address)
{
	struct hash_entry *found = hash_table_find(&rates->table, &address, sizeof address);
	struct rate_entry *entry;

	if (found == NULL) {
		entry = add(rates, address);
	} else {
		entry = container_of(found, struct rate_entry, by_address);
		TAILQ_REMOVE(&rates->entries, entry, entry);
	}
	TAILQ_INSERT_TAIL(&rates->entries, entry, entry);
	return &entry->points;
}

const struct rate_points *
rate_table_peek(const struct rate_table *rates, uint64_t address)
{
	struct hash_entry *found = hash_table_find(&rates->table, &address, sizeof address);

	return found == NULL ? NULL : &container_of(found, struct rate_entry, by_address)->points;
}
