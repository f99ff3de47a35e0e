/*
 * A store in memory, for tests: behaves as the one on the disk, and can be told to fail. No part of
 * the daemon.
 */
#ifndef SESSIOND_STORE_MEMORY_H
#define SESSIOND_STORE_MEMORY_H

#include "sessiond/store/store.h"

/*
 * An empty one. Aborts without memory, as everything here. Each transaction costs a copy of all
 * that is stored.
 */
struct store *store_memory_create(void);

/*
 * What is there after a crash: a store with all that was committed to *store, which is closed and
 * set NULL. A limit stays, a failure that was asked for does not.
 */
struct store *store_memory_reopen(struct store **store);

/*
 * Lets the nth call from now (1: the next) of store_begin, store_put_..., store_delete_... or
 * store_commit fail with that result, before it has any effect. Once; but after STORE_DAMAGED the
 * store stays damaged until store_replace. nth 0: takes that back.
 */
void store_memory_fail(struct store *store, unsigned nth, enum store_result result);

/* How many such calls there were. */
unsigned store_memory_calls(const struct store *store);

/*
 * Makes new sessions and messages STORE_FULL beyond so many bytes, as store_size counts them. At
 * first there is no limit.
 */
void store_memory_limit(struct store *store, uint64_t bytes);

#endif
