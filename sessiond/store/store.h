/*
 * The session store: what survives the daemon. One interface, two backends: SQLite (store_sqlite.c; its SQL is in store_schema.c), and
 * memory, for tests (store_memory.h).
 *
 * What one turn of the loop changed is one transaction: store_begin, any number of store_put_... and store_delete_..., store_commit.
 * The first call that fails ends the transaction, and nothing of it is stored; the caller may try the whole again later. What is called
 * without a transaction fails. Only after a failed store_commit a crash that follows at once may leave the whole transaction stored.
 *
 * One process has a store at a time: it must not open the files of the store by other means, since closing them would give up the lock.
 * Not thread-safe. Aborts without memory for what is small; a message that finds none is STORE_FAILED.
 */
#ifndef SESSIOND_STORE_H
#define SESSIOND_STORE_H

#include "common/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes, the least that store_open_sqlite takes for a limit. */
#define STORE_LIMIT_MIN (UINT64_C(1) << 20)

/* Keys and positions are not larger, and keys are not 0: STORE_FAILED otherwise. */
#define STORE_NUMBER_MAX ((uint64_t)INT64_MAX)

struct store;

enum store_sync {
	STORE_SYNC_OFF,	   /* survives the end of the process; the system writes when it likes */
	STORE_SYNC_NORMAL, /* the file is always whole; a power cut may lose the last transactions */
	STORE_SYNC_FULL,   /* survives a power cut */
};

enum store_result {
	STORE_OK,
	STORE_FULL,    /* no room, on the disk or within the limit: works again when there is */
	STORE_DAMAGED, /* the file is broken: store_replace */
	STORE_FAILED,  /* anything else; store_error says what */
};

/*
 * A session as it is stored. Everything is borrowed, and comes back as it was put: nothing here is looked into. Blobs may be NULL with
 * length 0.
 */
struct stored_session {
	uint64_t key;	     /* never used again for another session */
	const char *service; /* the name of its section, NUL-terminated */
	const char *id;	     /* of the URL */
	size_t id_len;
	const char *uuid; /* NUL-terminated */
	int transport;	  /* enum transport_id */
	int state;	  /* enum session_state */
	int close_code;	  /* 0: not closed */
	const char *close_reason;
	size_t close_reason_len;
	const void *info; /* connection_info_bytes */
	size_t info_len;
};

/* The part of a session that changes often. A session without one is loaded with all zero. */
struct stored_delivery {
	const void *sent_ids; /* sent_ids_bytes */
	size_t sent_ids_len;
	/*
	 * Messages at positions up to in_flight_last were given to a responder, as the frame of that index on that connection; only the
	 * responder knows whether it arrived. in_flight_link_id 0: none. Any 64 bits.
	 */
	uint64_t in_flight_link_id, in_flight_index, in_flight_last;
};

/*
 * Opens the SQLite store at path, made if it is not there (mode 0600). limit: bytes of the whole store, its log included; the log of one
 * large transaction may exceed it for a moment. At the limit a part is kept for store_put_delivery, for sessions that are stored already,
 * and for deleting: only new sessions and messages are STORE_FULL there.
 *
 * A file that is damaged is set aside as PATH.damaged-YYYYMMDDTHHMMSSZ with its companions, logged, and a new one begun. Another daemon
 * that has the store gets two seconds to end. Returns NULL and an error: EX_CONFIG if path cannot be opened, is no file or is another
 * program's database, if a newer version wrote it, or the limit is too small; EX_UNAVAILABLE if another daemon has the store or the disk
 * refuses.
 */
struct store *
store_open_sqlite(const char *path, enum store_sync sync, uint64_t limit, struct error *err);

/* Closes *store and sets it NULL; takes NULL. What was committed stays. */
void store_close(struct store **store);

/*
 * Calls session for each stored session in the order of keys, each followed by message for each of its messages in the order of
 * positions. What they are given is valid during the call. They must not call the store, nor may a transaction be open. After a
 * failure what they were told before stands, but is not all.
 */
struct store_loader {
	void (*session)(void *context, const struct stored_session *session,
	    const struct stored_delivery *delivery);
	void (*message)(
	    void *context, uint64_t key, uint64_t position, const char *data, size_t len);
	void *context;
};
enum store_result store_load(struct store *store, const struct store_loader *loader);

enum store_result store_begin(struct store *store);

/* New, or in place of what was stored under its key; its delivery and messages stay as they are (new: none). */
enum store_result store_put_session(struct store *store, const struct stored_session *session);

/* In place of the one that is there. The session of that key must be stored already, for messages, too. */
enum store_result
store_put_delivery(struct store *store, uint64_t key, const struct stored_delivery *delivery);

/* data: any bytes. Positions are unique within the session, in any order of calls; putting one that is there replaces it. */
enum store_result store_put_message(
    struct store *store, uint64_t key, uint64_t position, const char *data, size_t len);

/* Deletes those at positions up to last, which may be any number. None there: no error. */
enum store_result store_delete_messages(struct store *store, uint64_t key, uint64_t last);

/* With its delivery and messages. Not there: no error. */
enum store_result store_delete_session(struct store *store, uint64_t key);

/*
 * Now and then this also moves the log into the database. What goes wrong with that is no failure of the transaction; the next
 * store_begin or store_put_... tells it.
 */
enum store_result store_commit(struct store *store);

/* After an error of the caller's own. Safe without a transaction. */
void store_rollback(struct store *store);

/*
 * Sets the store aside as store_open_sqlite does a damaged one, and begins an empty one: the caller then stores everything anew. An open
 * transaction is rolled back. After STORE_FAILED everything but this and store_close is STORE_DAMAGED.
 */
enum store_result store_replace(struct store *store);

/*
 * A little housekeeping, for when the loop has nothing to do: gives room back to the file system, and moves the log into the database
 * before a commit has to. True if there is more to do, which may wait. Does nothing while a transaction is open.
 */
bool store_tidy(struct store *store);

/* What went wrong last, for the log; never NULL. Valid until the next call. */
const char *store_error(const struct store *store);

/* Bytes that the store takes on the disk, its log included. */
uint64_t store_size(const struct store *store);

#endif
