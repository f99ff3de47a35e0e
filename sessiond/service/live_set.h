/*
 * Sets of pointers that may be followed: what applications hold (services, groups, timers) is
 * looked up here first, so that a pointer kept too long is refused instead of followed. A newer
 * object at the same address cannot be told apart.
 *
 * Not a hash_table: a service is in several sets at once, and a pointer that is asked about may
 * lead nowhere, so no entry can be embedded in what is found.
 */
#ifndef SESSIOND_LIVE_SET_H
#define SESSIOND_LIVE_SET_H

#include <stdbool.h>
#include <stddef.h>

/* All zero bytes: the empty set, which has no storage. Not locked. */
struct live_set {
	const void **slots; /* NULL: free */
	size_t count, room; /* room: 0 or a power of two */
};

/* pointer must not be NULL, nor in the set. Aborts without memory. */
void live_set_add(struct live_set *set, const void *pointer);

bool live_set_has(const struct live_set *set, const void *pointer);

/* The pointer must be in the set. The last one that goes frees the storage. */
void live_set_remove(struct live_set *set, const void *pointer);

#endif
