/*
 * All the SQL of the store: the tables, how an older database is brought up to date, the
 * statements.
 *
 * Functions return SQLITE_OK or another code of SQLite's, an extended one if the connection has
 * these on. The connection has the error's text.
 */
#ifndef SESSIOND_STORE_SCHEMA_H
#define SESSIOND_STORE_SCHEMA_H

#include "sessiond/store/store_types.h"

#include <sqlite3.h>
#include <stdbool.h>

/* Bytes. */
#define STORE_PAGE_SIZE 4096

/* The version of what this one writes. */
#define STORE_SCHEMA_LATEST 4

enum store_statement {
	STATEMENT_BEGIN,
	STATEMENT_COMMIT,
	STATEMENT_ROLLBACK,
	/* key, service, id, uuid, transport, state, close code, close reason, info */
	STATEMENT_PUT_SESSION,
	STATEMENT_PUT_DELIVERY,	   /* key, sent ids, link id, index, last */
	STATEMENT_PUT_MESSAGE,	   /* key, position, data */
	STATEMENT_DELETE_MESSAGES, /* key, last position */
	STATEMENT_DELETE_SESSION,  /* key */
	STATEMENT_DELETE_DELIVERY, /* key */
	STATEMENT_HAS_SESSION,	   /* key; a row or none */
	STATEMENT_PUT_RECORD,	   /* kind, number, part, data */
	STATEMENT_DELETE_RECORDS,  /* kind, number, first part, last part */
	/* rows: what PUT_SESSION and, without its key, PUT_DELIVERY take */
	STATEMENT_LOAD_SESSIONS,
	STATEMENT_LOAD_MESSAGES, /* key; rows: position, data */
	STATEMENT_LOAD_RECORDS,	 /* rows: what PUT_RECORD takes */
	STATEMENT_PAGE_COUNT,	 /* a row: pages of the database, the free ones included */
	STATEMENT_FREE_COUNT,	 /* a row: free pages */
	STATEMENT_GIVE_BACK,	 /* a row for each of a few free pages given back */
	STATEMENT_COUNT,
};

enum store_schema {
	SCHEMA_OURS,	/* or an empty file, which is version 0 */
	SCHEMA_NEWER,	/* of a later version than this one knows */
	SCHEMA_FOREIGN, /* a database, not ours */
};

/* Whether a code says that the file is broken. */
static inline bool
store_schema_is_damage(int rc)
{
	return (rc & 0xff) == SQLITE_CORRUPT || (rc & 0xff) == SQLITE_NOTADB;
}

/*
 * Takes the lock (SQLITE_BUSY: another process has it) and tells what the file is. Changes nothing.
 * Must be the first call.
 */
int store_schema_identify(sqlite3 *db, enum store_schema *schema, int *version);

/* Sets up a database that is ours, and this connection: the log, how safe, how large. */
int store_schema_configure(
    sqlite3 *db, enum store_sync sync, uint64_t max_pages, uint64_t max_log_bytes);

/* Looks at every page. If one is damaged: SQLITE_CORRUPT, and what is wrong as a string in what. */
int store_schema_check(sqlite3 *db, char *what, size_t size);

/* Brings a database of that version to the latest. Each step is a transaction of its own. */
int store_schema_migrate(sqlite3 *db, int version);

/* Makes all statements. The caller finalizes them, after a failure too; missing ones are NULL. */
int store_schema_prepare(sqlite3 *db, sqlite3_stmt *statements[STATEMENT_COUNT]);

#endif
