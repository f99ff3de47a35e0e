/*
 * sessiond/store/store.h, on the disk: damaged files.
 */
#include "sessiond/store/store_sqlite.h"
#include "tests/unit/store/store_fixture.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	PAGE = 4096,
};

static int
setup(void **state)
{
	(void)state;
	folder_clear();
	return 0;
}

static void
overwrite(const char *path, off_t offset, size_t len)
{
	char rubbish[PAGE];
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	assert_true(len <= sizeof rubbish);
	memset(rubbish, 0xa5, sizeof rubbish);
	assert_true(fd != -1);
	assert_int_equal(pwrite(fd, rubbish, len, offset), len);
	close(fd);
}

/* --- damage that is found when it is opened */

/* What is at store_path is set aside as it is, and an empty store begun that works. */
static void
assert_set_aside(void)
{
	size_t len, aside_len;
	char *before = read_file(store_path, &len), *aside;
	const char *name;
	struct store *store = open_store(STORE_SYNC_NORMAL, 0);

	assert_stored(store, "");
	put_session(store, 7);
	store_close(&store);
	assert_integrity();
	name = only_file("sessions.db.damaged-");
	assert_int_equal(strlen(name), strlen(store_path) + strlen(".damaged-20240506T070809Z"));
	assert_int_equal(name[strlen(name) - 1], 'Z');
	aside = read_file(name, &aside_len);
	assert_int_equal(aside_len, len);
	assert_memory_equal(aside, before, len);
	free(before);
	free(aside);
	store = open_store(STORE_SYNC_NORMAL, 0);
	put_message(store, 7, 1, "m");
	store_close(&store);
	assert_non_null(only_file("sessions.db.damaged-"));
}

static void
test_no_database(void **state)
{
	char text[3 * PAGE];

	(void)state;
	memset(text, 'x', sizeof text);
	write_file(store_path, text, sizeof text);
	assert_set_aside();
}

static void
test_short_text(void **state)
{
	(void)state;
	write_file(store_path, "hello\n", 6);
	assert_set_aside();
}

static void
test_truncated(void **state)
{
	(void)state;
	make_store(100);
	assert_int_equal(truncate(store_path, 20 * PAGE + 100), 0);
	assert_set_aside();
}

/* Wherever a page is overwritten, whole or in its head: it is found. */
static void
test_overwritten(void **state)
{
	off_t size;

	(void)state;
	make_store(30);
	/* The file is longer: it has room for pages to come. */
	size = (off_t)number_in_file("PRAGMA page_count") * PAGE;
	for (off_t at = 0; at < size; at += PAGE) {
		folder_clear();
		make_store(30);
		overwrite(store_path, at, at % (2 * PAGE) == 0 ? PAGE : 12);
		assert_set_aside();
	}
}

/* A table that is missing, in a file which is whole otherwise. */
static void
test_missing_table(void **state)
{
	(void)state;
	make_store(1);
	run_sql("DROP TABLE deliveries");
	assert_set_aside();
}

/* An empty file is a new store: mktemp and touch make such. */
static void
test_empty_file(void **state)
{
	struct store *store;

	(void)state;
	write_file(store_path, "", 0);
	store = open_store(STORE_SYNC_NORMAL, 0);
	assert_stored(store, "");
	store_close(&store);
	assert_int_equal(count_files("sessions.db.damaged"), 0);
}

/* Several within one second have names of their own, and their logs go with them. */
static void
test_names(void **state)
{
	(void)state;
	for (int i = 0; i < 5; i++) {
		struct store *store;

		write_file(store_path, "hello", 5);
		write_file(in_folder("sessions.db-wal"), "log", 3);
		store = open_store(STORE_SYNC_NORMAL, 0);
		store_close(&store);
	}
	assert_int_equal(count_files("sessions.db.damaged-"), 10);
	assert_int_equal(count_files("sessions.db"), 11);
}

/*
 * A log that is not one, or ends in the middle, is what a crash leaves: all that was committed
 * before is there.
 */
static void
test_damaged_log(void **state)
{
	static const char rubbish[2000] = "rubbish";
	struct store *store;

	(void)state;
	make_store(3);
	write_file(in_folder("sessions.db-wal"), rubbish, sizeof rubbish);
	store = open_store(STORE_SYNC_NORMAL, 0);
	put_message(store, 1, 99, "m");
	store_close(&store);
	assert_int_equal(count_files("sessions.db.damaged"), 0);
	assert_int_equal(number_in_file("SELECT count(*) FROM messages"), 4);
}

/* --- damage that is found later */

/* Closing a file gives up all locks that a process has on it: another one has to do this. */
static void
overwrite_by_other(uint64_t size)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		for (uint64_t at = 4 * PAGE; at < size; at += PAGE)
			overwrite(store_path, (off_t)at, PAGE);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void
test_damaged_while_open(void **state)
{
	struct store *store;

	(void)state;
	/* More than SQLite keeps in memory, however much its distribution lets it. */
	sqlite3_soft_heap_limit64(1 << 20);
	make_store(1500);
	store = open_store(STORE_SYNC_OFF, 16 * STORE_LIMIT_MIN);
	overwrite_by_other(store_size(store));
	assert_null(store_dump(store));
	assert_non_null(strstr(store_error(store), store_path));
	assert_int_equal(store_begin(store), STORE_DAMAGED);
	assert_false(store_tidy(store));
	assert_int_equal(store_replace(store), STORE_OK);
	assert_stored(store, "");
	put_session(store, 1);
	put_message(store, 1, 1, "again");
	store_close(&store);
	assert_integrity();
	assert_int_equal(number_in_file("SELECT count(*) FROM messages"), 1);
	assert_non_null(only_file("sessions.db.damaged-"));
}

/* The calls of a transaction say so, too. */
static void
test_damaged_in_transaction(void **state)
{
	enum store_result result = STORE_OK;
	struct store *store;

	(void)state;
	make_store(1500);
	store = open_store(STORE_SYNC_OFF, 16 * STORE_LIMIT_MIN);
	overwrite_by_other(store_size(store));
	assert_int_equal(store_begin(store), STORE_OK);
	for (unsigned i = 0; i < 1500 && result == STORE_OK; i++)
		result = store_put_message(store, 1, i, "other", 5);
	assert_int_equal(result, STORE_DAMAGED);
	assert_int_equal(store_begin(store), STORE_DAMAGED);
	assert_int_equal(store_replace(store), STORE_OK);
	put_session(store, 1);
	store_close(&store);
}

/* Without a place for the new one: it says so, and works once there is. */
static void
test_replace_fails(void **state)
{
	struct store *store = open_store(STORE_SYNC_OFF, 0);

	(void)state;
	put_session(store, 1);
	/* The file goes, and what has its name cannot be opened. */
	assert_int_equal(unlink(store_path), 0);
	assert_int_equal(mkdir(store_path, 0700), 0);
	assert_int_equal(store_replace(store), STORE_FAILED);
	assert_non_null(strstr(store_error(store), store_path));
	assert_int_equal(store_begin(store), STORE_DAMAGED);
	assert_null(store_dump(store));
	assert_false(store_tidy(store));
	assert_int_equal(store_replace(store), STORE_FAILED);
	assert_int_equal(rmdir(store_path), 0);
	assert_int_equal(store_replace(store), STORE_OK);
	put_session(store, 2);
	store_close(&store);
	/* The directory was not ours to move. */
	assert_int_equal(count_files("sessions.db.damaged"), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_no_database, setup),
	    cmocka_unit_test_setup(test_short_text, setup),
	    cmocka_unit_test_setup(test_truncated, setup),
	    cmocka_unit_test_setup(test_overwritten, setup),
	    cmocka_unit_test_setup(test_missing_table, setup),
	    cmocka_unit_test_setup(test_empty_file, setup),
	    cmocka_unit_test_setup(test_names, setup),
	    cmocka_unit_test_setup(test_damaged_log, setup),
	    cmocka_unit_test_setup(test_damaged_while_open, setup),
	    cmocka_unit_test_setup(test_damaged_in_transaction, setup),
	    cmocka_unit_test_setup(test_replace_fails, setup),
	};

	return cmocka_run_group_tests_name("store_damage", tests, folder_setup, folder_teardown);
}
