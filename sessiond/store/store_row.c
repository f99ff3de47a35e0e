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

/* Sets *data and returns its length. */
static size_t
blob_of(sqlite3_stmt *row, int column, const char **data)
{
	*data = sqlite3_column_blob(row, column);
	return (size_t)sqlite3_column_bytes(row, column);
}

static void
get_session(sqlite3_stmt *row, struct stored_session *session, struct stored_delivery *delivery)
{
	const char *info, *sent_ids;

	session->key = (uint64_t)sqlite3_column_int64(row, 0);
	session->service = text_of(row, 1);
	session->id_len = blob_of(row, 2, &session->id);
	session->uuid = text_of(row, 3);
	session->transport = sqlite3_column_int(row, 4);
	session->state = sqlite3_column_int(row, 5);
	session->close_code = sqlite3_column_int(row, 6);
	session->close_reason_len = blob_of(row, 7, &session->close_reason);
	session->info_len = blob_of(row, 8, &info);
	session->info = info;
	delivery->sent_ids_len = blob_of(row, 9, &sent_ids);
	delivery->sent_ids = sent_ids;
	delivery->in_flight_link_id = (uint64_t)sqlite3_column_int64(row, 10);
	delivery->in_flight_index = (uint64_t)sqlite3_column_int64(row, 11);
	delivery->in_flight_last = (uint64_t)sqlite3_column_int64(row, 12);
	delivery->owes_open = sqlite3_column_int(row, 13) != 0;
}

int
store_row_put_record(sqlite3_stmt *statement, const struct stored_record *record)
{
	store_row_bind(statement, 1, record->kind);
	store_row_bind(statement, 2, record->number);
	store_row_bind(statement, 3, record->part);
	return store_row_bind_blob(statement, 4, record->data, record->len);
}

/* SQLITE_DONE: there are no more rows. */
static int
result_of(int rc)
{
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int
load_messages(sqlite3_stmt *row, uint64_t key, const struct store_loader *loader)
{
	const char *data;
	size_t len;
	int rc;

	store_row_bind(row, 1, key);
	while ((rc = sqlite3_step(row)) == SQLITE_ROW) {
		len = blob_of(row, 1, &data);
		loader->message(
		    loader->context, key, (uint64_t)sqlite3_column_int64(row, 0), data, len);
	}
	sqlite3_reset(row);
	return result_of(rc);
}

static int
load_sessions(sqlite3_stmt *row, sqlite3_stmt *messages, const struct store_loader *loader)
{
	struct stored_session session;
	struct stored_delivery delivery;
	int rc;

	while ((rc = sqlite3_step(row)) == SQLITE_ROW) {
		get_session(row, &session, &delivery);
		loader->session(loader->context, &session, &delivery);
		rc = load_messages(messages, session.key, loader);
		if (rc != SQLITE_OK)
			break;
	}
	sqlite3_reset(row);
	return result_of(rc);
}

static int
load_records(sqlite3_stmt *row, const struct store_loader *loader)
{
	struct stored_record record;
	int rc;

	while ((rc = sqlite3_step(row)) == SQLITE_ROW) {
		record.kind = (enum store_kind)sqlite3_column_int(row, 0);
		record.number = (uint64_t)sqlite3_column_int64(row, 1);
		record.part = (uint64_t)sqlite3_column_int64(row, 2);
		record.len = blob_of(row, 3, &record.data);
		loader->record(loader->context, &record);
	}
	sqlite3_reset(row);
	return result_of(rc);
}

int
store_row_load(sqlite3_stmt *const statements[STATEMENT_COUNT], const struct store_loader *loader)
{
	int rc = load_sessions(
	    statements[STATEMENT_LOAD_SESSIONS], statements[STATEMENT_LOAD_MESSAGES], loader);

	return rc == SQLITE_OK ? load_records(statements[STATEMENT_LOAD_RECORDS], loader) : rc;
}
