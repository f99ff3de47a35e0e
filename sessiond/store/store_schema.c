/* See store_schema.h. The statements that are made here are all that runs once a store is open. */
#include "sessiond/store/store_schema.h"

#include <stdio.h>
#include <string.h>

enum {
	APPLICATION_ID = 0x536a7353, /* "SjsS", in each of our databases */
	SETTING_SIZE = 128,	     /* bytes of a pragma with its value */
};

/*
 * Entry n takes version n to version n + 1. An entry that was released is never changed; a further
 * one is added.
 *
 * What changes with nearly every transaction is kept apart from what a session keeps for good, so
 * that little is written. Messages lie in the order of their sessions and positions: a row is found
 * and changed in one page, and a run of rows is deleted together.
 */
static const char *const migrations[] = {
    "CREATE TABLE sessions ("
    " key INTEGER PRIMARY KEY,"
    " service TEXT NOT NULL,"
    " id BLOB NOT NULL,"
    " uuid TEXT NOT NULL,"
    " transport INTEGER NOT NULL,"
    " state INTEGER NOT NULL,"
    " close_code INTEGER NOT NULL,"
    " close_reason BLOB NOT NULL,"
    " info BLOB NOT NULL);"
    "CREATE TABLE messages ("
    " session INTEGER NOT NULL,"
    " position INTEGER NOT NULL,"
    " data BLOB NOT NULL,"
    " PRIMARY KEY (session, position)) WITHOUT ROWID;",

    "CREATE TABLE deliveries ("
    " session INTEGER PRIMARY KEY,"
    " sent_ids BLOB NOT NULL,"
    " in_flight_connection INTEGER NOT NULL,"
    " in_flight_index INTEGER NOT NULL,"
    " in_flight_last INTEGER NOT NULL);",

    "ALTER TABLE deliveries ADD COLUMN owes_open INTEGER NOT NULL DEFAULT 0;",

    "CREATE TABLE records ("
    " kind INTEGER NOT NULL,"
    " number INTEGER NOT NULL,"
    " part INTEGER NOT NULL,"
    " data BLOB NOT NULL,"
    " PRIMARY KEY (kind, number, part)) WITHOUT ROWID;",
};

_Static_assert(sizeof migrations / sizeof migrations[0] == STORE_SCHEMA_LATEST, "a migration each");

static const char *const statement_texts[STATEMENT_COUNT] = {
    [STATEMENT_BEGIN] = "BEGIN",
    [STATEMENT_COMMIT] = "COMMIT",
    [STATEMENT_ROLLBACK] = "ROLLBACK",
    [STATEMENT_PUT_SESSION] = "REPLACE INTO sessions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    [STATEMENT_PUT_DELIVERY] = "REPLACE INTO deliveries VALUES (?, ?, ?, ?, ?, ?)",
    [STATEMENT_PUT_MESSAGE] = "REPLACE INTO messages VALUES (?, ?, ?)",
    [STATEMENT_DELETE_MESSAGES] = "DELETE FROM messages WHERE session = ? AND position <= ?",
    [STATEMENT_DELETE_SESSION] = "DELETE FROM sessions WHERE key = ?",
    [STATEMENT_DELETE_DELIVERY] = "DELETE FROM deliveries WHERE session = ?",
    [STATEMENT_HAS_SESSION] = "SELECT 1 FROM sessions WHERE key = ?",
    [STATEMENT_PUT_RECORD] = "REPLACE INTO records VALUES (?, ?, ?, ?)",
    [STATEMENT_DELETE_RECORDS] =
	"DELETE FROM records WHERE kind = ? AND number = ? AND part BETWEEN ? AND ?",
    [STATEMENT_LOAD_SESSIONS] =
	"SELECT key, service, id, uuid, transport, state, close_code, close_reason, info,"
	" sent_ids, in_flight_connection, in_flight_index, in_flight_last, owes_open"
	" FROM sessions LEFT JOIN deliveries ON session = key ORDER BY key",
    [STATEMENT_LOAD_MESSAGES] =
	"SELECT position, data FROM messages WHERE session = ? ORDER BY position",
    [STATEMENT_LOAD_RECORDS] =
	"SELECT kind, number, part, data FROM records ORDER BY kind, number, part",
    [STATEMENT_PAGE_COUNT] = "PRAGMA page_count",
    [STATEMENT_FREE_COUNT] = "PRAGMA freelist_count",
    [STATEMENT_GIVE_BACK] = "PRAGMA incremental_vacuum(64)",
};

/* Runs SQL that yields one row, and copies its first column, cut to size. */
static int
text_of(sqlite3 *db, const char *sql, char *text, size_t size)
{
	const unsigned char *value;
	sqlite3_stmt *statement;
	int rc = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);

	text[0] = '\0';
	if (rc != SQLITE_OK)
		return rc;
	if (sqlite3_step(statement) == SQLITE_ROW) {
		value = sqlite3_column_text(statement, 0);
		snprintf(text, size, "%s", value == NULL ? (const unsigned char *)"" : value);
	}
	return sqlite3_finalize(statement);
}

static int
number_of(sqlite3 *db, const char *sql, long long *number)
{
	char text[32];
	int rc = text_of(db, sql, text, sizeof text);

	*number = 0;
	sscanf(text, "%lld", number);
	return rc;
}

int
store_schema_identify(sqlite3 *db, enum store_schema *schema, int *version)
{
	long long application, latest, things;
	char mode[16];
	int rc = text_of(db, "PRAGMA locking_mode = EXCLUSIVE", mode, sizeof mode);

	if (rc == SQLITE_OK)
		rc = number_of(db, "PRAGMA application_id", &application);
	if (rc != SQLITE_OK)
		return rc;
	*schema = SCHEMA_FOREIGN;
	if (application != 0 && application != APPLICATION_ID)
		return SQLITE_OK;
	rc = number_of(db, "PRAGMA user_version", &latest);
	if (rc == SQLITE_OK)
		rc = number_of(db, "SELECT count(*) FROM sqlite_master", &things);
	if (rc != SQLITE_OK)
		return rc;
	*version = (int)latest;
	if (application == APPLICATION_ID)
		*schema = latest > STORE_SCHEMA_LATEST ? SCHEMA_NEWER : SCHEMA_OURS;
	else if (latest == 0 && things == 0)
		*schema = SCHEMA_OURS;
	return SQLITE_OK;
}

/* name = value: what it is set to is not looked at. */
static int
set(sqlite3 *db, const char *name, const char *value)
{
	char sql[SETTING_SIZE];

	snprintf(sql, sizeof sql, "PRAGMA %s = %s", name, value);
	return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

int
store_schema_configure(
    sqlite3 *db, enum store_sync sync, uint64_t max_pages, uint64_t max_log_bytes)
{
	static const char *const syncs[] = {"OFF", "NORMAL", "FULL"};
	/* Those of the file first: they count only before it has its first page. */
	static const char *const settings[][2] = {
	    {"page_size", "4096"},
	    {"auto_vacuum", "INCREMENTAL"},
	    {"temp_store", "MEMORY"},
	    {"trusted_schema", "OFF"},
	    {"cell_size_check", "ON"},
	    /* What was deleted is written over where that costs no writing of its own. */
	    {"secure_delete", "FAST"},
	};
	char number[32], mode[16];
	int rc = SQLITE_OK;

	for (size_t i = 0; i < sizeof settings / sizeof settings[0] && rc == SQLITE_OK; i++)
		rc = set(db, settings[i][0], settings[i][1]);
	if (rc == SQLITE_OK)
		rc = set(db, "synchronous", syncs[sync]);
	if (rc == SQLITE_OK)
		rc = text_of(db, "PRAGMA journal_mode = WAL", mode, sizeof mode);
	if (rc == SQLITE_OK && strcmp(mode, "wal") != 0)
		return SQLITE_CANTOPEN;
	snprintf(number, sizeof number, "%llu", (unsigned long long)max_log_bytes);
	if (rc == SQLITE_OK)
		rc = set(db, "journal_size_limit", number);
	snprintf(number, sizeof number, "%llu", (unsigned long long)max_pages);
	if (rc == SQLITE_OK)
		rc = set(db, "max_page_count", number);
	return rc;
}

int
store_schema_check(sqlite3 *db, char *what, size_t size)
{
	int rc = text_of(db, "PRAGMA quick_check(1)", what, size);

	if (rc == SQLITE_OK && strcmp(what, "ok") != 0)
		return SQLITE_CORRUPT;
	if (rc != SQLITE_OK)
		snprintf(what, size, "%s", sqlite3_errmsg(db));
	return rc;
}

int
store_schema_migrate(sqlite3 *db, int version)
{
	char number[32];
	int rc = SQLITE_OK;

	for (; version < STORE_SCHEMA_LATEST && rc == SQLITE_OK; version++) {
		rc = sqlite3_exec(db, "BEGIN", NULL, NULL, NULL);
		if (rc == SQLITE_OK)
			rc = sqlite3_exec(db, migrations[version], NULL, NULL, NULL);
		snprintf(number, sizeof number, "%d", version + 1);
		if (rc == SQLITE_OK)
			rc = set(db, "user_version", number);
		snprintf(number, sizeof number, "%d", APPLICATION_ID);
		if (rc == SQLITE_OK)
			rc = set(db, "application_id", number);
		if (rc == SQLITE_OK)
			rc = sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
	}
	return rc;
}

int
store_schema_prepare(sqlite3 *db, sqlite3_stmt *statements[STATEMENT_COUNT])
{
	int i, rc = SQLITE_OK;

	memset(statements, 0, STATEMENT_COUNT * sizeof statements[0]);
	for (i = 0; i < STATEMENT_COUNT && rc == SQLITE_OK; i++)
		rc = sqlite3_prepare_v3(
		    db, statement_texts[i], -1, SQLITE_PREPARE_PERSISTENT, &statements[i], NULL);
	return rc;
}
