/*
 * See store.h. Checks each call, then passes it on to the backend. What a transaction is and how it
 * ends is the same for all backends, so it is decided here.
 */
#include "sessiond/store/store.h"

#include "sessiond/store/store_backend.h"

#include <time.h>

static uint64_t
now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Ends a call within a transaction: a failure ends the transaction too. */
static enum store_result
end_of_call(struct store *store, enum store_result result)
{
	if (result != STORE_OK)
		store_rollback(store);
	return result;
}

/* STORE_OK if a call for what has this key may be passed on. */
static enum store_result
check_call(struct store *store, uint64_t key)
{
	if (!store->in_transaction)
		return store_fail(store, STORE_FAILED, "there is no transaction");
	if (key == 0 || key > STORE_NUMBER_MAX) {
		store_fail(
		    store, STORE_FAILED, "nothing has the key %llu", (unsigned long long)key);
		return end_of_call(store, STORE_FAILED);
	}
	return STORE_OK;
}

void
store_close(struct store **store)
{
	if (*store == NULL)
		return;
	store_rollback(*store);
	(*store)->backend->close(*store);
	*store = NULL;
}

enum store_result
store_load(struct store *store, const struct store_loader *loader)
{
	if (store->in_transaction)
		return store_fail(store, STORE_FAILED, "a transaction is open");
	return store->backend->load(store, loader);
}

enum store_result
store_begin(struct store *store)
{
	enum store_result result;

	if (store->in_transaction) {
		store_fail(store, STORE_FAILED, "a transaction is open already");
		return end_of_call(store, STORE_FAILED);
	}
	store->begun = now_ns();
	result = store->backend->begin(store);
	store->in_transaction = result == STORE_OK;
	store->counts.failed += result != STORE_OK;
	return result;
}

enum store_result
store_put_session(struct store *store, const struct stored_session *session)
{
	enum store_result result = check_call(store, session->key);

	if (result != STORE_OK)
		return result;
	return end_of_call(store, store->backend->put_session(store, session));
}

enum store_result
store_put_delivery(struct store *store, uint64_t key, const struct stored_delivery *delivery)
{
	enum store_result result = check_call(store, key);

	if (result != STORE_OK)
		return result;
	return end_of_call(store, store->backend->put_delivery(store, key, delivery));
}

enum store_result
store_put_message(
    struct store *store, uint64_t key, uint64_t position, const char *data, size_t len)
{
	enum store_result result = check_call(store, key);

	if (result != STORE_OK)
		return result;
	if (position > STORE_NUMBER_MAX) {
		store_fail(store, STORE_FAILED, "no message has the position %llu",
		    (unsigned long long)position);
		return end_of_call(store, STORE_FAILED);
	}
	return end_of_call(store, store->backend->put_message(store, key, position, data, len));
}

enum store_result
store_delete_messages(struct store *store, uint64_t key, uint64_t last)
{
	enum store_result result = check_call(store, key);

	if (result != STORE_OK)
		return result;
	if (last > STORE_NUMBER_MAX)
		last = STORE_NUMBER_MAX;
	return end_of_call(store, store->backend->delete_messages(store, key, last));
}

enum store_result
store_delete_session(struct store *store, uint64_t key)
{
	enum store_result result = check_call(store, key);

	if (result != STORE_OK)
		return result;
	return end_of_call(store, store->backend->delete_session(store, key));
}

static enum store_result
check_part(struct store *store, uint64_t part)
{
	if (part <= STORE_NUMBER_MAX)
		return STORE_OK;
	store_fail(store, STORE_FAILED, "no record has the part %llu", (unsigned long long)part);
	return end_of_call(store, STORE_FAILED);
}

enum store_result
store_put_record(struct store *store, const struct stored_record *record)
{
	enum store_result result = check_call(store, record->number);

	if (result == STORE_OK)
		result = check_part(store, record->part);
	if (result != STORE_OK)
		return result;
	return end_of_call(store, store->backend->put_record(store, record));
}

enum store_result
store_delete_records(
    struct store *store, enum store_kind kind, uint64_t number, uint64_t first, uint64_t last)
{
	enum store_result result = check_call(store, number);

	if (result == STORE_OK)
		result = check_part(store, first);
	if (result != STORE_OK)
		return result;
	if (last > STORE_NUMBER_MAX)
		last = STORE_NUMBER_MAX;
	return end_of_call(store, store->backend->delete_records(store, kind, number, first, last));
}

enum store_result
store_commit(struct store *store)
{
	enum store_result result;

	if (!store->in_transaction)
		return store_fail(store, STORE_FAILED, "there is no transaction");
	result = store->backend->commit(store);
	if (result != STORE_OK)
		return end_of_call(store, result);
	store->in_transaction = false;
	store->counts.committed++;
	store->counts.nanoseconds += now_ns() - store->begun;
	return STORE_OK;
}

void
store_rollback(struct store *store)
{
	if (!store->in_transaction)
		return;
	store->in_transaction = false;
	store->counts.failed++;
	store->counts.nanoseconds += now_ns() - store->begun;
	store->backend->rollback(store);
}

enum store_result
store_replace(struct store *store)
{
	store_rollback(store);
	return store->backend->replace(store);
}

bool
store_tidy(struct store *store)
{
	return !store->in_transaction && store->backend->tidy(store);
}

const char *
store_error(const struct store *store)
{
	return store->error.text;
}

uint64_t
store_size(const struct store *store)
{
	return store->backend->size(store);
}

const struct store_counts *
store_counts(const struct store *store)
{
	return &store->counts;
}
