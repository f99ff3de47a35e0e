/*
 * See store_row.h. The order of parameters and columns is that of the statements' texts.
 */
#include "sessiond/store/store_row.h"

void
store_row_bind(sqlite3_stmt *statement, int parameter, uint64_t number)
{
	sqlite3_bind_int64(statement, parameter, (sqlite3_int64)number);
}

int
store_row_bind_blob(sqlite3_stmt *statement, int parameter, const void *data, size_t len)
{
	/* NULL would be bound as NULL. */
	return sqlite3_bind_blob64(statement, parameter, len == 0 ? "" : data, len, SQLITE_STATIC);
}

void
store_row_put_session(sqlite3_stmt *statement, const struct stored_session *session)
{
	store_row_bind(statement, 1, session->key);
	sqlite3_bind_text(statement, 2, session->service, -1, SQLITE_STATIC);
	store_row_bind_blob(statement, 3, session->id, session->id_len);
	sqlite3_bind_text(statement, 4, session->uuid, -1, SQLITE_STATIC);
	sqlite3_bind_int(statement, 5, session->transport);
	sqlite3_bind_int(statement, 6, session->state);
	sqlite3_bind_int(statement, 7, session->close_code);
	store_row_bind_blob(statement, 8, session->close_reason, session->close_reason_len);
	store_row_bind_blob(statement, 9, session->info, session->info_len);
}

void
store_row_put_delivery(
    sqlite3_stmt *statement, uint64_t key, const struct stored_delivery *delivery)
{
	store_row_bind(statement, 1, key);
	store_row_bind_blob(statement, 2, delivery->sent_ids, delivery->sent_ids_len);
	store_row_bind(statement, 3, delivery->in_flight_link_id);
	store_row_bind(statement, 4, delivery->in_flight_index);
	store_row_bind(statement, 5, delivery->in_flight_last);
	sqlite3_bind_int(statement, 6, delivery->owes_open);
}

static const char *
text_of(sqlite3_stmt *row, int column)
{
	const unsigned char *text = sqlite3_column_text(row, column);

	return text == NULL ? "" : (const char *)text;
}

size_t
store_row_blob(sqlite3_stmt *row, int column, const char **data)
{
	*data = sqlite3_column_blob(row, column);
	return (size_t)sqlite3_column_bytes(row, column);
}

void
store_row_get(sqlite3_stmt *row, struct stored_session *session, struct stored_delivery *delivery)
{
	const char *info, *sent_ids;

	session->key = (uint64_t)sqlite3_column_int64(row, 0);
	session->service = text_of(row, 1);
	session->id_len = store_row_blob(row, 2, &session->id);
	session->uuid = text_of(row, 3);
	session->transport = sqlite3_column_int(row, 4);
	session->state = sqlite3_column_int(row, 5);
	session->close_code = sqlite3_column_int(row, 6);
	session->close_reason_len = store_row_blob(row, 7, &session->close_reason);
	session->info_len = store_row_blob(row, 8, &info);
	session->info = info;
	delivery->sent_ids_len = store_row_blob(row, 9, &sent_ids);
	delivery->sent_ids = sent_ids;
	delivery->in_flight_link_id = (uint64_t)sqlite3_column_int64(row, 10);
	delivery->in_flight_index = (uint64_t)sqlite3_column_int64(row, 11);
	delivery->in_flight_last = (uint64_t)sqlite3_column_int64(row, 12);
	delivery->owes_open = sqlite3_column_int(row, 13) != 0;
}
