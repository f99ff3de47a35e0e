/*
 * How many sessions each client address has, for sessions_per_address.
 */
#ifndef COMMON_ADDRESS_COUNT_H
#define COMMON_ADDRESS_COUNT_H

#include "common/hash_table.h"

#include <stdint.h>
#include <sys/socket.h>

struct address_entry;

/* An entry lives as long as one of its address's sessions does. */
struct address_count {
	struct hash_table table;
};

void address_count_init(struct address_count *addresses);
void address_count_clear(struct address_count *addresses);

/*
 * The sessions of an address. IPv6: of its /64, which is one subscriber's. NULL and Unix sockets
 * are one address.
 */
uint32_t address_count_get(const struct address_count *addresses, const struct sockaddr *address);

/* What an address is told from others by: IPv6 ones of a /64 have the same number. */
uint64_t address_count_number(const struct sockaddr *address);

/* One more; what is returned is for address_count_drop. Aborts without memory. */
struct address_entry *
address_count_add(struct address_count *addresses, const struct sockaddr *address);

/* One less. Takes NULL. */
void address_count_drop(struct address_count *addresses, struct address_entry *entry);

#endif
