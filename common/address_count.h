/*
 * How many sessions each client address has, for sessions_per_address.
 */
#ifndef SESSIOND_ADDRESS_COUNT_H
#define SESSIOND_ADDRESS_COUNT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct address_entry;

/* One address's count; lives as long as one of its sessions does. */
struct address_count {
	struct address_entry **buckets;
	size_t count, room;
	uint64_t key[2];
};

void address_count_init(struct address_count *table);
void address_count_clear(struct address_count *table);

/*
 * The sessions of an address. IPv6: of its /64, which is one subscriber's. NULL and Unix sockets
 * are one address.
 */
uint32_t address_count_get(const struct address_count *table, const struct sockaddr *address);

/* One more; what is returned is for address_count_drop. Aborts without memory. */
struct address_entry *
address_count_add(struct address_count *table, const struct sockaddr *address);

/* One less. Takes NULL. */
void address_count_drop(struct address_count *table, struct address_entry *entry);

#endif
