/*
 * See address_count.h. A chained hash table with a secret key; entries go with their last session.
 */
#include "common/address_count.h"

#include "common/hash.h"
#include "common/random.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_ROOM 64

struct address_entry {
	struct address_entry *next;
	uint64_t address;
	uint32_t sessions;
};

void
address_count_init(struct address_count *table)
{
	*table = (struct address_count){NULL, 0, 0, {0, 0}};
	random_bytes(table->key, sizeof table->key);
}

void
address_count_clear(struct address_count *table)
{
	free(table->buckets);
	table->buckets = NULL;
	table->count = table->room = 0;
}

/*
 * A /64 as it is; anything else begins as no client's address does (ff: multicast), so that the two
 * never meet.
 */
static uint64_t
number_of(const struct sockaddr *address)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)address;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)address;
	uint8_t bytes[8] = {0xff};
	uint64_t number;

	if (address != NULL && address->sa_family == AF_INET) {
		bytes[1] = 4;
		memcpy(bytes + 4, &v4->sin_addr, 4);
	} else if (address != NULL && address->sa_family == AF_INET6 &&
	    IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
		bytes[1] = 4;
		memcpy(bytes + 4, v6->sin6_addr.s6_addr + 12, 4);
	} else if (address != NULL && address->sa_family == AF_INET6) {
		memcpy(bytes, v6->sin6_addr.s6_addr, sizeof bytes);
	}
	memcpy(&number, bytes, sizeof number);
	return number;
}

static struct address_entry **
bucket_of(const struct address_count *table, uint64_t address)
{
	return &table
		    ->buckets[hash_bytes(&address, sizeof address, table->key) & (table->room - 1)];
}

static struct address_entry *
find(const struct address_count *table, uint64_t address)
{
	struct address_entry *entry = table->room == 0 ? NULL : *bucket_of(table, address);

	while (entry != NULL && entry->address != address)
		entry = entry->next;
	return entry;
}

uint32_t
address_count_get(const struct address_count *table, const struct sockaddr *address)
{
	struct address_entry *entry = find(table, number_of(address));

	return entry == NULL ? 0 : entry->sessions;
}

static void
insert(struct address_count *table, struct address_entry *entry)
{
	struct address_entry **bucket = bucket_of(table, entry->address);

	entry->next = *bucket;
	*bucket = entry;
}

static void
grow(struct address_count *table)
{
	struct address_entry **old = table->buckets, *entry, *next;
	size_t i, old_room = table->room;

	table->room = old_room == 0 ? FIRST_ROOM : old_room * 2;
	table->buckets = calloc(table->room, sizeof(struct address_entry *));
	if (table->buckets == NULL)
		abort();
	for (i = 0; i < old_room; i++) {
		for (entry = old[i]; entry != NULL; entry = next) {
			next = entry->next;
			insert(table, entry);
		}
	}
	free(old);
}

struct address_entry *
address_count_add(struct address_count *table, const struct sockaddr *address)
{
	uint64_t number = number_of(address);
	struct address_entry *entry = find(table, number);

	if (entry == NULL) {
		if (table->count == table->room)
			grow(table);
		entry = calloc(1, sizeof *entry);
		if (entry == NULL)
			abort();
		entry->address = number;
		insert(table, entry);
		table->count++;
	}
	entry->sessions++;
	return entry;
}

void
address_count_drop(struct address_count *table, struct address_entry *entry)
{
	struct address_entry **link;

	if (entry == NULL || --entry->sessions > 0)
		return;
	link = bucket_of(table, entry->address);
	while (*link != entry)
		link = &(*link)->next;
	*link = entry->next;
	free(entry);
	table->count--;
}
