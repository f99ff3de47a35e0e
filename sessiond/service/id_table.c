/*
 * See id_table.h. The table doubles when it has as many entries as buckets.
 */
#include "sessiond/service/id_table.h"

#include "common/hash.h"
#include "common/memory.h"
#include "common/random.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_ROOM 64

void
id_table_init(struct id_table *table)
{
	table->buckets = NULL;
	table->count = table->room = 0;
	random_bytes(table->key, sizeof table->key);
}

void
id_table_clear(struct id_table *table)
{
	free(table->buckets);
	table->buckets = NULL;
	table->count = table->room = 0;
}

static struct id_bucket *
bucket_of(const struct id_table *table, const char *id, size_t len)
{
	return &table->buckets[hash_bytes(id, len, table->key) & (table->room - 1)];
}

struct id_entry *
id_table_find(const struct id_table *table, const char *id, size_t len)
{
	struct id_entry *entry;

	if (table->room == 0)
		return NULL;
	SLIST_FOREACH(entry, bucket_of(table, id, len), next)
		if (entry->len == len && memcmp(entry->id, id, len) == 0)
			break;
	return entry;
}

static void
insert(struct id_table *table, struct id_entry *entry)
{
	SLIST_INSERT_HEAD(bucket_of(table, entry->id, entry->len), entry, next);
}

static void
grow(struct id_table *table)
{
	struct id_bucket *old = table->buckets;
	size_t i, old_room = table->room;

	table->room = old_room == 0 ? FIRST_ROOM : old_room * 2;
	table->buckets = xcalloc(table->room, sizeof *table->buckets);
	for (i = 0; i < old_room; i++)
		while (!SLIST_EMPTY(&old[i])) {
			struct id_entry *entry = SLIST_FIRST(&old[i]);

			SLIST_REMOVE_HEAD(&old[i], next);
			insert(table, entry);
		}
	free(old);
}

void
id_table_add(struct id_table *table, struct id_entry *entry)
{
	if (table->count == table->room)
		grow(table);
	insert(table, entry);
	table->count++;
}

void
id_table_remove(struct id_table *table, struct id_entry *entry)
{
	SLIST_REMOVE(bucket_of(table, entry->id, entry->len), entry, id_entry, next);
	table->count--;
}
