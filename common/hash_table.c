/*
 * See hash_table.h. The table doubles when it has as many entries as buckets.
 */
#include "common/hash_table.h"

#include "common/hash.h"
#include "common/memory.h"
#include "common/random.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_ROOM 64

void
hash_table_init(struct hash_table *table)
{
	table->buckets = NULL;
	table->count = table->room = 0;
	random_bytes(table->secret, sizeof table->secret);
}

void
hash_table_clear(struct hash_table *table)
{
	free(table->buckets);
	table->buckets = NULL;
	table->count = table->room = 0;
}

static struct hash_bucket *
bucket_of(const struct hash_table *table, const void *key, size_t len)
{
	return &table->buckets[hash_bytes(key, len, table->secret) & (table->room - 1)];
}

struct hash_entry *
hash_table_find(const struct hash_table *table, const void *key, size_t len)
{
	struct hash_entry *entry;

	if (table->room == 0)
		return NULL;
	SLIST_FOREACH(entry, bucket_of(table, key, len), next)
		if (entry->len == len && memcmp(entry->key, key, len) == 0)
			break;
	return entry;
}

static void
insert(struct hash_table *table, struct hash_entry *entry)
{
	SLIST_INSERT_HEAD(bucket_of(table, entry->key, entry->len), entry, next);
}

static void
grow(struct hash_table *table)
{
	struct hash_bucket *old = table->buckets;
	size_t i, old_room = table->room;

	table->room = old_room == 0 ? FIRST_ROOM : old_room * 2;
	table->buckets = xcalloc(table->room, sizeof *table->buckets);
	for (i = 0; i < old_room; i++)
		while (!SLIST_EMPTY(&old[i])) {
			struct hash_entry *entry = SLIST_FIRST(&old[i]);

			SLIST_REMOVE_HEAD(&old[i], next);
			insert(table, entry);
		}
	free(old);
}

void
hash_table_add(struct hash_table *table, struct hash_entry *entry)
{
	if (table->count == table->room)
		grow(table);
	insert(table, entry);
	table->count++;
}

void
hash_table_remove(struct hash_table *table, struct hash_entry *entry)
{
	SLIST_REMOVE(bucket_of(table, entry->key, entry->len), entry, hash_entry, next);
	table->count--;
}
