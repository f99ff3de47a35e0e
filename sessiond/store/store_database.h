/*
 * The database of a store: how it is opened, locked, and set aside when it is damaged. What is done
 * with an open one is in store_sqlite.c.
 */
#ifndef SESSIOND_STORE_DATABASE_H
#define SESSIOND_STORE_DATABASE_H

#include "common/error.h"
#include "sessiond/store/store_schema.h"

#include <stdbool.h>

struct store_database {
	/* What it is to be. */
	char *path; /* as store_file_make returns it */
	enum store_sync sync;
	uint64_t max_pages, max_log_bytes;
	int chunk_bytes; /* the length of the file is a multiple of this */

	sqlite3 *db; /* NULL: not open. While it is, no other process has it. */
	sqlite3_stmt *statements[STATEMENT_COUNT];
};

/*
 * Opens the database at path, and makes an empty one if there is none. A damaged one is set aside
 * first. Waits up to two seconds for another process that has it. Returns 0; or -1 and an error as
 * store_open_sqlite, and it is closed.
 */
int store_database_open(struct store_database *database, struct error *err);

/*
 * The same, and the database has no session: one that has is set aside too. It is not what was in
 * use.
 */
int store_database_open_empty(struct store_database *database, struct error *err);

/*
 * True if the file that is open, or its log, has lost its name: somebody has removed it, or has put
 * another in its place.
 */
bool store_database_is_lost(struct store_database *database);

/* Closes the database. Does nothing if it is not open. */
void store_database_close(struct store_database *database);

/*
 * Renames the files of an open database, logs that with the reason, and closes the database.
 * Returns 0; or -1 and an error (EX_UNAVAILABLE), and everything is as it was.
 */
int
store_database_set_aside(struct store_database *database, const char *reason, struct error *err);

#endif
