/*
 * Connections of workers in the store: each is a record, and each event that waits another.
 */
#ifndef SESSIOND_WORKER_STORE_H
#define SESSIOND_WORKER_STORE_H

#include "sessiond/persistence/persistence.h"
#include "sessiond/worker/worker_service.h"

#include <stddef.h>

struct sockjs_service;
struct stored_record;

struct worker_store {
	struct workers *all;
	struct persistence_part part; /* for persistence_add */
	/* While the store is read: those that were found, by their numbers. */
	struct worker_connection **items;
	size_t count, room;
	uint64_t last_event; /* the number of the last event of the last of them; 0: none */
	size_t forgotten;
};

/* Borrows all, which are to be kept from now on. */
void worker_store_init(struct worker_store *store, struct workers *all);

/*
 * After sessions_restore: connections that no session was resumed for have ended with the former
 * daemon, and their applications are told.
 */
void worker_store_end_restore(struct worker_store *store);

/*
 * The uuid of the session that a record of the kind STORE_WORKER belongs to, borrowed; NULL: none.
 */
const char *worker_store_uuid(const struct stored_record *record, size_t *len);

#endif
