/*
 * See address_count.h. An entry goes with the last session of its address.
 */
#include "sessiond/limits/address_count.h"

#include "common/memory.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

void
address_count_init(struct address_count *addresses)
{
	hash_table_init(&addresses->table);
}

void
address_count_clear(struct address_count *addresses)
{
	hash_table_clear(&addresses->table);
}

/*
 * A /64 as it is; anything else begins as no client's address does (ff: multicast), so that the two
 * never meet.
 */
uint64_t
address_count_number(const struct sockaddr *address)
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

static struct address_entry *
find(const struct address_count *addresses, uint64_t address)
{
	struct hash_entry *entry = hash_table_find(&addresses->table, &address, sizeof address);

	return entry == NULL ? NULL : container_of(entry, struct address_entry, entry);
}

const struct address_entry *
address_count_find(const struct address_count *addresses, const struct sockaddr *address)
{
	return find(addresses, address_count_number(address));
}

uint32_t
address_count_get(const struct address_count *addresses, const struct sockaddr *address)
{
	const struct address_entry *entry = address_count_find(addresses, address);

	return entry == NULL ? 0 : entry->sessions;
}

struct address_entry *
address_count_add(struct address_count *addresses, const struct sockaddr *address)
{
	uint64_t number = address_count_number(address);
	struct address_entry *entry = find(addresses, number);

	if (entry == NULL) {
		entry = xcalloc(1, sizeof *entry);
		entry->address = number;
		entry->is_known = number != address_count_number(NULL);
		entry->entry.key = &entry->address;
		entry->entry.len = sizeof entry->address;
		hash_table_add(&addresses->table, &entry->entry);
	}
	entry->sessions++;
	return entry;
}

void
address_count_drop(struct address_count *addresses, struct address_entry *entry)
{
	if (entry == NULL || --entry->sessions > 0)
		return;
	hash_table_remove(&addresses->table, &entry->entry);
	free(entry);
}
