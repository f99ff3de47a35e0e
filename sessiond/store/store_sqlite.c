/*
 * See store_sqlite.h. The backend is an SQLite database in WAL mode, which this process alone has
 * open.
 *
 * Room on the disk is taken before anything is promised, so that a change that does not grow the
 * store always finds some: room for the log when the store is opened, room for the database before
 * a row is put. What grows the store stops short of the limit that SQLite has. A checkpoint moves
 * the log into the database once it has used half of its room; while checkpoints fail, the store
 * soon refuses whatever grows it.
 */
#include "sessiond/store/store_sqlite.h"

#include "common/memory.h"
#include "sessiond/store/store_backend.h"
#include "sessiond/store/store_database.h"
#include "sessiond/store/store_file.h"
#include "sessiond/store/store_row.h"

#include "common/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

enum {
	FRAME_SIZE = STORE_PAGE_SIZE + 24, /* of the log */
	RETRY_PART =
	    8, /* a checkpoint that failed is tried again after this many times what it took */
	LOG_PART = 8,	    /* the log has this part of the limit, */
	LOG_MAX = 16 << 20, /* bytes, but no more than this */
	CHUNK_PART = 64,
	CHUNK_MAX = 1 << 20, /* bytes */
	SPARE_PAGES =
	    8, /* the disk has room for, beside those in use: for what is not asked to find any */
	RESERVE_PART = 16, /* of the database's pages is kept for what does not grow it */
	GROWTH_PAGES = 3,  /* one row takes so many at most, beside its bytes: a tree splits */
	FREE_PAGES_KEPT =
	    32, /* or a quarter of all, whichever is more: they will be wanted again */
};

struct sqlite_store {
	struct store base;
	struct store_database
	    database; /* not open: nothing was begun in place of what was set aside */
	uint64_t limit;
	uint64_t log_frames; /* that no checkpoint has moved yet */
	uint64_t pages;	     /* of the database, in use, or more */
	uint64_t room;	     /* what pages may come to until they are counted again */
	uint64_t file_pages; /* that the disk has room for; 0: unknown */
	bool damaged;	     /* no call but replace and close will do */
	bool shrunk;	     /* pages were given back, but the file is as long as it was */
	bool stuck;	     /* the last checkpoint failed, */
	enum store_result stuck_as;
	uint64_t retry_at; /* ns; and is tried again then */
};

static const struct store_backend sqlite_backend;

static struct sqlite_store *
sqlite_of(struct store *store)
{
	return (struct sqlite_store *)store;
}

static uint64_t
now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* --- what SQLite says */

/* Records what went wrong while doing `what`, and returns it in our terms. */
static enum store_result
failure(struct sqlite_store *s, int rc, const char *what)
{
	const char *path = s->database.path, *text = sqlite3_errmsg(s->database.db);
	bool by_system = (rc & 0xff) == SQLITE_IOERR || (rc & 0xff) == SQLITE_CANTOPEN;
	int system_error = by_system ? sqlite3_system_errno(s->database.db) : 0;

	if (store_schema_is_damage(rc)) {
		s->damaged = true;
		return store_fail(
		    &s->base, STORE_DAMAGED, "the store %s is damaged: %s", path, text);
	}
	/* SQLite takes no note of quotas. */
	if (rc == SQLITE_FULL || system_error == EDQUOT)
		return store_fail(&s->base, STORE_FULL, "the store %s: no room to %s", path, what);
	return store_fail(&s->base, STORE_FAILED, "the store %s: cannot %s: %s%s%s", path, what,
	    text, system_error == 0 ? "" : ": ", system_error == 0 ? "" : strerror(system_error));
}

/* Runs one of the statements that have no rows, with what was bound. */
static int
run(struct sqlite_store *s, enum store_statement which)
{
	sqlite3_stmt *statement = s->database.statements[which];
	int rc = sqlite3_step(statement);

	sqlite3_reset(statement);
	return rc == SQLITE_DONE || rc == SQLITE_ROW ? SQLITE_OK : rc;
}

static enum store_result
run_to(struct sqlite_store *s, enum store_statement which, const char *what)
{
	int rc = run(s, which);

	return rc == SQLITE_OK ? STORE_OK : failure(s, rc, what);
}

/* The one number of a statement's one row. */
static int
count_of(struct sqlite_store *s, enum store_statement which, uint64_t *count)
{
	sqlite3_stmt *statement = s->database.statements[which];
	int rc = sqlite3_step(statement);

	*count = rc == SQLITE_ROW ? (uint64_t)sqlite3_column_int64(statement, 0) : 0;
	sqlite3_reset(statement);
	return rc == SQLITE_ROW ? SQLITE_OK : rc;
}

/* --- room */

/* The database's file grows and shrinks by so many. */
static uint64_t
chunk_pages(uint64_t limit)
{
	uint64_t bytes = limit / CHUNK_PART < CHUNK_MAX ? limit / CHUNK_PART : CHUNK_MAX;

	return bytes / STORE_PAGE_SIZE;
}

/* Divides the limit between the log and the database. */
static void
set_limits(struct sqlite_store *s, uint64_t limit)
{
	uint64_t log_bytes = limit / LOG_PART < LOG_MAX ? limit / LOG_PART : LOG_MAX;
	uint64_t chunk = chunk_pages(limit);

	s->limit = limit;
	s->database.max_log_bytes = log_bytes;
	s->database.max_pages = (limit - log_bytes) / STORE_PAGE_SIZE / chunk * chunk;
	s->database.chunk_bytes = (int)(chunk * STORE_PAGE_SIZE);
}

/*
 * A checkpoint is made at so many frames: half of the log's room, so that some is left if it fails.
 */
static uint64_t
full_log(const struct sqlite_store *s)
{
	return s->database.max_log_bytes / 2 / FRAME_SIZE;
}

/* Called by SQLite after each commit. */
static int
note_log(void *context, sqlite3 *db, const char *name, int frames)
{
	struct sqlite_store *s = context;

	(void)db;
	(void)name;
	s->log_frames = (uint64_t)frames;
	return SQLITE_OK;
}

/* Moves the log into the database, which then has the length it needs. The log begins anew. */
static void
checkpoint(struct sqlite_store *s, int mode)
{
	uint64_t begun = now_ns(), ended;
	int in_log, moved, rc;

	rc = sqlite3_wal_checkpoint_v2(s->database.db, NULL, mode, &in_log, &moved);
	if (rc == SQLITE_OK && moved == in_log) {
		if (s->stuck)
			log_info("store: the log of %s is moved again", s->database.path);
		s->stuck = s->shrunk = false;
		/* The file was cut to what is in it. */
		s->log_frames = s->file_pages = s->room = 0;
		return;
	}
	s->stuck_as =
	    failure(s, rc == SQLITE_OK ? SQLITE_BUSY : rc, "move the log into the database");
	if (!s->stuck)
		log_error("%s", s->base.error.text);
	s->stuck = true;
	ended = now_ns();
	s->retry_at = ended + (ended - begun) * RETRY_PART;
}

/* Makes a checkpoint once the log has so many frames, but not at once after one that failed. */
static void
checkpoint_if_due(struct sqlite_store *s, uint64_t frames)
{
	if (s->damaged || (s->stuck ? now_ns() < s->retry_at : s->log_frames < frames))
		return;
	checkpoint(s, SQLITE_CHECKPOINT_PASSIVE);
}

/* Takes room on the disk for so many pages. */
static enum store_result
take_room(struct sqlite_store *s, uint64_t pages)
{
	uint64_t chunk = chunk_pages(s->limit);
	sqlite3_int64 bytes;

	if (pages <= s->file_pages)
		return STORE_OK;
	pages = (pages + chunk - 1) / chunk * chunk;
	bytes = (sqlite3_int64)(pages * STORE_PAGE_SIZE);
	if (sqlite3_file_control(s->database.db, NULL, SQLITE_FCNTL_SIZE_HINT, &bytes) != SQLITE_OK)
		return store_fail(
		    &s->base, STORE_FULL, "the store %s: no room on the disk", s->database.path);
	s->file_pages = pages;
	return STORE_OK;
}

/* Looks at what there is, to find room for so many pages more. */
static enum store_result
count_room(struct sqlite_store *s, uint64_t more)
{
	uint64_t most = s->database.max_pages - s->database.max_pages / RESERVE_PART;
	uint64_t all, unused = 0;
	enum store_result result;
	int rc = count_of(s, STATEMENT_PAGE_COUNT, &all);

	if (rc == SQLITE_OK)
		rc = count_of(s, STATEMENT_FREE_COUNT, &unused);
	if (rc != SQLITE_OK)
		return failure(s, rc, "count its pages");
	s->pages = all - unused + more;
	s->room = 0;
	if (s->pages > most)
		return store_fail(&s->base, STORE_FULL,
		    "the store %s has reached its limit of %llu bytes", s->database.path,
		    (unsigned long long)s->limit);
	result = take_room(s, s->pages + SPARE_PAGES);
	if (result != STORE_OK)
		return result;
	s->room = s->file_pages - SPARE_PAGES < most ? s->file_pages - SPARE_PAGES : most;
	return STORE_OK;
}

/*
 * Returns STORE_OK if there is room for another row of so many bytes. Counting pages costs as much
 * as a row, so they are counted only when the rows since the last count may have used up the room
 * that it found.
 */
static enum store_result
find_room(struct sqlite_store *s, size_t len)
{
	uint64_t more = len / STORE_PAGE_SIZE + GROWTH_PAGES;

	if (s->stuck && s->log_frames >= full_log(s) / 2 * 3)
		return store_fail(&s->base, s->stuck_as,
		    "the store %s: its log is full, and cannot be moved", s->database.path);
	s->pages += more;
	return s->pages <= s->room ? STORE_OK : count_room(s, more);
}

/* --- opening */

/* The state of a store that was just opened. */
static void
start_anew(struct sqlite_store *s)
{
	s->damaged = s->stuck = s->shrunk = false;
	s->log_frames = 0;
	sqlite3_wal_hook(s->database.db, note_log, s);
	s->file_pages = s->room = 0;
	store_file_reserve_log(s->database.path, s->database.max_log_bytes);
	checkpoint(s, SQLITE_CHECKPOINT_PASSIVE);
}

struct store *
store_open_sqlite(const char *path, enum store_sync sync, uint64_t limit, struct error *err)
{
	struct sqlite_store *s;

	if (limit < STORE_LIMIT_MIN) {
		error_set(err, EX_CONFIG, "a store needs %llu bytes at least",
		    (unsigned long long)STORE_LIMIT_MIN);
		return NULL;
	}
	s = xcalloc(1, sizeof *s);
	s->base.backend = &sqlite_backend;
	s->database.sync = sync;
	set_limits(s, limit);
	s->database.path = store_file_make(path, err);
	if (s->database.path == NULL || store_database_open(&s->database, err) == -1) {
		free(s->database.path);
		free(s);
		return NULL;
	}
	start_anew(s);
	return &s->base;
}

static void
sqlite_close(struct store *store)
{
	struct sqlite_store *s = sqlite_of(store);

	store_database_close(&s->database);
	free(s->database.path);
	free(s);
}

static enum store_result
sqlite_replace(struct store *store)
{
	struct sqlite_store *s = sqlite_of(store);
	struct error err = ERROR_INIT;
	char reason[sizeof store->error.text];

	snprintf(reason, sizeof reason, "%s",
	    store->error.text[0] == '\0' ? "given up" : store->error.text);
	s->damaged = true;
	if (s->database.db != NULL && store_database_set_aside(&s->database, reason, &err) == -1)
		return store_fail(store, STORE_FAILED, "%s", err.text);
	if (store_database_open_empty(&s->database, &err) == -1)
		return store_fail(store, STORE_FAILED, "%s", err.text);
	start_anew(s);
	return STORE_OK;
}

/* --- transactions */

static void
sqlite_rollback(struct store *store)
{
	struct sqlite_store *s = sqlite_of(store);

	/* Some errors have rolled back already. */
	if (s->database.db != NULL && !sqlite3_get_autocommit(s->database.db))
		run(s, STATEMENT_ROLLBACK);
}

static enum store_result
sqlite_begin(struct store *store)
{
	struct sqlite_store *s = sqlite_of(store);

	if (s->damaged)
		return STORE_DAMAGED; /* why was recorded when it was found */
	sqlite_rollback(store);
	if (s->stuck)
		checkpoint_if_due(s, 0);
	return s->damaged ? STORE_DAMAGED : run_to(s, STATEMENT_BEGIN, "begin");
}

static enum store_result
sqlite_commit(struct store *store)
{
	struct sqlite_store *s = sqlite_of(store);
	enum store_result result = run_to(s, STATEMENT_COMMIT, "store what has changed");

	/* Nobody will find what is in files without a name. */
	if (result == STORE_OK && store_database_is_lost(&s->database)) {
		s->damaged = true;
		return store_fail(store, STORE_DAMAGED,
		    "somebody has removed or replaced %s or its log", s->database.path);
	}
	if (result == STORE_OK)
		checkpoint_if_due(s, full_log(s));
	return result;
}

/* In a store without room, whether it is there already is what counts. */
static enum store_result
find_room_for_session(struct sqlite_store *s, const struct stored_session *session)
{
	size_t len = session->id_len + session->close_reason_len + session->info_len;
	enum store_result result = find_room(s, len);
	sqlite3_stmt *statement = s->database.statements[STATEMENT_HAS_SESSION];
	int rc;

	if (result != STORE_FULL)
		return result;
	store_row_bind(statement, 1, session->key);
	rc = sqlite3_step(statement);
	sqlite3_reset(statement);
	if (rc == SQLITE_ROW)
		return STORE_OK;
	return rc == SQLITE_DONE ? result : failure(s, rc, "find a session");
}

static enum store_result
sqlite_put_session(struct store *store, const struct stored_session *session)
{
	struct sqlite_store *s = sqlite_of(store);
	enum store_result result = find_room_for_session(s, session);

	if (result != STORE_OK)
		return result;
	store_row_put_session(s->database.statements[STATEMENT_PUT_SESSION], session);
	return run_to(s, STATEMENT_PUT_SESSION, "store a session");
}

static enum store_result
sqlite_put_delivery(struct store *store, uint64_t key, const struct stored_delivery *delivery)
{
	struct sqlite_store *s = sqlite_of(store);

	store_row_put_delivery(s->database.statements[STATEMENT_PUT_DELIVERY], key, delivery);
	return run_to(s, STATEMENT_PUT_DELIVERY, "store what a session has sent");
}

static enum store_result
sqlite_put_message(
    struct store *store, uint64_t key, uint64_t position, const char *data, size_t len)
{
	struct sqlite_store *s = sqlite_of(store);
	sqlite3_stmt *statement = s->database.statements[STATEMENT_PUT_MESSAGE];
	enum store_result result = find_room(s, len);
	int rc;

	if (result != STORE_OK)
		return result;
	store_row_bind(statement, 1, key);
	store_row_bind(statement, 2, position);
	rc = store_row_bind_blob(statement, 3, data, len);
	if (rc != SQLITE_OK)
		return failure(s, rc, "store a message");
	return run_to(s, STATEMENT_PUT_MESSAGE, "store a message");
}

static enum store_result
sqlite_delete_messages(struct store *store, uint64_t key, uint64_t last)
{
	struct sqlite_store *s = sqlite_of(store);
	sqlite3_stmt *statement = s->database.statements[STATEMENT_DELETE_MESSAGES];

	store_row_bind(statement, 1, key);
	store_row_bind(statement, 2, last);
	return run_to(s, STATEMENT_DELETE_MESSAGES, "delete messages");
}

static enum store_result
sqlite_delete_session(struct store *store, uint64_t key)
{
	struct sqlite_store *s = sqlite_of(store);
	enum store_result result = sqlite_delete_messages(store, key, STORE_NUMBER_MAX);

	if (result != STORE_OK)
		return result;
	store_row_bind(s->database.statements[STATEMENT_DELETE_DELIVERY], 1, key);
	result = run_to(s, STATEMENT_DELETE_DELIVERY, "delete what a session has sent");
	if (result != STORE_OK)
		return result;
	store_row_bind(s->database.statements[STATEMENT_DELETE_SESSION], 1, key);
	return run_to(s, STATEMENT_DELETE_SESSION, "delete a session");
}

static enum store_result
sqlite_put_record(struct store *store, const struct stored_record *record)
{
	struct sqlite_store *s = sqlite_of(store);
	enum store_result result = find_room(s, record->len);
	int rc;

	if (result != STORE_OK)
		return result;
	rc = store_row_put_record(s->database.statements[STATEMENT_PUT_RECORD], record);
	if (rc != SQLITE_OK)
		return failure(s, rc, "store a record");
	return run_to(s, STATEMENT_PUT_RECORD, "store a record");
}

static enum store_result
sqlite_delete_records(
    struct store *store, enum store_kind kind, uint64_t number, uint64_t first, uint64_t last)
{
	struct sqlite_store *s = sqlite_of(store);
	sqlite3_stmt *statement = s->database.statements[STATEMENT_DELETE_RECORDS];

	store_row_bind(statement, 1, kind);
	store_row_bind(statement, 2, number);
	store_row_bind(statement, 3, first);
	store_row_bind(statement, 4, last);
	return run_to(s, STATEMENT_DELETE_RECORDS, "delete records");
}

/* --- loading */

static enum store_result
sqlite_load(struct store *store, const struct store_loader *loader)
{
	struct sqlite_store *s = sqlite_of(store);
	int rc;

	if (s->damaged)
		return STORE_DAMAGED;
	rc = store_row_load(s->database.statements, loader);
	return rc == SQLITE_OK ? STORE_OK : failure(s, rc, "read what is stored");
}

/* --- housekeeping */

/* Whether so many pages are free that some should be given back. */
static bool
has_too_many_free(struct sqlite_store *s)
{
	uint64_t all, unused;

	if (count_of(s, STATEMENT_FREE_COUNT, &unused) != SQLITE_OK || unused <= FREE_PAGES_KEPT)
		return false;
	return count_of(s, STATEMENT_PAGE_COUNT, &all) == SQLITE_OK && unused > all / 4;
}

/*
 * Returns true if there were some. A database that another program has copied may never have any.
 */
static bool
give_pages_back(struct sqlite_store *s)
{
	sqlite3_stmt *statement = s->database.statements[STATEMENT_GIVE_BACK];
	bool some = false;
	int rc;

	while ((rc = sqlite3_step(statement)) == SQLITE_ROW)
		some = true;
	sqlite3_reset(statement);
	if (rc != SQLITE_DONE)
		failure(s, rc, "give room back");
	return some && rc == SQLITE_DONE;
}

static bool
sqlite_tidy(struct store *store)
{
	struct sqlite_store *s = sqlite_of(store);

	if (s->damaged)
		return false;
	if (has_too_many_free(s) && give_pages_back(s)) {
		/*
		 * Only a checkpoint makes the file shorter. One at the end is enough, unless the
		 * log fills up.
		 */
		s->shrunk = true;
		if (s->log_frames >= full_log(s))
			checkpoint_if_due(s, 0);
		return !s->stuck && !s->damaged;
	}
	if (s->damaged)
		return false;
	checkpoint_if_due(s, s->shrunk ? 1 : full_log(s) / 2);
	/* A large transaction has made it longer than was reserved. */
	if (!s->stuck && store_file_log_size(s->database.path) > s->database.max_log_bytes) {
		checkpoint(s, SQLITE_CHECKPOINT_TRUNCATE);
		store_file_reserve_log(s->database.path, s->database.max_log_bytes);
	}
	return false;
}

static uint64_t
sqlite_size(const struct store *store)
{
	return store_file_size(((const struct sqlite_store *)store)->database.path);
}

static const struct store_backend sqlite_backend = {
    .close = sqlite_close,
    .load = sqlite_load,
    .begin = sqlite_begin,
    .put_session = sqlite_put_session,
    .put_delivery = sqlite_put_delivery,
    .put_message = sqlite_put_message,
    .delete_messages = sqlite_delete_messages,
    .delete_session = sqlite_delete_session,
    .put_record = sqlite_put_record,
    .delete_records = sqlite_delete_records,
    .commit = sqlite_commit,
    .rollback = sqlite_rollback,
    .replace = sqlite_replace,
    .tidy = sqlite_tidy,
    .size = sqlite_size,
};
