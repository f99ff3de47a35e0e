/*
 * A hash table for keys that peers choose: the key of its hash is secret. It knows only entries,
 * which are embedded in what is to be found (container_of).
 */
#ifndef COMMON_HASH_TABLE_H
#define COMMON_HASH_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include <sys/queue.h>

struct hash_entry {
	SLIST_ENTRY(hash_entry) next; /* of its bucket's */
	const void *key;	      /* len bytes, which the entry's owner keeps */
	size_t len;
};

SLIST_HEAD(hash_bucket, hash_entry);

struct hash_table {
	struct hash_bucket *buckets;
	size_t count, room; /* room is a power of two, or 0 */
	uint64_t secret[2];
};

/* Makes an empty table with a secret of its own. */
void hash_table_init(struct hash_table *table);

/* Frees the buckets; the entries are not touched. */
void hash_table_clear(struct hash_table *table);

/* The entry with that key of len bytes; NULL if there is none. */
struct hash_entry *hash_table_find(const struct hash_table *table, const void *key, size_t len);

/* Adds an entry whose key is not in the table. Aborts without memory for the buckets. */
void hash_table_add(struct hash_table *table, struct hash_entry *entry);

/* Removes an entry that is in the table. */
void hash_table_remove(struct hash_table *table, struct hash_entry *entry);

#endif
