/*
 * Handles of connections, given to applications: small numbers that find their session in one step
 * and are never valid again once the session is gone, however long an application keeps them.
 */
#ifndef SESSIOND_HANDLE_TABLE_H
#define SESSIOND_HANDLE_TABLE_H

#include <stdbool.h>
#include <stdint.h>

struct handle_slot;

struct handle_table {
	struct handle_slot *slots;
	uint32_t count, room;
	uint32_t first_free; /* index + 1; 0: none */
};

/* A new handle (never 0) for object. Aborts without memory. */
uint64_t handle_table_add(struct handle_table *table, void *object);

/* The object of a handle; NULL if it was removed or never was one. */
void *handle_table_find(const struct handle_table *table, uint64_t handle);

/* Makes the handle invalid for ever. */
void handle_table_remove(struct handle_table *table, uint64_t handle);

/* Calls fn with each object and context; fn may remove any handle, and must add none. */
void handle_table_each(
    const struct handle_table *table, void (*fn)(void *object, void *context), void *context);

/*
 * The same with those in the next n places from *place (0: the first), which it moves behind them.
 * False: these were the last. An object keeps its place, so it is met once.
 */
bool handle_table_some(const struct handle_table *table, uint32_t *place, uint32_t n,
    void (*fn)(void *object, void *context), void *context);

/* Frees the table's storage; the objects are not touched. */
void handle_table_clear(struct handle_table *table);

#endif
