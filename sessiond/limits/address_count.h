/*
 * How many sessions each address has, for sessions_per_address, and what they take of the store,
 * for store_address_limit. A second set counts the connections of each address, for
 * connections_per_address: "session" in this file is then a connection.
 */
#ifndef SESSIOND_ADDRESS_COUNT_H
#define SESSIOND_ADDRESS_COUNT_H

#include "common/hash_table.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/* Lives as long as one of its address's sessions does. */
struct address_entry {
	uint64_t stored;   /* bytes of the store; its sessions add and subtract */
	uint32_t sessions; /* the rest is read-only, and the last two are private */
	bool is_known;	   /* false: of everybody whose address is unknown */
	uint64_t address;
	struct hash_entry entry;
};

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

/* The entry of an address; NULL if it has no sessions. */
const struct address_entry *
address_count_find(const struct address_count *addresses, const struct sockaddr *address);

/* One more; what is returned is for address_count_drop. Aborts without memory. */
struct address_entry *
address_count_add(struct address_count *addresses, const struct sockaddr *address);

/* One less. Takes NULL. */
void address_count_drop(struct address_count *addresses, struct address_entry *entry);

#endif
