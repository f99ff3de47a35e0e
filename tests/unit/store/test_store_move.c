/*
 * sessiond/store/store_move.h: what is stored lies where it belongs for each number of daemons, and
 * is whole, also if the process or the power ends at any step.
 */
#include "sessiond/store/store_move.h"
#include "sessiond/store/store_sqlite.h"
#include "tests/unit/store/fault_vfs.h"
#include "tests/unit/store/store_fixture.h"

#include "common/error.h"
#include "common/memory.h"

#include <sys/wait.h>
#include <unistd.h>

enum {
	SESSIONS = 24,
	CHANNELS = 3,
	NUMBERS = 4096, /* more than any key or number comes to */
	LINES_MAX = 400,
	LINE_SIZE = 160,
};

/* --- what rows mean, in this test: a name has it all */

static unsigned
home(const char *id, size_t len, unsigned count)
{
	unsigned sum = 0;

	for (size_t i = 0; i < len; i++)
		sum = sum * 7 + (unsigned char)id[i];
	return sum % count;
}

static const char *
name_of(const struct stored_record *record, size_t *len)
{
	*len = record->len;
	return record->len == 0 ? NULL : record->data;
}

/* Up to a colon; what is behind is a daemon's own. */
static const char *
channel_of(const struct stored_record *record, size_t *len)
{
	const char *colon = record->len == 0 ? NULL : memchr(record->data, ':', record->len);

	*len = colon == NULL ? record->len : (size_t)(colon - record->data);
	return record->len == 0 ? NULL : record->data;
}

static const struct store_move_calls calls = {home, name_of, channel_of};

static int
move(unsigned count, struct error *err)
{
	return store_move(store_path, count, &calls, err);
}

/* --- what is in all files together, in words that no number of a file is in */

struct lines {
	unsigned count;
	char text[LINES_MAX][LINE_SIZE];
	/* Of the file that is read. */
	unsigned file, files;
	unsigned parts; /* of a daemon's own that channels have, in all files */
	char ids[NUMBERS][16], channels[NUMBERS][16], workers[NUMBERS][16]; /* by key, by number */
};

static struct lines lines;

__attribute__((format(printf, 1, 2))) static void
add(const char *format, ...)
{
	va_list args;

	assert_true(lines.count < LINES_MAX);
	va_start(args, format);
	vsnprintf(lines.text[lines.count++], LINE_SIZE, format, args);
	va_end(args);
}

static void
on_session(
    void *context, const struct stored_session *session, const struct stored_delivery *delivery)
{
	(void)context;
	assert_true(session->key < NUMBERS);
	assert_int_equal(home(session->id, session->id_len, lines.files), lines.file);
	snprintf(lines.ids[session->key], 16, "%.*s", (int)session->id_len, session->id);
	add("session %s %s %d %.*s sent %.*s", lines.ids[session->key], session->uuid,
	    session->state, (int)session->info_len, (const char *)session->info,
	    (int)delivery->sent_ids_len, (const char *)delivery->sent_ids);
}

static void
on_message(void *context, uint64_t key, uint64_t position, const char *data, size_t len)
{
	(void)context;
	add("message %s %u %.*s", lines.ids[key], (unsigned)position, (int)len, data);
}

static void
on_record(void *context, const struct stored_record *record)
{
	const int len = (int)record->len;

	(void)context;
	assert_true(record->number < NUMBERS);
	switch (record->kind) {
	case STORE_CHANNEL:
		snprintf(lines.channels[record->number], 16, "%.*s", len, record->data);
		lines.parts += strchr(lines.channels[record->number], ':') != NULL;
		lines.channels[record->number][strcspn(lines.channels[record->number], ":")] = 0;
		break;
	case STORE_SUBSCRIPTION:
		add("subscription %s %s %.*s", lines.ids[record->number],
		    lines.channels[record->part], len, record->data);
		break;
	case STORE_WEBHOOK:
		assert_int_equal(lines.file, 0);
		add("webhook %.*s", len, record->data);
		break;
	case STORE_WORKER:
		snprintf(lines.workers[record->number], 16, "%.*s", len, record->data);
		add("worker %s", lines.workers[record->number]);
		break;
	case STORE_WORKER_EVENT:
		add("event %s %u %.*s", lines.workers[record->number], (unsigned)record->part, len,
		    record->data);
		break;
	case STORE_PUBLICATION:
	case STORE_MEMBER:
		break;
	}
}

static int
compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

static struct store *
open_file(unsigned file, unsigned files)
{
	char name[32] = "sessions.db";
	struct error err = ERROR_INIT;
	struct store *store;

	if (files > 1)
		snprintf(name, sizeof name, "sessions.db.%u", file);
	store = store_open_sqlite(in_folder(name), STORE_SYNC_FULL, STORE_LIMIT_MIN, &err);
	if (store == NULL)
		fail_msg("%s", err.text);
	return store;
}

/* All of it, as sorted lines; to be freed. */
static char *
dump(unsigned files)
{
	const struct store_loader loader = {on_session, on_message, on_record, NULL};
	char *text = xcalloc(LINES_MAX, LINE_SIZE + 1), *end = text;

	lines.count = lines.parts = 0;
	lines.files = files;
	for (unsigned i = 0; i < files; i++) {
		struct store *store = open_file(i, files);

		lines.file = i;
		assert_int_equal(store_load(store, &loader), STORE_OK);
		store_close(&store);
	}
	qsort(lines.text, lines.count, LINE_SIZE, compare);
	for (unsigned i = 0; i < lines.count; i++)
		end += sprintf(end, "%s\n", lines.text[i]);
	return text;
}

/* --- what is stored */

static void
put_record(
    struct store *store, enum store_kind kind, uint64_t number, uint64_t part, const char *data)
{
	const struct stored_record record = {kind, number, part, data, strlen(data)};

	assert_int_equal(store_put_record(store, &record), STORE_OK);
}

/* The nth, of everything that a session may have. */
static void
put_all(struct store *store, unsigned n)
{
	char id[16], uuid[16], text[32];
	const struct stored_delivery delivery = {.sent_ids = id, .sent_ids_len = strlen("id 10")};
	const struct stored_session session = {
	    .key = n,
	    .service = "/echo",
	    .id = id,
	    .id_len = (size_t)snprintf(id, sizeof id, "id %02u", n),
	    .uuid = uuid,
	    .state = (int)n % 3,
	    .info = "info",
	    .info_len = 4,
	};

	snprintf(uuid, sizeof uuid, "uuid-%02u", n);
	assert_int_equal(store_put_session(store, &session), STORE_OK);
	assert_int_equal(store_put_delivery(store, n, &delivery), STORE_OK);
	for (unsigned position = 3; position < 3 + n % 4; position++) {
		snprintf(text, sizeof text, "text %u of %u", position, n);
		assert_int_equal(
		    store_put_message(store, n, position, text, strlen(text)), STORE_OK);
	}
	put_record(store, STORE_SUBSCRIPTION, n, 1 + n % CHANNELS, n % 5 == 0 ? "member" : "");
	if (n % 2 == 0) {
		put_record(store, STORE_WORKER, n, 0, uuid);
		put_record(store, STORE_WORKER_EVENT, n, 7, "event");
	}
}

/* In the one file of one daemon. */
static void
make(void)
{
	static const char *const channels[CHANNELS] = {"red:1", "green:2", "blue"};
	struct store *store;

	folder_clear();
	store = open_file(0, 1);
	assert_int_equal(store_begin(store), STORE_OK);
	for (unsigned i = 0; i < CHANNELS; i++)
		put_record(store, STORE_CHANNEL, i + 1, 0, channels[i]);
	for (unsigned n = 1; n <= SESSIONS; n++)
		put_all(store, n);
	/* A websocket's, which no stored session has. */
	put_record(store, STORE_WORKER, 99, 0, "uuid-99");
	put_record(store, STORE_WORKER_EVENT, 99, 1, "close");
	put_record(store, STORE_WEBHOOK, 5, 0, "occupied");
	assert_int_equal(store_commit(store), STORE_OK);
	store_close(&store);
}

/* --- the tests */

static bool
is_there(const char *name)
{
	return access(in_folder(name), F_OK) == 0;
}

/* Those of other numbers are gone. */
static void
assert_files(unsigned count)
{
	char name[32];

	assert_int_equal(is_there("sessions.db"), count == 1);
	for (unsigned i = 0; i < 64; i++) {
		snprintf(name, sizeof name, "sessions.db.%u", i);
		assert_int_equal(is_there(name), count > 1 && i < count);
	}
}

static void
assert_moved(unsigned count, const char *expected)
{
	struct error err = ERROR_INIT;
	char *text;

	if (move(count, &err) == -1)
		fail_msg("%s", err.text);
	text = dump(count);
	assert_string_equal(text, expected);
	free(text);
	assert_files(count);
}

static void
test_numbers(void **state)
{
	static const unsigned counts[] = {1, 2, 2, 3, 1, 64, 5, 2, 1};
	char *expected;

	(void)state;
	make();
	expected = dump(1);
	assert_int_equal(lines.parts, 2);
	assert_non_null(strstr(expected, "subscription id 20 blue member\n"));
	assert_non_null(strstr(expected, "event uuid-99 1 close\n"));
	for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
		assert_moved(counts[i], expected);
	/* What was one daemon's own of a channel is not another one's. */
	assert_int_equal(lines.parts, 0);
	free(expected);
}

/* A daemon may have made more, under keys and numbers that others have as well. */
static void
test_same_numbers(void **state)
{
	struct error err = ERROR_INIT;
	struct store *store;
	char *expected;

	(void)state;
	make();
	assert_int_equal(move(2, &err), 0);
	for (unsigned i = 0; i < 2; i++) {
		char id[8];

		/* The first id of that daemon's. */
		for (unsigned n = 0; snprintf(id, sizeof id, "new %u", n) && home(id, 5, 2) != i;
		     n++)
			;
		store = open_file(i, 2);
		assert_int_equal(store_begin(store), STORE_OK);
		assert_int_equal(store_put_session(store,
				     &(struct stored_session){.key = 900,
					 .service = "/echo",
					 .id = id,
					 .id_len = 5,
					 .uuid = "uuid-new"}),
		    STORE_OK);
		put_record(store, STORE_CHANNEL, 901, 0, "white");
		put_record(store, STORE_SUBSCRIPTION, 900, 901, "");
		assert_int_equal(store_commit(store), STORE_OK);
		store_close(&store);
	}
	expected = dump(2);
	assert_non_null(strstr(expected, "subscription new 0 white \n"));
	assert_moved(1, expected);
	assert_moved(3, expected);
	free(expected);
}

static void
test_refused(void **state)
{
	struct error err = ERROR_INIT;
	struct store *store;
	int status;

	(void)state;
	make();
	store = open_file(0, 1);
	/* Another process has it: SQLite's locks are a process's. */
	if (fork() == 0)
		_exit(move(2, &err) == -1 && strstr(err.text, "another daemon uses it") != NULL
			? 0
			: 1);
	assert_true(wait(&status) > 0);
	assert_int_equal(WEXITSTATUS(status), 0);
	store_close(&store);
}

/* A backup whose name is like a daemon's. */
static void
test_copy(void **state)
{
	struct error err = ERROR_INIT;
	char *copy = xstrdup(in_folder("sessions.db.1")), *expected;

	(void)state;
	make();
	expected = dump(1);
	assert_int_equal(rename(store_path, copy), 0);
	assert_int_equal(move(1, &err), 0);
	assert_true(is_there("sessions.db.1") && !is_there("sessions.db"));
	assert_int_equal(rename(copy, store_path), 0);
	assert_moved(2, expected);
	free(expected);
	free(copy);
}

/* True if the fault was met. */
static bool
is_cut(enum fault fault, unsigned nth, unsigned count)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		struct error err = ERROR_INIT;

		fault_vfs_plan(fault, nth, 1, nth);
		_exit(move(count, &err) == 0 ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) != 0)
		assert_int_equal(WEXITSTATUS(status), FAULT_EXIT);
	return WEXITSTATUS(status) != 0;
}

/* From so many daemons to so many: after each end, the same or another number is gone on with. */
static void
cut_each_step(enum fault fault, unsigned from, unsigned to)
{
	struct error err = ERROR_INIT;
	const unsigned stride = step_stride() == 1 ? 1 : 2 * step_stride() + 1;
	unsigned nth = 1;
	char *expected;

	make();
	expected = dump(1);
	for (;; nth += stride) {
		make();
		assert_int_equal(move(from, &err), 0);
		if (!is_cut(fault, nth, to))
			break;
		assert_moved(nth % 2 == 0 ? to : nth % 5 + 1, expected);
	}
	assert_true(nth > 50);
	free(expected);
}

static void
test_killed(void **state)
{
	(void)state;
	cut_each_step(FAULT_KILL, 1, 2);
	cut_each_step(FAULT_KILL, 2, 3);
	cut_each_step(FAULT_KILL, 3, 1);
}

static void
test_power(void **state)
{
	(void)state;
	cut_each_step(FAULT_POWER, 1, 2);
	cut_each_step(FAULT_POWER, 2, 3);
	cut_each_step(FAULT_POWER, 3, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_numbers),
	    cmocka_unit_test(test_same_numbers),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_copy),
	    cmocka_unit_test(test_killed),
	    cmocka_unit_test(test_power),
	};

	fault_vfs_register();
	return cmocka_run_group_tests_name("store_move", tests, folder_setup, folder_teardown);
}
