/*
 * See session_table.h. Doubles when there are as many sessions as buckets.
 */
#include "sessiond/service/id_table.h"

#include "common/hash.h"
#include "common/random.h"
#include "sessiond/session/session.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_ROOM 64

void
session_table_init(struct session_table *table)
{
	table->buckets = NULL;
	table->count = table->room = 0;
	random_bytes(table->key, sizeof table->key);
}

void
session_table_clear(struct session_table *table)
{
	free(table->buckets);
	table->buckets = NULL;
	table->count = table->room = 0;
}

static struct session **
bucket_of(const struct session_table *table, const char *id, size_t len)
{
	return &table->buckets[hash_bytes(id, len, table->key) & (table->room - 1)];
}

struct session *
session_table_find(const struct session_table *table, const char *id, size_t len)
{
	struct session *session;

	if (table->room == 0)
		return NULL;
	for (session = *bucket_of(table, id, len); session != NULL; session = session->hash_next)
		if (session->id_len == len && memcmp(session->id, id, len) == 0)
			return session;
	return NULL;
}

static void
insert(struct session_table *table, struct session *session)
{
	struct session **bucket = bucket_of(table, session->id, session->id_len);

	session->hash_next = *bucket;
	*bucket = session;
}

static void
grow(struct session_table *table)
{
	struct session **old = table->buckets;
	size_t i, old_room = table->room;

	table->room = old_room == 0 ? FIRST_ROOM : old_room * 2;
	table->buckets = calloc(table->room, sizeof *table->buckets);
	if (table->buckets == NULL)
		abort();
	for (i = 0; i < old_room; i++) {
		struct session *session, *next;

		for (session = old[i]; session != NULL; session = next) {
			next = session->hash_next;
			insert(table, session);
		}
	}
	free(old);
}

void
session_table_add(struct session_table *table, struct session *session)
{
	if (table->count == table->room)
		grow(table);
	insert(table, session);
	table->count++;
}

void
session_table_remove(struct session_table *table, struct session *session)
{
	struct session **link = bucket_of(table, session->id, session->id_len);

	while (*link != session)
		link = &(*link)->hash_next;
	*link = session->hash_next;
	session->hash_next = NULL;
	table->count--;
}
