/*
 * The session store: what survives the daemon. The interface is the same for SQLite
 * (store_sqlite.h) and for the memory that tests use.
 *
 * What one turn of the loop changed is one transaction: store_begin, any number of store_put_...
 * and store_delete_..., store_commit. The first call that fails ends the transaction, and nothing
 * of it is stored; the caller may try the whole again later. A call without a transaction fails.
 * After a failed store_commit, and only then, a crash that follows at once may leave the whole
 * transaction stored.
 *
 * Not thread-safe. Aborts without memory for what is small; a message that finds no memory is
 * STORE_FAILED.
 */
#ifndef SESSIOND_STORE_H
#define SESSIOND_STORE_H

#include "sessiond/store/store_types.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct store_counts;

/* Closes *store and sets it NULL; takes NULL. What was committed stays. */
void store_close(struct store **store);

/*
 * Tells the loader everything that is stored. No transaction may be open. After a failure, what was
 * told before is true, but it is not everything.
 */
enum store_result store_load(struct store *store, const struct store_loader *loader);

enum store_result store_begin(struct store *store);

/*
 * Stores a session, new or in place of what is stored under its key. Its delivery and messages stay
 * as they are; a new session has none.
 */
enum store_result store_put_session(struct store *store, const struct stored_session *session);

/* Stores a delivery in place of the one that is there. The session must be stored already. */
enum store_result
store_put_delivery(struct store *store, uint64_t key, const struct stored_delivery *delivery);

/*
 * Stores a message of any bytes. The session must be stored already. Positions may come in any
 * order; a message at a position that is taken replaces the one there.
 */
enum store_result store_put_message(
    struct store *store, uint64_t key, uint64_t position, const char *data, size_t len);

/* Deletes the messages at positions up to last, which may be any number. None there: no error. */
enum store_result store_delete_messages(struct store *store, uint64_t key, uint64_t last);

/* Deletes a session with its delivery and messages. Not there: no error. */
enum store_result store_delete_session(struct store *store, uint64_t key);

/* Stores a record, new or in place of what is stored under its kind, number and part. */
enum store_result store_put_record(struct store *store, const struct stored_record *record);

/* Deletes the records of a kind and number with parts from first to last. None there: no error. */
enum store_result store_delete_records(
    struct store *store, enum store_kind kind, uint64_t number, uint64_t first, uint64_t last);

/*
 * Ends the transaction: it is stored. Now and then this also moves the log into the database. If
 * that goes wrong, the transaction has not failed; the next store_begin or store_put_... says so.
 */
enum store_result store_commit(struct store *store);

/* Ends the transaction after an error of the caller's own. Safe without a transaction. */
void store_rollback(struct store *store);

/*
 * Sets the store aside, as store_open_sqlite does a damaged one, and begins an empty one. The
 * caller then stores everything anew. An open transaction is rolled back. After STORE_FAILED, every
 * call but this one and store_close is STORE_DAMAGED.
 */
enum store_result store_replace(struct store *store);

/*
 * A little housekeeping, for when the loop has nothing to do: gives room back to the file system,
 * and moves the log into the database before a commit has to. Returns true if there is more to do,
 * which may wait. Does nothing while a transaction is open.
 */
bool store_tidy(struct store *store);

/* What went wrong last, for the log; never NULL. Valid until the next call. */
const char *store_error(const struct store *store);

/* Bytes that the store takes on the disk, its log included. */
uint64_t store_size(const struct store *store);

/* Transactions since it was opened; borrowed. */
const struct store_counts *store_counts(const struct store *store);

#endif
