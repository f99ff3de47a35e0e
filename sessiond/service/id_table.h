/*
 * The sessions of a service by their ids, which peers choose: a hash table with a secret key. It
 * knows only the entries, which are embedded in what is to be found (container_of).
 */
#ifndef SESSIOND_ID_TABLE_H
#define SESSIOND_ID_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include <sys/queue.h>

struct id_entry {
	SLIST_ENTRY(id_entry) next; /* of its bucket's */
	const char *id;		    /* len bytes, which the entry's owner keeps */
	size_t len;
};

SLIST_HEAD(id_bucket, id_entry);

struct id_table {
	struct id_bucket *buckets;
	size_t count, room; /* room is a power of two, or 0 */
	uint64_t key[2];
};

/* Makes an empty table with a new secret key. */
void id_table_init(struct id_table *table);

/* Frees the buckets; the entries are not touched. */
void id_table_clear(struct id_table *table);

/* The entry of that id, NULL if there is none. */
struct id_entry *id_table_find(const struct id_table *table, const char *id, size_t len);

/* Adds an entry whose id is not in the table. Aborts without memory for the buckets. */
void id_table_add(struct id_table *table, struct id_entry *entry);

/* Removes an entry that is in the table. */
void id_table_remove(struct id_table *table, struct id_entry *entry);

#endif
