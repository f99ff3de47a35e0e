/*
 * See store_database.h.
 *
 * The lock is SQLite's own: with locking_mode EXCLUSIVE a connection keeps it from its first look
 * at the file to its end. A connection that got it then checks that its file still has its name.
 * Names are checked and changed under a lock of the folder, so two daemons that find the same
 * damage cannot set aside what the other has begun.
 */
#include "sessiond/store/store_database.h"
#include "sessiond/store/store_file.h"

#include "common/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

enum {
	WAIT_MS = 2000, /* for another daemon to end */
	WAIT_STEP_MS = 20,
	REASON_SIZE = 200, /* bytes, of what is said of a damaged file */
};

enum opened {
	OPENED,
	OPENED_BUSY,
	OPENED_DAMAGED, /* and still open */
	OPENED_REFUSED, /* and an error */
};

void
store_database_close(struct store_database *database)
{
	for (int i = 0; i < STATEMENT_COUNT; i++) {
		sqlite3_finalize(database->statements[i]);
		database->statements[i] = NULL;
	}
	sqlite3_close(database->db);
	database->db = NULL;
}

static bool
has_moved(struct store_database *database)
{
	int moved = 0;

	sqlite3_file_control(database->db, NULL, SQLITE_FCNTL_HAS_MOVED, &moved);
	return moved != 0;
}

bool
store_database_is_lost(struct store_database *database)
{
	return has_moved(database) || !store_file_has_log(database->path);
}

/* One that somebody has put there may have something in it. */
static bool
is_empty(struct store_database *database)
{
	sqlite3_stmt *statement = database->statements[STATEMENT_LOAD_SESSIONS];
	bool empty = sqlite3_step(statement) == SQLITE_DONE;

	sqlite3_reset(statement);
	return empty;
}

int
store_database_open_empty(struct store_database *database, struct error *err)
{
	while (store_database_open(database, err) == 0) {
		if (is_empty(database))
			return 0;
		if (store_database_set_aside(database,
			"it was put in the place of the store that was in use", err) == -1)
			break;
	}
	store_database_close(database);
	return -1;
}

/* SQLite's words for a code it has just returned. */
static const char *
text_of_code(struct store_database *database, int rc)
{
	if (sqlite3_errcode(database->db) == SQLITE_OK)
		return sqlite3_errstr(rc);
	return sqlite3_errmsg(database->db);
}

static enum opened
refused_by_sqlite(struct store_database *database, int rc, bool ours, struct error *err)
{
	bool by_system = (rc & 0xff) == SQLITE_IOERR || (rc & 0xff) == SQLITE_CANTOPEN;
	int system_error = by_system ? sqlite3_system_errno(database->db) : 0;

	if ((rc & 0xff) == SQLITE_BUSY)
		return OPENED_BUSY;
	/* In a database of ours a table that is not there is damage, too. */
	if (store_schema_is_damage(rc) || (ours && rc == SQLITE_ERROR))
		return OPENED_DAMAGED;
	error_set(err, EX_UNAVAILABLE, "cannot open the store %s: %s%s%s", database->path,
	    text_of_code(database, rc), system_error == 0 ? "" : ": ",
	    system_error == 0 ? "" : strerror(system_error));
	return OPENED_REFUSED;
}

static enum opened
refused_by_schema(
    struct store_database *database, enum store_schema schema, int version, struct error *err)
{
	if (schema == SCHEMA_FOREIGN)
		error_set(err, EX_CONFIG, "%s is another program's database, not a store",
		    database->path);
	else
		error_set(err, EX_CONFIG,
		    "the store %s was written by a newer version: its format is %d, %d is the latest known here",
		    database->path, version, STORE_SCHEMA_LATEST);
	return OPENED_REFUSED;
}

/* Makes a database what a store needs. reason: why it is damaged, if that is known here. */
static int
set_up(struct store_database *database, int version, char reason[REASON_SIZE])
{
	sqlite3 *db = database->db;
	int rc = sqlite3_file_control(db, NULL, SQLITE_FCNTL_CHUNK_SIZE, &database->chunk_bytes);

	if (rc == SQLITE_OK)
		rc = store_schema_configure(
		    db, database->sync, database->max_pages, database->max_log_bytes);
	if (rc == SQLITE_OK)
		rc = store_schema_check(db, reason, REASON_SIZE);
	if (rc == SQLITE_OK)
		rc = store_schema_migrate(db, version);
	if (rc == SQLITE_OK)
		rc = store_schema_prepare(db, database->statements);
	/* Whoever had it has set it aside meanwhile: wait for what has the name now. */
	if (rc == SQLITE_OK && has_moved(database))
		rc = SQLITE_BUSY;
	return rc;
}

static enum opened
try_to_open(struct store_database *database, char reason[REASON_SIZE], struct error *err)
{
	const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
	enum store_schema schema = SCHEMA_FOREIGN;
	int version = 0, rc = sqlite3_open_v2(database->path, &database->db, flags, NULL);

	if (database->db == NULL)
		abort();
	sqlite3_extended_result_codes(database->db, 1);
	reason[0] = '\0';
	if (rc == SQLITE_OK)
		rc = store_schema_identify(database->db, &schema, &version);
	if (rc == SQLITE_OK && schema != SCHEMA_OURS)
		return refused_by_schema(database, schema, version, err);
	if (rc == SQLITE_OK)
		rc = set_up(database, version, reason);
	if (rc == SQLITE_OK)
		return OPENED;
	if (reason[0] == '\0')
		snprintf(reason, REASON_SIZE, "%s", text_of_code(database, rc));
	return refused_by_sqlite(database, rc, schema == SCHEMA_OURS, err);
}

/* Gives the file that is open another name, unless somebody else has done so. */
static int
rename_files(struct store_database *database, const char *reason, struct error *err)
{
	char *name;

	if (has_moved(database))
		return 0;
	name = store_file_set_aside(database->path);
	if (name == NULL)
		return error_set(err, EX_UNAVAILABLE, "cannot set the damaged store %s aside: %s",
		    database->path, strerror(errno));
	log_error(
	    "store: %s is now %s, and an empty one is begun: %s", database->path, name, reason);
	free(name);
	return 0;
}

int
store_database_set_aside(struct store_database *database, const char *reason, struct error *err)
{
	/* A file that is no database has no lock: two processes may have it open. */
	int lock = store_file_lock_folder(database->path);
	int result = rename_files(database, reason, err);

	if (lock != -1)
		close(lock);
	if (result == -1)
		return -1;
	/*
	 * SQLite keeps the log of a file that has lost its name; it helps to look into the damage.
	 */
	store_database_close(database);
	return 0;
}

static uint64_t
now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Pauses, but not beyond that moment. Returns -1 and an error once it has come. */
static int
wait_for_other(struct store_database *database, uint64_t until, struct error *err)
{
	/* Two that begin together must not go on in step. */
	long ms = WAIT_STEP_MS + getpid() % WAIT_STEP_MS;

	if (now_ms() >= until)
		return error_set(err, EX_UNAVAILABLE,
		    "cannot open the store %s: another daemon uses it", database->path);
	nanosleep(&(struct timespec){0, ms * 1000000}, NULL);
	return 0;
}

int
store_database_open(struct store_database *database, struct error *err)
{
	uint64_t until = now_ms() + WAIT_MS;
	char reason[REASON_SIZE], *name;
	bool begun_anew = false;

	for (;;) {
		name = store_file_make(database->path, err);
		free(name);
		if (name == NULL)
			return -1;
		switch (try_to_open(database, reason, err)) {
		case OPENED:
			return 0;
		case OPENED_DAMAGED:
			if (begun_anew)
				error_set(err, EX_UNAVAILABLE, "cannot begin the store %s: %s",
				    database->path, reason);
			else if (store_database_set_aside(database, reason, err) == 0) {
				begun_anew = true;
				continue;
			}
			break;
		case OPENED_BUSY:
			store_database_close(database);
			if (wait_for_other(database, until, err) == 0)
				continue;
			break;
		case OPENED_REFUSED:
			break;
		}
		store_database_close(database);
		return -1;
	}
}
