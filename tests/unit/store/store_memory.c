/*
 * See store_memory.h. Called by tests only. A transaction works on a copy of everything, which then
 * takes the place of what was there: simple enough to be the model that the other backend is held
 * against.
 */
#include "tests/unit/store/store_memory.h"
#include "sessiond/store/store_backend.h"

#include <stdlib.h>
#include <string.h>

enum {
	ROW_COST = 64, /* bytes a session or a message costs beside its own */
};

struct blob {
	char *data; /* with a NUL behind it */
	size_t len;
};

struct row_message {
	uint64_t position;
	struct blob data;
};

struct row {
	struct stored_session session; /* without its pointers */
	struct stored_delivery delivery;
	struct blob service, id, uuid, close_reason, info, sent_ids;
	struct row_message *messages; /* by position */
	size_t message_count;
};

struct row_record {
	struct stored_record record; /* without its data */
	struct blob data;
};

struct contents {
	struct row *rows; /* by key */
	size_t count;
	struct row_record *records; /* by kind, number and part */
	size_t record_count;
};

struct memory_store {
	struct store base;
	struct contents committed, working;
	uint64_t limit;
	unsigned calls, fail_at; /* 0: not at all */
	enum store_result fail_as;
	bool damaged;
};

static struct memory_store *
memory_of(struct store *store)
{
	return (struct memory_store *)store;
}

/* --- what is stored */

static void *
resize(void *base, size_t count, size_t size)
{
	base = reallocarray(base, count + 1, size);
	if (base == NULL)
		abort();
	return base;
}

static struct blob
blob_copy(const void *data, size_t len)
{
	struct blob blob = {resize(NULL, len, 1), len};

	if (len > 0)
		memcpy(blob.data, data, len);
	blob.data[len] = '\0';
	return blob;
}

static void
blob_replace(struct blob *blob, const void *data, size_t len)
{
	free(blob->data);
	*blob = blob_copy(data, len);
}

/* Deletes the first n messages. */
static void
shift_messages(struct row *row, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(row->messages[i].data.data);
	row->message_count -= n;
	memmove(row->messages, row->messages + n, row->message_count * sizeof *row->messages);
}

static void
row_free(struct row *row)
{
	if (row->messages != NULL)
		shift_messages(row, row->message_count);
	free(row->messages);
	free(row->service.data);
	free(row->id.data);
	free(row->uuid.data);
	free(row->close_reason.data);
	free(row->info.data);
	free(row->sent_ids.data);
}

static struct row
row_copy(const struct row *row)
{
	struct row copy = *row;

	copy.service = blob_copy(row->service.data, row->service.len);
	copy.id = blob_copy(row->id.data, row->id.len);
	copy.uuid = blob_copy(row->uuid.data, row->uuid.len);
	copy.close_reason = blob_copy(row->close_reason.data, row->close_reason.len);
	copy.info = blob_copy(row->info.data, row->info.len);
	copy.sent_ids = blob_copy(row->sent_ids.data, row->sent_ids.len);
	copy.messages = resize(NULL, row->message_count, sizeof *copy.messages);
	for (size_t i = 0; i < row->message_count; i++) {
		copy.messages[i].position = row->messages[i].position;
		copy.messages[i].data =
		    blob_copy(row->messages[i].data.data, row->messages[i].data.len);
	}
	return copy;
}

static void
contents_free(struct contents *contents)
{
	for (size_t i = 0; i < contents->count; i++)
		row_free(&contents->rows[i]);
	free(contents->rows);
	for (size_t i = 0; i < contents->record_count; i++)
		free(contents->records[i].data.data);
	free(contents->records);
	*contents = (struct contents){NULL, 0, NULL, 0};
}

static struct contents
contents_copy(const struct contents *contents)
{
	struct contents copy = {resize(NULL, contents->count, sizeof *copy.rows), contents->count,
	    resize(NULL, contents->record_count, sizeof *copy.records), contents->record_count};

	for (size_t i = 0; i < copy.count; i++)
		copy.rows[i] = row_copy(&contents->rows[i]);
	for (size_t i = 0; i < copy.record_count; i++) {
		const struct row_record *row = &contents->records[i];

		copy.records[i] =
		    (struct row_record){row->record, blob_copy(row->data.data, row->data.len)};
	}
	return copy;
}

static uint64_t
contents_size(const struct contents *contents)
{
	uint64_t size = 0;

	for (size_t i = 0; i < contents->count; i++) {
		const struct row *row = &contents->rows[i];

		size += ROW_COST + row->id.len + row->close_reason.len + row->info.len;
		for (size_t k = 0; k < row->message_count; k++)
			size += ROW_COST + row->messages[k].data.len;
	}
	for (size_t i = 0; i < contents->record_count; i++)
		size += ROW_COST + contents->records[i].data.len;
	return size;
}

/* Where the session is or would be. */
static size_t
row_index(const struct contents *contents, uint64_t key)
{
	size_t i = 0;

	while (i < contents->count && contents->rows[i].session.key < key)
		i++;
	return i;
}

static struct row *
row_find(struct contents *contents, uint64_t key)
{
	size_t i = row_index(contents, key);

	return i < contents->count && contents->rows[i].session.key == key ? &contents->rows[i]
									   : NULL;
}

static struct row *
row_insert(struct contents *contents, uint64_t key)
{
	size_t i = row_index(contents, key);

	contents->rows = resize(contents->rows, contents->count, sizeof *contents->rows);
	memmove(&contents->rows[i + 1], &contents->rows[i],
	    (contents->count - i) * sizeof *contents->rows);
	contents->count++;
	memset(&contents->rows[i], 0, sizeof contents->rows[i]);
	return &contents->rows[i];
}

static struct row_message *
message_insert(struct row *row, uint64_t position)
{
	struct row_message *message;
	size_t i = 0;

	while (i < row->message_count && row->messages[i].position < position)
		i++;
	if (i < row->message_count && row->messages[i].position == position)
		return &row->messages[i];
	row->messages = resize(row->messages, row->message_count, sizeof *row->messages);
	message = &row->messages[i];
	memmove(message + 1, message, (row->message_count - i) * sizeof *message);
	row->message_count++;
	*message = (struct row_message){position, {NULL, 0}};
	return message;
}

/* Below 0, 0, above 0, as a comes before b, is it, or comes after it. */
static int
compare_records(const struct stored_record *a, const struct stored_record *b)
{
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if (a->number != b->number)
		return a->number < b->number ? -1 : 1;
	return (a->part > b->part) - (a->part < b->part);
}

/* Where the record is or would be. */
static size_t
record_index(const struct contents *contents, const struct stored_record *record)
{
	size_t i = 0;

	while (
	    i < contents->record_count && compare_records(&contents->records[i].record, record) < 0)
		i++;
	return i;
}

static struct row_record *
record_insert(struct contents *contents, const struct stored_record *record)
{
	size_t i = record_index(contents, record);
	struct row_record *row;

	if (i < contents->record_count &&
	    compare_records(&contents->records[i].record, record) == 0)
		return &contents->records[i];
	contents->records =
	    resize(contents->records, contents->record_count, sizeof *contents->records);
	row = &contents->records[i];
	memmove(row + 1, row, (contents->record_count - i) * sizeof *row);
	contents->record_count++;
	*row = (struct row_record){*record, {NULL, 0}};
	return row;
}

/* --- the backend */

/* Counts a call, which fails if it is to. */
static enum store_result
count_call(struct memory_store *m)
{
	m->calls++;
	if (m->damaged)
		return STORE_DAMAGED;
	if (m->calls != m->fail_at)
		return STORE_OK;
	m->damaged = m->fail_as == STORE_DAMAGED;
	return store_fail(&m->base, m->fail_as, "failed as it was told to");
}

static enum store_result
find_room(struct memory_store *m, size_t len)
{
	uint64_t size = contents_size(&m->working);

	if (size > m->limit || len + ROW_COST > m->limit - size)
		return store_fail(&m->base, STORE_FULL, "no room");
	return STORE_OK;
}

static enum store_result
memory_begin(struct store *store)
{
	struct memory_store *m = memory_of(store);
	enum store_result result = count_call(m);

	if (result == STORE_OK)
		m->working = contents_copy(&m->committed);
	return result;
}

static enum store_result
memory_put_session(struct store *store, const struct stored_session *session)
{
	struct memory_store *m = memory_of(store);
	enum store_result result = count_call(m);
	struct row *row = row_find(&m->working, session->key);

	if (result == STORE_OK && row == NULL)
		result =
		    find_room(m, session->id_len + session->close_reason_len + session->info_len);
	if (result != STORE_OK)
		return result;
	if (row == NULL)
		row = row_insert(&m->working, session->key);
	row->session = *session;
	blob_replace(&row->service, session->service, strlen(session->service));
	blob_replace(&row->uuid, session->uuid, strlen(session->uuid));
	blob_replace(&row->id, session->id, session->id_len);
	blob_replace(&row->close_reason, session->close_reason, session->close_reason_len);
	blob_replace(&row->info, session->info, session->info_len);
	return STORE_OK;
}

static enum store_result
memory_put_delivery(struct store *store, uint64_t key, const struct stored_delivery *delivery)
{
	struct memory_store *m = memory_of(store);
	enum store_result result = count_call(m);
	struct row *row = row_find(&m->working, key);

	if (result != STORE_OK || row == NULL)
		return result;
	row->delivery = *delivery;
	blob_replace(&row->sent_ids, delivery->sent_ids, delivery->sent_ids_len);
	return STORE_OK;
}

static enum store_result
memory_put_message(
    struct store *store, uint64_t key, uint64_t position, const char *data, size_t len)
{
	struct memory_store *m = memory_of(store);
	enum store_result result = count_call(m);
	struct row *row = row_find(&m->working, key);

	if (result == STORE_OK)
		result = find_room(m, len);
	if (result == STORE_OK && row != NULL)
		blob_replace(&message_insert(row, position)->data, data, len);
	return result;
}

static enum store_result
memory_delete_messages(struct store *store, uint64_t key, uint64_t last)
{
	struct memory_store *m = memory_of(store);
	enum store_result result = count_call(m);
	struct row *row = row_find(&m->working, key);
	size_t n = 0;

	if (result != STORE_OK || row == NULL)
		return result;
	while (n < row->message_count && row->messages[n].position <= last)
		n++;
	if (n > 0)
		shift_messages(row, n);
	return STORE_OK;
}

static enum store_result
memory_delete_session(struct store *store, uint64_t key)
{
	struct memory_store *m = memory_of(store);
	enum store_result result = count_call(m);
	struct row *row = row_find(&m->working, key);

	if (result != STORE_OK || row == NULL)
		return result;
	row_free(row);
	m->working.count--;
	memmove(row, row + 1, (m->working.count - (size_t)(row - m->working.rows)) * sizeof *row);
	return STORE_OK;
}

static enum store_result
memory_put_record(struct store *store, const struct stored_record *record)
{
	struct memory_store *m = memory_of(store);
	enum store_result result = count_call(m);

	if (result == STORE_OK)
		result = find_room(m, record->len);
	if (result == STORE_OK)
		blob_replace(&record_insert(&m->working, record)->data, record->data, record->len);
	return result;
}

static enum store_result
memory_delete_records(
    struct store *store, enum store_kind kind, uint64_t number, uint64_t first, uint64_t last)
{
	struct memory_store *m = memory_of(store);
	enum store_result result = count_call(m);
	struct contents *contents = &m->working;
	size_t i, end;

	if (result != STORE_OK)
		return result;
	i = end = record_index(contents, &(struct stored_record){kind, number, first, NULL, 0});
	while (end < contents->record_count && contents->records[end].record.kind == kind &&
	    contents->records[end].record.number == number &&
	    contents->records[end].record.part <= last)
		free(contents->records[end++].data.data);
	memmove(&contents->records[i], &contents->records[end],
	    (contents->record_count - end) * sizeof *contents->records);
	contents->record_count -= end - i;
	return STORE_OK;
}

static enum store_result
memory_commit(struct store *store)
{
	struct memory_store *m = memory_of(store);
	enum store_result result = count_call(m);

	if (result != STORE_OK)
		return result;
	contents_free(&m->committed);
	m->committed = m->working;
	m->working = (struct contents){NULL, 0, NULL, 0};
	return STORE_OK;
}

static void
memory_rollback(struct store *store)
{
	contents_free(&memory_of(store)->working);
}

static enum store_result
memory_load(struct store *store, const struct store_loader *loader)
{
	struct memory_store *m = memory_of(store);

	if (m->damaged)
		return STORE_DAMAGED;
	for (size_t i = 0; i < m->committed.count; i++) {
		const struct row *row = &m->committed.rows[i];
		struct stored_session session = row->session;
		struct stored_delivery delivery = row->delivery;

		session.service = row->service.data;
		session.id = row->id.data;
		session.uuid = row->uuid.data;
		session.close_reason = row->close_reason.data;
		session.info = row->info.data;
		delivery.sent_ids = row->sent_ids.data;
		loader->session(loader->context, &session, &delivery);
		for (size_t k = 0; k < row->message_count; k++)
			loader->message(loader->context, session.key, row->messages[k].position,
			    row->messages[k].data.data, row->messages[k].data.len);
	}
	for (size_t i = 0; i < m->committed.record_count; i++) {
		struct stored_record record = m->committed.records[i].record;

		record.data = m->committed.records[i].data.data;
		record.len = m->committed.records[i].data.len;
		loader->record(loader->context, &record);
	}
	return STORE_OK;
}

static enum store_result
memory_replace(struct store *store)
{
	contents_free(&memory_of(store)->committed);
	memory_of(store)->damaged = false;
	return STORE_OK;
}

static bool
memory_tidy(struct store *store)
{
	(void)store;
	return false;
}

static uint64_t
memory_size(const struct store *store)
{
	return contents_size(&((const struct memory_store *)store)->committed);
}

static void
memory_close(struct store *store)
{
	contents_free(&memory_of(store)->committed);
	free(store);
}

static const struct store_backend memory_backend = {
    .close = memory_close,
    .load = memory_load,
    .begin = memory_begin,
    .put_session = memory_put_session,
    .put_delivery = memory_put_delivery,
    .put_message = memory_put_message,
    .delete_messages = memory_delete_messages,
    .delete_session = memory_delete_session,
    .put_record = memory_put_record,
    .delete_records = memory_delete_records,
    .commit = memory_commit,
    .rollback = memory_rollback,
    .replace = memory_replace,
    .tidy = memory_tidy,
    .size = memory_size,
};

/* --- for tests */

struct store *
store_memory_create(void)
{
	struct memory_store *m = calloc(1, sizeof *m);

	if (m == NULL)
		abort();
	m->base.backend = &memory_backend;
	m->limit = UINT64_MAX;
	return &m->base;
}

struct store *
store_memory_reopen(struct store **store)
{
	struct memory_store *old = memory_of(*store);
	struct store *reopened = store_memory_create();

	memory_of(reopened)->committed = old->committed;
	memory_of(reopened)->limit = old->limit;
	old->committed = (struct contents){NULL, 0};
	store_close(store);
	return reopened;
}

void
store_memory_fail(struct store *store, unsigned nth, enum store_result result)
{
	struct memory_store *m = memory_of(store);

	m->fail_at = nth == 0 ? 0 : m->calls + nth;
	m->fail_as = result;
}

unsigned
store_memory_calls(const struct store *store)
{
	return ((const struct memory_store *)store)->calls;
}

void
store_memory_limit(struct store *store, uint64_t bytes)
{
	memory_of(store)->limit = bytes;
}
