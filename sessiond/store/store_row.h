/*
 * The rows of the store's database: what is bound to the statements of store_schema.h, and read from them. For store_sqlite.c.
 *
 * What is bound is borrowed until the statement has run, what is read until it goes on.
 */
#ifndef SESSIOND_STORE_ROW_H
#define SESSIOND_STORE_ROW_H

#include "sessiond/store/store.h"

#include <sqlite3.h>

/* All 64 bits, as the signed number that SQLite has. */
void store_row_bind(sqlite3_stmt *statement, int parameter, uint64_t number);

/* data may be NULL if len is 0. Returns SQLITE_OK, or SQLITE_TOOBIG. */
int store_row_bind_blob(sqlite3_stmt *statement, int parameter, const void *data, size_t len);

/* All of STATEMENT_PUT_SESSION, and of STATEMENT_PUT_DELIVERY. */
void store_row_put_session(sqlite3_stmt *statement, const struct stored_session *session);
void store_row_put_delivery(
    sqlite3_stmt *statement, uint64_t key, const struct stored_delivery *delivery);

/* A row of STATEMENT_LOAD_SESSIONS. */
void
store_row_get(sqlite3_stmt *row, struct stored_session *session, struct stored_delivery *delivery);

/* Sets *data and returns its length. */
size_t store_row_blob(sqlite3_stmt *row, int column, const char **data);

#endif
