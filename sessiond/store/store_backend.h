/*
 * What store.c and the backends of the store share. A backend's type begins with a struct store.
 * The functions are those of store.h with the same names. store.c checks arguments, and knows
 * whether there is a transaction: it calls begin without one, put_..., delete_... and commit within
 * one, and rollback after whatever failed.
 */
#ifndef SESSIOND_STORE_BACKEND_H
#define SESSIOND_STORE_BACKEND_H

#include "common/error.h"
#include "sessiond/store/store_types.h"

#include <stdbool.h>

struct store_backend {
	void (*close)(struct store *store); /* frees it */
	enum store_result (*load)(struct store *store, const struct store_loader *loader);
	enum store_result (*begin)(struct store *store);
	enum store_result (*put_session)(struct store *store, const struct stored_session *session);
	enum store_result (*put_delivery)(
	    struct store *store, uint64_t key, const struct stored_delivery *delivery);
	enum store_result (*put_message)(
	    struct store *store, uint64_t key, uint64_t position, const char *data, size_t len);
	enum store_result (*delete_messages)(struct store *store, uint64_t key, uint64_t last);
	enum store_result (*delete_session)(struct store *store, uint64_t key);
	enum store_result (*put_record)(struct store *store, const struct stored_record *record);
	enum store_result (*delete_records)(struct store *store, enum store_kind kind,
	    uint64_t number, uint64_t first, uint64_t last);
	enum store_result (*commit)(struct store *store);
	void (*rollback)(struct store *store); /* keeps the error's text */
	enum store_result (*replace)(struct store *store);
	bool (*tidy)(struct store *store);
	uint64_t (*size)(const struct store *store);
};

/* Transactions since the store was opened. */
struct store_counts {
	uint64_t committed, failed;
	uint64_t nanoseconds; /* from their begin to their end */
};

struct store {
	const struct store_backend *backend;
	bool in_transaction;
	uint64_t begun; /* ns: the transaction */
	struct store_counts counts;
	struct error error; /* its text is store_error's; store_fail sets it */
};

/* Records the text and returns result. */
enum store_result store_fail(struct store *store, enum store_result result, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
