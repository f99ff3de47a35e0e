/*
 * The rows of the store's database: what is bound to the statements of store_schema.h, and what is
 * read from them. What is bound is borrowed until the statement has run. What is read is valid
 * until the statement goes on.
 */
#ifndef SESSIOND_STORE_ROW_H
#define SESSIOND_STORE_ROW_H

#include "sessiond/store/store_schema.h"
#include "sessiond/store/store_types.h"

#include <sqlite3.h>

/* Binds all 64 bits, as the signed number that SQLite has. */
void store_row_bind(sqlite3_stmt *statement, int parameter, uint64_t number);

/* Binds bytes; data may be NULL if len is 0. Returns SQLITE_OK or SQLITE_TOOBIG. */
int store_row_bind_blob(sqlite3_stmt *statement, int parameter, const void *data, size_t len);

/* Bind all of STATEMENT_PUT_SESSION, and all of STATEMENT_PUT_DELIVERY. */
void store_row_put_session(sqlite3_stmt *statement, const struct stored_session *session);
void store_row_put_delivery(
    sqlite3_stmt *statement, uint64_t key, const struct stored_delivery *delivery);

/* Binds all of STATEMENT_PUT_RECORD. Returns SQLITE_OK or SQLITE_TOOBIG. */
int store_row_put_record(sqlite3_stmt *statement, const struct stored_record *record);

/* Tells the loader everything there is. Returns SQLITE_OK or another code. */
int
store_row_load(sqlite3_stmt *const statements[STATEMENT_COUNT], const struct store_loader *loader);

#endif
