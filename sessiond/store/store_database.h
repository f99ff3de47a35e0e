/*
 * The database of a store as it is opened, locked, and set aside when it is damaged; what is done with it then is store_sqlite.c's.
 */
#ifndef SESSIOND_STORE_DATABASE_H
#define SESSIOND_STORE_DATABASE_H

#include "sessiond/store/store_schema.h"

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
 * Opens the database at path and makes it what a store needs, empty if there is none; one that is damaged is set aside first. Waits up to
 * two seconds for another process that has it. Returns 0, or -1 and an error as store_open_sqlite: it is closed then.
 */
int store_database_open(struct store_database *database, struct error *err);

/* Closes it; nothing if it is not open. */
void store_database_close(struct store_database *database);

/*
 * Renames the files of a database that is open, logs that with the reason, and closes it. Returns 0, or -1 and an error (EX_UNAVAILABLE)
 * with all as it was.
 */
int
store_database_set_aside(struct store_database *database, const char *reason, struct error *err);

#endif
