/*
 * See store_move.h. One file is open as `main`, and for each daemon that rows of it belong to, that
 * one's file is attached as `home`. Both are in SQLite's rollback mode meanwhile, in which a
 * transaction is whole over several files (https://sqlite.org/atomiccommit.html, 5).
 */
#include "sessiond/store/store_move.h"

#include "common/log.h"
#include "common/memory.h"
#include "sessiond/store/store_database.h"
#include "sessiond/store/store_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

enum {
	INDEX_MAX = 64, /* no file of a daemon has as large an index */
	MAIN = 0,	/* the path without an index */
	PATHS = INDEX_MAX + 1,
};

struct move {
	const struct store_move_calls *calls;
	unsigned count;
	/* The one without an index, and then those with 0, 1, ...; NULL: there is none. */
	char *paths[PATHS];
};

/* What keys and numbers of rows that move become: those behind all that either file has. */
#define NEW_KEY(key)  "(SELECT n + rank FROM base, moved WHERE moved.key = " key ")"
#define NEW_WORKER    "(SELECT n + rank FROM base, workers WHERE workers.number = records.number)"
#define IS_MOVED(key) key " IN (SELECT key FROM moved)"
#define IS_NEW(key)   key " > (SELECT n FROM base)"

/* Within a transaction, in this order; ?1 is the daemon whose file is `home`. */
static const char *const move_sessions[] = {"INSERT INTO temp.base SELECT max("
					    " (SELECT ifnull(max(key), 0) FROM main.sessions),"
					    " (SELECT ifnull(max(key), 0) FROM home.sessions),"
					    " (SELECT ifnull(max(number), 0) FROM main.records),"
					    " (SELECT ifnull(max(number), 0) FROM home.records))",
    "INSERT INTO temp.moved (key, uuid)"
    " SELECT key, uuid FROM main.sessions WHERE home_of(id) = ?1 ORDER BY key",
    /* Renamed where they are, and then copied with all columns that there may be. */
    "UPDATE main.sessions SET key = " NEW_KEY("sessions.key") " WHERE " IS_MOVED("key"),
    "UPDATE main.deliveries SET session = " NEW_KEY("deliveries.session") " WHERE " IS_MOVED(
	"session"),
    "UPDATE main.messages SET session = " NEW_KEY("messages.session") " WHERE " IS_MOVED("session"),
    "INSERT INTO home.sessions SELECT * FROM main.sessions WHERE " IS_NEW("key"),
    "INSERT INTO home.deliveries SELECT * FROM main.deliveries WHERE " IS_NEW("session"),
    "INSERT INTO home.messages SELECT * FROM main.messages WHERE " IS_NEW("session"),
    "DELETE FROM main.sessions WHERE " IS_NEW("key"),
    "DELETE FROM main.deliveries WHERE " IS_NEW("session"),
    "DELETE FROM main.messages WHERE " IS_NEW("session"),
    /* Their subscriptions, and the channels of these, without what was published. */
    "INSERT INTO home.records"
    " SELECT kind, (SELECT n FROM base) + row_number() OVER (ORDER BY number), part,"
    "  up_to_name(data)"
    " FROM main.records WHERE kind = 1 AND number IN"
    "  (SELECT part FROM main.records WHERE kind = 3 AND " IS_MOVED(
	"number") ")"
		  " AND channel_name(data) NOT IN (SELECT channel_name(data) FROM home.records WHERE kind = 1)",
    "INSERT OR REPLACE INTO home.records SELECT 3, " NEW_KEY(
	"s.number") ", h.number, s.data"
		    " FROM main.records AS s"
		    " JOIN main.records AS c ON c.kind = 1 AND c.number = s.part"
		    " JOIN home.records AS h ON h.kind = 1 AND channel_name(h.data) = channel_name(c.data)"
		    " WHERE s.kind = 3 AND " IS_MOVED("s.number"),
    "DELETE FROM main.records WHERE kind = 3 AND " IS_MOVED("number"),
    /* Their connections to workers, which move_workers takes along. */
    "INSERT INTO temp.workers (number) SELECT number FROM main.records WHERE kind = 6"
    " AND worker_uuid(data) IN (SELECT uuid FROM moved) ORDER BY number",
    NULL};

/* Of a file that no daemon has any more: what is no session's. Channels were its daemon's alone. */
static const char *const move_rest[] = {
    "INSERT INTO temp.base SELECT ifnull(max(number), 0) FROM home.records",
    "INSERT INTO temp.workers (number)"
    " SELECT number FROM main.records WHERE kind = 6 ORDER BY number",
    "INSERT INTO home.records"
    " SELECT kind, (SELECT n FROM base) + row_number() OVER (ORDER BY number), part, data"
    " FROM main.records WHERE kind = 5",
    "DELETE FROM main.records WHERE kind NOT IN (6, 7)", NULL};

static const char *const move_workers[] = {
    "INSERT INTO home.records SELECT kind, " NEW_WORKER ", part, data FROM main.records"
    " WHERE kind IN (6, 7) AND number IN (SELECT number FROM workers)",
    "DELETE FROM main.records WHERE kind IN (6, 7) AND number IN (SELECT number FROM workers)",
    NULL};

_Static_assert(STORE_CHANNEL == 1 && STORE_SUBSCRIPTION == 3 && STORE_WEBHOOK == 5 &&
	STORE_WORKER == 6 && STORE_WORKER_EVENT == 7,
    "the statements above have these numbers");

/* --- what SQL asks of rows -------------------------------------------------------------------- */

static void
home_of(sqlite3_context *context, int count, sqlite3_value **values)
{
	const struct move *move = sqlite3_user_data(context);
	const void *id = sqlite3_value_blob(values[0]);

	(void)count;
	sqlite3_result_int64(
	    context, move->calls->home(id, (size_t)sqlite3_value_bytes(values[0]), move->count));
}

typedef const char *name_of_record(const struct stored_record *record, size_t *len);

static void
name_of(sqlite3_context *context, sqlite3_value *value, enum store_kind kind, name_of_record *call)
{
	struct stored_record record = {.kind = kind, .data = sqlite3_value_blob(value)};
	const char *name;
	size_t len;

	record.len = (size_t)sqlite3_value_bytes(value);
	name = call(&record, &len);
	if (name == NULL)
		sqlite3_result_null(context);
	else
		sqlite3_result_text(context, name, (int)len, SQLITE_TRANSIENT);
}

static void
worker_uuid(sqlite3_context *context, int count, sqlite3_value **values)
{
	const struct move *move = sqlite3_user_data(context);

	(void)count;
	name_of(context, values[0], STORE_WORKER, move->calls->worker_uuid);
}

static void
channel_name(sqlite3_context *context, int count, sqlite3_value **values)
{
	const struct move *move = sqlite3_user_data(context);

	(void)count;
	name_of(context, values[0], STORE_CHANNEL, move->calls->channel_name);
}

/* What is behind the name is of one daemon's part of the channel. */
static void
up_to_name(sqlite3_context *context, int count, sqlite3_value **values)
{
	const struct move *move = sqlite3_user_data(context);
	struct stored_record record = {
	    .kind = STORE_CHANNEL, .data = sqlite3_value_blob(values[0])};
	const char *name;
	size_t len;

	(void)count;
	record.len = (size_t)sqlite3_value_bytes(values[0]);
	name = move->calls->channel_name(&record, &len);
	if (name == NULL)
		sqlite3_result_value(context, values[0]);
	else
		sqlite3_result_blob(
		    context, record.data, (int)(name + len - record.data), SQLITE_TRANSIENT);
}

static int
add_functions(sqlite3 *db, struct move *move)
{
	const int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC;
	int rc = sqlite3_create_function(db, "home_of", 1, flags, move, home_of, NULL, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_create_function(
		    db, "worker_uuid", 1, flags, move, worker_uuid, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_create_function(
		    db, "channel_name", 1, flags, move, channel_name, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_create_function(
		    db, "up_to_name", 1, flags, move, up_to_name, NULL, NULL);
	return rc;
}

/* --- moving ----------------------------------------------------------------------------------- */

static int
run(sqlite3 *db, const char *sql)
{
	return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

/* Runs the statements up to NULL. text, number: what ?1 is, text unless it is NULL. */
static int
run_with(sqlite3 *db, const char *const *statements, const char *text, unsigned number)
{
	int rc = SQLITE_OK;

	for (; *statements != NULL && rc == SQLITE_OK; statements++) {
		sqlite3_stmt *statement;

		rc = sqlite3_prepare_v2(db, *statements, -1, &statement, NULL);
		if (rc != SQLITE_OK)
			return rc;
		if (sqlite3_bind_parameter_count(statement) > 0 && text != NULL)
			sqlite3_bind_text(statement, 1, text, -1, SQLITE_STATIC);
		else if (sqlite3_bind_parameter_count(statement) > 0)
			sqlite3_bind_int64(statement, 1, number);
		while ((rc = sqlite3_step(statement)) == SQLITE_ROW)
			;
		rc = sqlite3_finalize(statement);
	}
	return rc;
}

static int
attach(sqlite3 *db, const char *path)
{
	static const char *const statements[] = {"ATTACH ?1 AS home", NULL};
	int rc = run_with(db, statements, path, 0);

	if (rc == SQLITE_OK)
		rc = run(db,
		    "PRAGMA home.locking_mode = EXCLUSIVE;"
		    "PRAGMA home.journal_mode = DELETE;"
		    "PRAGMA home.synchronous = FULL;");
	return rc;
}

/* One transaction. rest: what belongs to no session, too. */
static int
move_to(sqlite3 *db, unsigned home, bool rest)
{
	int rc = run(db,
	    "CREATE TEMP TABLE moved (rank INTEGER PRIMARY KEY, key INTEGER UNIQUE, uuid TEXT);"
	    "CREATE TEMP TABLE base (n INTEGER);"
	    "CREATE TEMP TABLE workers (rank INTEGER PRIMARY KEY, number INTEGER UNIQUE);"
	    "BEGIN IMMEDIATE");

	if (rc == SQLITE_OK)
		rc = run_with(db, rest ? move_rest : move_sessions, NULL, home);
	if (rc == SQLITE_OK)
		rc = run_with(db, move_workers, NULL, home);
	if (rc == SQLITE_OK)
		rc = run(db, "COMMIT");
	if (rc != SQLITE_OK)
		return rc;
	return run(db, "DROP TABLE temp.moved; DROP TABLE temp.base; DROP TABLE temp.workers;");
}

static int
move_pair(struct move *move, sqlite3 *db, unsigned home, bool rest)
{
	const char *path = move->paths[move->count == 1 ? MAIN : home + 1];
	int rc = attach(db, path);

	if (rc == SQLITE_OK)
		rc = move_to(db, home, rest);
	if (rc == SQLITE_OK)
		rc = run(db, "DETACH home");
	return rc;
}

/* homes[i]: rows of the open file belong to daemon i. */
static int
find_homes(sqlite3 *db, bool homes[INDEX_MAX])
{
	sqlite3_stmt *statement;
	unsigned home;
	int rc = sqlite3_prepare_v2(
	    db, "SELECT home_of(id), count(*) FROM main.sessions GROUP BY 1", -1, &statement, NULL);

	if (rc != SQLITE_OK)
		return rc;
	while (sqlite3_step(statement) == SQLITE_ROW) {
		home = (unsigned)sqlite3_column_int(statement, 0);
		homes[home % INDEX_MAX] = true;
	}
	return sqlite3_finalize(statement);
}

/* A file that no daemon of that number has. */
static bool
is_left(const struct move *move, unsigned file)
{
	return move->count == 1 ? file != MAIN : file == MAIN || file > move->count;
}

static int
move_from(struct move *move, sqlite3 *db, unsigned file)
{
	bool homes[INDEX_MAX] = {false}, left = is_left(move, file);
	unsigned home;
	int rc = find_homes(db, homes);

	for (home = 0; home < move->count && rc == SQLITE_OK; home++)
		if (homes[home] && (left || file != (move->count == 1 ? MAIN : home + 1)))
			rc = move_pair(move, db, home, false);
	if (rc == SQLITE_OK && left)
		rc = move_pair(move, db, 0, true);
	return rc;
}

static int
fail(const char *path, sqlite3 *db, int rc, struct error *err)
{
	return error_set(err, EX_UNAVAILABLE,
	    "cannot move sessions of the store %s to where they belong now: %s", path,
	    db == NULL ? sqlite3_errstr(rc) : sqlite3_errmsg(db));
}

/* Everything of one file that belongs to another one. */
static int
empty(struct move *move, unsigned file, struct error *err)
{
	const char *path = move->paths[file];
	sqlite3 *db = NULL;
	int status = 0, rc = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL);

	if (rc == SQLITE_OK)
		rc = run(db,
		    "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = DELETE;"
		    "PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY;");
	if (rc == SQLITE_OK)
		rc = add_functions(db, move);
	if (rc == SQLITE_OK)
		rc = move_from(move, db, file);
	if (rc != SQLITE_OK)
		status = fail(path, db, rc, err);
	sqlite3_close(db);
	return status;
}

/* --- the files -------------------------------------------------------------------------------- */

/* Brings it up to date, and so finds out whether it is whole, and whether somebody has it. */
static int
prepare(const char *path, struct error *err)
{
	struct store_database database = {.path = store_file_make(path, err),
	    .sync = STORE_SYNC_FULL,
	    .max_pages = UINT32_MAX - 1,
	    .max_log_bytes = 1 << 20,
	    .chunk_bytes = STORE_PAGE_SIZE};
	int status = database.path == NULL ? -1 : store_database_open(&database, err);

	store_database_close(&database);
	free(database.path);
	return status;
}

/*
 * Daemons leave all files from the first that is too many on: they are made in that order, and
 * emptied in the other one. Behind one that is not there, a file is somebody's copy, such as
 * PATH.1.
 */
static bool
is_taken(const struct move *move, unsigned file, bool *has_gap)
{
	if (!is_left(move, file))
		return true;
	if (access(move->paths[file], F_OK) == -1) {
		*has_gap = *has_gap || file != MAIN;
		return false;
	}
	if (*has_gap)
		log_info("store: %s stays as it is: a file with a lower number is missing",
		    move->paths[file]);
	return !*has_gap;
}

static void
name_files(struct move *move, const char *path)
{
	bool has_gap = false;
	unsigned i;

	for (i = 0; i < PATHS; i++) {
		if (i == MAIN)
			move->paths[i] = xstrdup(path);
		else if (asprintf(&move->paths[i], "%s.%u", path, i - 1) == -1)
			abort();
		if (!is_taken(move, i, &has_gap)) {
			free(move->paths[i]);
			move->paths[i] = NULL;
		}
	}
}

static bool
has_left(const struct move *move)
{
	unsigned i;

	for (i = 0; i < PATHS; i++)
		if (move->paths[i] != NULL && is_left(move, i))
			return true;
	return false;
}

/* An empty one is removed: the rows it had are elsewhere. */
static void
remove_file(const char *path)
{
	static const char *const ends[] = {"", "-wal", "-shm", "-journal"};
	char *name;
	size_t i;

	for (i = 0; i < sizeof ends / sizeof ends[0]; i++) {
		if (asprintf(&name, "%s%s", path, ends[i]) == -1)
			abort();
		unlink(name);
		free(name);
	}
}

static int
prepare_all(const struct move *move, struct error *err)
{
	unsigned i;

	for (i = 0; i < PATHS; i++)
		if (move->paths[i] != NULL && prepare(move->paths[i], err) == -1)
			return -1;
	return 0;
}

static int
empty_all(struct move *move, struct error *err)
{
	unsigned i;

	for (i = PATHS; i-- > 0;) {
		if (move->paths[i] == NULL)
			continue;
		if (empty(move, i, err) == -1)
			return -1;
		if (is_left(move, i)) {
			log_info("store: what was in %s is where it belongs now", move->paths[i]);
			remove_file(move->paths[i]);
		}
	}
	return 0;
}

int
store_move(
    const char *path, unsigned count, const struct store_move_calls *calls, struct error *err)
{
	struct move move = {.calls = calls, .count = count};
	int status = 0;
	unsigned i;

	name_files(&move, path);
	if (count > 1 || has_left(&move))
		status = prepare_all(&move, err) == -1 ? -1 : empty_all(&move, err);
	for (i = 0; i < PATHS; i++)
		free(move.paths[i]);
	return status;
}
