/*
 * Channels in the store: each is a record, each message of a history another, and each subscriber
 * that is stored.
 */
#ifndef SESSIOND_CHANNEL_STORE_H
#define SESSIOND_CHANNEL_STORE_H

#include "sessiond/persistence/persistence.h"

#include <stddef.h>
#include <stdint.h>

struct channel;
struct channels;
struct sockjs_service;
struct stored_record;

/* Two may be one: of a service whose module was replaced, before it had ended. */
struct restored_channel {
	uint64_t number;
	struct channel *channel;
};

struct channel_store {
	struct channels *channels;
	struct persistence_part part; /* for persistence_add */
	/* While the store is read: the services there are, and the channels that were found. */
	struct sockjs_service *const *services;
	size_t service_count;
	struct restored_channel *items; /* by their numbers */
	size_t count, room;
};

/* Borrows the channels, which are to be kept from now on. */
void channel_store_init(struct channel_store *store, struct channels *channels);

/*
 * Before sessions_restore, and after it: channels of these services go on, with what was published
 * and their subscribers. Those of others are deleted.
 */
void channel_store_begin_restore(
    struct channel_store *store, struct sockjs_service *const *services, size_t count);
void channel_store_end_restore(struct channel_store *store);

/*
 * What a record of the kind STORE_CHANNEL and that of no other channel has, borrowed: its service
 * and its name. What is behind is of its daemon's part of it alone. NULL: it is none.
 */
const char *channel_store_name(const struct stored_record *record, size_t *len);

#endif
