/*
 * The sessions of a service by their ids, which peers choose: a hash table with a secret key.
 */
#ifndef SESSIOND_SESSION_TABLE_H
#define SESSIOND_SESSION_TABLE_H

#include <stddef.h>
#include <stdint.h>

struct session;

struct session_table {
	struct session **buckets; /* chained through session.hash_next */
	size_t count, room;	  /* room is a power of two, or 0 */
	uint64_t key[2];
};

/* Makes an empty table with a new secret key. */
void session_table_init(struct session_table *table);

/* Frees the buckets; the sessions are not touched. */
void session_table_clear(struct session_table *table);

/* The session of that id, NULL if there is none. */
struct session *session_table_find(const struct session_table *table, const char *id, size_t len);

/* Adds a session, whose id must not be in the table. Aborts without memory for the buckets. */
void session_table_add(struct session_table *table, struct session *session);

/* Removes a session that is in the table. */
void session_table_remove(struct session_table *table, struct session *session);

#endif
