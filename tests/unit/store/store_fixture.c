/*
 * See store_fixture.h.
 */
#include "sessiond/store/store_sqlite.h"
#include "tests/unit/store/store_fixture.h"

#include "tests/unit/store/store_memory.h"

#include <dirent.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	NAME_SIZE = 400,
	SENT_IDS_SIZE = 260,
	LARGE = 50 * 4096, /* bytes: when it is deleted, so much is free that some is given back */
	LARGE_STEP = 5,
	FILL_MAX = 10000,
};

static char folder[NAME_SIZE];
const char *store_path;

static const char *
keep(const char *text)
{
	static char **kept;
	static unsigned count;

	for (unsigned i = 0; i < count; i++)
		if (strcmp(kept[i], text) == 0)
			return kept[i];
	/* No bound: names of files have the time in them, and a slow machine takes more seconds. */
	kept = realloc(kept, (count + 1) * sizeof *kept);
	assert_non_null(kept);
	kept[count] = strdup(text);
	assert_non_null(kept[count]);
	return kept[count++];
}

const char *
in_folder(const char *name)
{
	char path[2 * NAME_SIZE];

	snprintf(path, sizeof path, "%s/%s", folder, name);
	return keep(path);
}

int
folder_setup(void **state)
{
	/* In memory where that can be: thousands of files come and go. */
	const char *above = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
	char name[NAME_SIZE];

	(void)state;
	snprintf(name, sizeof name, "%s/sockjs-store-XXXXXX", above);
	if (mkdtemp(name) == NULL)
		return -1;
	snprintf(folder, sizeof folder, "%s", name);
	store_path = in_folder("sessions.db");
	return 0;
}

void
folder_clear(void)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;

	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL)
		if (entry->d_name[0] != '.')
			unlinkat(dirfd(dir), entry->d_name, 0);
	closedir(dir);
}

int
folder_teardown(void **state)
{
	(void)state;
	folder_clear();
	return rmdir(folder);
}

unsigned
step_stride(void)
{
	if (getenv("SOCKJS_LONG") != NULL)
		return 1;
	return getenv("SOCKJS_SANITIZED") == NULL ? 11 : 49;
}

unsigned
count_files(const char *begin)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	unsigned count = 0;

	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL)
		count += strncmp(entry->d_name, begin, strlen(begin)) == 0;
	closedir(dir);
	return count;
}

const char *
only_file(const char *begin)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	const char *found = NULL;

	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL) {
		if (strncmp(entry->d_name, begin, strlen(begin)) != 0 ||
		    strstr(entry->d_name, "-wal") != NULL)
			continue;
		assert_null(found);
		found = in_folder(entry->d_name);
	}
	closedir(dir);
	assert_non_null(found);
	return found;
}

struct store *
open_store(enum store_sync sync, uint64_t limit)
{
	struct error err = ERROR_INIT;
	struct store *store =
	    store_open_sqlite(store_path, sync, limit == 0 ? STORE_LIMIT_MIN : limit, &err);

	if (store == NULL)
		fail_msg("%s", err.text);
	assert_int_equal(err.code, 0);
	return store;
}

/* --- what is stored */

/* Bytes that are long are shown by what they begin with and a sum. */
static void
dump_bytes(FILE *out, const char *name, const void *data, size_t len)
{
	const unsigned char *bytes = data;
	unsigned sum = 0;

	for (size_t i = 0; i < len; i++)
		sum = sum * 31 + bytes[i];
	fprintf(out, " %s[%zu]=", name, len);
	for (size_t i = 0; i < len && i < 16; i++)
		fprintf(out, bytes[i] > 0x20 && bytes[i] < 0x7f ? "%c" : "\\%02x", bytes[i]);
	if (len > 16)
		fprintf(out, "...%08x", sum);
}

static void
dump_session(
    void *context, const struct stored_session *session, const struct stored_delivery *delivery)
{
	FILE *out = context;

	fprintf(out, "session %llu %s %s transport %d state %d close %d",
	    (unsigned long long)session->key, session->service, session->uuid, session->transport,
	    session->state, session->close_code);
	dump_bytes(out, "id", session->id, session->id_len);
	dump_bytes(out, "reason", session->close_reason, session->close_reason_len);
	dump_bytes(out, "info", session->info, session->info_len);
	dump_bytes(out, "sent", delivery->sent_ids, delivery->sent_ids_len);
	fprintf(out, " flight %llx/%llx/%llx%s\n", (unsigned long long)delivery->in_flight_link_id,
	    (unsigned long long)delivery->in_flight_index,
	    (unsigned long long)delivery->in_flight_last, delivery->owes_open ? " owes open" : "");
}

static void
dump_message(void *context, uint64_t key, uint64_t position, const char *data, size_t len)
{
	FILE *out = context;

	fprintf(out, "message %llu.%llu", (unsigned long long)key, (unsigned long long)position);
	dump_bytes(out, "data", data, len);
	fprintf(out, "\n");
}

static void
dump_record(void *context, const struct stored_record *record)
{
	FILE *out = context;

	fprintf(out, "record %d %llu.%llu", (int)record->kind, (unsigned long long)record->number,
	    (unsigned long long)record->part);
	dump_bytes(out, "data", record->data, record->len);
	fprintf(out, "\n");
}

char *
store_dump(struct store *store)
{
	struct store_loader loader = {dump_session, dump_message, dump_record, NULL};
	enum store_result result;
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	loader.context = out;
	result = store_load(store, &loader);
	fclose(out);
	if (result == STORE_OK)
		return text;
	free(text);
	return NULL;
}

void
assert_stored(struct store *store, const char *expected)
{
	char *text = store_dump(store);

	if (text == NULL)
		fail_msg("%s", store_error(store));
	assert_string_equal(text, expected);
	free(text);
}

void
assert_integrity(void)
{
	const char *text;
	sqlite3_stmt *statement;
	sqlite3 *db;

	assert_int_equal(
	    sqlite3_open_v2(store_path, &db, SQLITE_OPEN_READWRITE, "unix"), SQLITE_OK);
	assert_int_equal(
	    sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &statement, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	text = (const char *)sqlite3_column_text(statement, 0);
	assert_non_null(text);
	assert_string_equal(text, "ok");
	sqlite3_finalize(statement);
	sqlite3_close(db);
}

/* --- what is put */

static void
assert_ok(struct store *store, enum store_result result)
{
	if (result != STORE_OK)
		fail_msg("%d: %s", result, store_error(store));
}

/* With info_len bytes that depend on the key. */
static enum store_result
try_session(struct store *store, uint64_t key, int state)
{
	char info[200], id[20];
	struct stored_session session = {
	    .key = key,
	    .service = "echo",
	    .id = id,
	    .id_len = (size_t)snprintf(id, sizeof id, "id-%llu", (unsigned long long)key),
	    .uuid = "0d9c6b1e",
	    .transport = 3,
	    .state = state,
	    .info = info,
	    .info_len = sizeof info,
	};

	memset(info, (int)('a' + key % 26), sizeof info);
	return store_put_session(store, &session);
}

void
put_session(struct store *store, uint64_t key)
{
	assert_ok(store, store_begin(store));
	assert_ok(store, try_session(store, key, 1));
	assert_ok(store, store_commit(store));
}

void
put_message(struct store *store, uint64_t key, uint64_t position, const char *text)
{
	assert_ok(store, store_begin(store));
	assert_ok(store, store_put_message(store, key, position, text, strlen(text)));
	assert_ok(store, store_commit(store));
}

unsigned
fill_store(struct store *store, uint64_t key, uint64_t limit, size_t len)
{
	static const char data[FILL_MAX];
	enum store_result result = STORE_OK;
	unsigned n;

	assert_true(len <= sizeof data);
	for (n = 0; result == STORE_OK; n++) {
		assert_true(n <= limit / len);
		assert_int_equal(store_begin(store), STORE_OK);
		result = store_put_message(store, key, n, data, len);
		if (result == STORE_OK)
			result = store_commit(store);
		assert_true(store_size(store) <= limit);
	}
	assert_int_equal(result, STORE_FULL);
	assert_true(store_error(store)[0] != '\0');
	return n - 1;
}

void
write_file(const char *path, const void *data, size_t len)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
}

char *
read_file(const char *path, size_t *len)
{
	FILE *file = fopen(path, "re");
	struct stat st;
	char *data;

	assert_non_null(file);
	assert_int_equal(fstat(fileno(file), &st), 0);
	*len = (size_t)st.st_size;
	data = malloc(*len + 1);
	assert_non_null(data);
	assert_int_equal(fread(data, 1, *len, file), *len);
	fclose(file);
	return data;
}

void
run_sql(const char *sql)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(store_path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

long long
number_in_file(const char *sql)
{
	sqlite3_stmt *statement;
	long long number;
	sqlite3 *db;

	assert_int_equal(sqlite3_open(store_path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	number = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	sqlite3_close(db);
	return number;
}

void
make_store(unsigned messages)
{
	struct store *store = open_store(STORE_SYNC_OFF, 16 * STORE_LIMIT_MIN);
	char text[LONG_TEXT];

	memset(text, 'm', sizeof text);
	text[LONG_TEXT - 1] = '\0';
	put_session(store, 1);
	for (unsigned i = 0; i < messages; i++)
		put_message(store, 1, i, text);
	store_close(&store);
}

/* --- the workload */

static enum store_result
step_messages(struct store *store, uint64_t key, unsigned n)
{
	static const size_t lengths[] = {10, 700, 0, 9000};
	static char data[LARGE];
	enum store_result result = STORE_OK;
	unsigned i;

	memset(data, (int)('A' + n % 26), n == LARGE_STEP ? LARGE : 9000);
	for (i = 0; i <= n % 4 && result == STORE_OK; i++)
		result = store_put_message(store, key, n * 10 + i, data, lengths[(n + i) % 4]);
	if (n == LARGE_STEP && result == STORE_OK)
		result = store_put_message(store, key, n * 10 + i, data, LARGE);
	return result;
}

/* A channel and its history: the last three of it. */
static enum store_result
step_records(struct store *store, unsigned n)
{
	char data[40];
	struct stored_record record = {STORE_CHANNEL, 1 + n % 2, 0, data, sizeof data};
	enum store_result result;

	memset(data, (int)('a' + n % 26), sizeof data);
	result = store_put_record(store, &record);
	record.kind = STORE_PUBLICATION;
	record.part = n;
	if (result == STORE_OK)
		result = store_put_record(store, &record);
	if (result == STORE_OK && n > 6)
		result = store_delete_records(store, STORE_PUBLICATION, record.number, 0, n - 6);
	return result;
}

static enum store_result
step_inside(struct store *store, unsigned n)
{
	uint64_t key = (n + 4) / 5;
	char sent_ids[SENT_IDS_SIZE];
	struct stored_delivery delivery = {sent_ids, sizeof sent_ids, n | UINT64_C(1) << 63, n, n};
	enum store_result result = STORE_OK;

	memset(sent_ids, (int)('0' + n % 10), sizeof sent_ids);
	if (n % 5 == 1 || n % 5 == 4)
		result = try_session(store, key, (int)n);
	if (result == STORE_OK)
		result = store_put_delivery(store, key, &delivery);
	if (result == STORE_OK)
		result = step_messages(store, key, n);
	if (result == STORE_OK)
		result = step_records(store, n);
	if (result == STORE_OK && n % 3 == 0)
		result = store_delete_messages(store, key, (n - 1) * 10 + 1);
	if (result == STORE_OK && (n == 9 || n == 15))
		result = store_delete_session(store, key - 1);
	return result;
}

enum store_result
workload_step(struct store *store, unsigned n)
{
	enum store_result result = store_begin(store);

	if (result == STORE_OK)
		result = step_inside(store, n);
	if (result == STORE_OK)
		result = store_commit(store);
	return result;
}

const char *
workload_expected(unsigned n)
{
	static char *expected[WORKLOAD_COUNT + 1];
	struct store *model;

	if (expected[0] == NULL) {
		model = store_memory_create();
		expected[0] = store_dump(model);
		for (unsigned i = 1; i <= WORKLOAD_COUNT; i++) {
			assert_ok(model, workload_step(model, i));
			expected[i] = store_dump(model);
		}
		store_close(&model);
	}
	assert_true(n <= WORKLOAD_COUNT);
	return expected[n];
}
