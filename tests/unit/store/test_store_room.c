/*
 * sessiond/store/store.h, on the disk: limits, room given back, and a disk without room.
 */
#include "sessiond/store/store_sqlite.h"
#include "tests/unit/store/store_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

enum {
	LIMIT = STORE_LIMIT_MIN,
	LEN = 5000,
	PAGE = 4096,
};

static struct store *store;

static int
setup(void **state)
{
	(void)state;
	folder_clear();
	store = open_store(STORE_SYNC_NORMAL, 0);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	store_close(&store);
	return 0;
}

/* How many lines of what is stored contain that. */
static unsigned
count_stored(const char *part)
{
	char *text = store_dump(store);
	unsigned count = 0;

	assert_non_null(text);
	for (const char *at = text; (at = strstr(at, part)) != NULL; at++)
		count++;
	free(text);
	return count;
}

/* --- the limit */

/* A full store, told so many times, still takes every deletion. */
static void
test_delete_when_full(void **state)
{
	static const char data[LEN];
	unsigned n;

	(void)state;
	for (uint64_t key = 1; key <= 300; key++)
		put_session(store, key);
	n = fill_store(store, 1, LIMIT, LEN);
	for (unsigned i = 0; i < 300; i++) {
		struct stored_delivery delivery = {data, 100, i, i, i};

		assert_int_equal(store_begin(store), STORE_OK);
		assert_int_equal(store_put_message(store, 1, n, data, LEN), STORE_FULL);
		assert_int_equal(store_begin(store), STORE_OK);
		assert_int_equal(store_put_delivery(store, i + 1, &delivery), STORE_OK);
		assert_int_equal(store_commit(store), STORE_OK);
	}
	for (unsigned i = 0; i < n; i++) {
		assert_int_equal(store_begin(store), STORE_OK);
		assert_int_equal(store_delete_messages(store, 1, i), STORE_OK);
		assert_int_equal(store_commit(store), STORE_OK);
	}
	assert_int_equal(count_stored("message"), 0);
	assert_true(store_size(store) <= LIMIT);
}

static void
test_room_given_back(void **state)
{
	uint64_t small, large;
	unsigned calls = 0;

	(void)state;
	put_session(store, 1);
	while (store_tidy(store))
		;
	small = store_size(store);
	fill_store(store, 1, LIMIT, LEN);
	large = store_size(store);
	assert_true(large > LIMIT / 10 * 8);
	assert_int_equal(store_begin(store), STORE_OK);
	assert_int_equal(store_delete_messages(store, 1, UINT64_MAX), STORE_OK);
	assert_int_equal(store_commit(store), STORE_OK);
	while (store_tidy(store))
		calls++;
	/* By steps, down to what is worth keeping and the log. */
	assert_in_range(calls, 2, 10);
	assert_true(store_size(store) < small + (32 + 12) * 4096 + LIMIT / 8);
	assert_false(store_tidy(store));
	store_close(&store);
	assert_integrity();
	store = open_store(STORE_SYNC_NORMAL, 0);
	assert_int_equal(count_stored("session"), 1);
	assert_true(store_size(store) < small + (32 + 12) * 4096);
}

/* A transaction larger than the log should be makes it long only for a while. */
static void
test_large_transaction(void **state)
{
	static char data[LEN];

	(void)state;
	put_session(store, 1);
	assert_int_equal(store_begin(store), STORE_OK);
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(store_put_message(store, 1, i, data, LEN), STORE_OK);
	assert_int_equal(store_commit(store), STORE_OK);
	assert_true(store_size(store) > 2 * 100 * LEN);
	while (store_tidy(store))
		;
	assert_true(store_size(store) < 100 * LEN * 2);
	assert_int_equal(count_stored("message"), 100);
}

/* What another limit allows counts from then on, and what is there stays. */
static void
test_other_limit(void **state)
{
	unsigned n;

	(void)state;
	store_close(&store);
	store = open_store(STORE_SYNC_NORMAL, 4 * LIMIT);
	put_session(store, 1);
	for (n = 0; store_size(store) < 2 * LIMIT; n++) {
		static const char data[LEN];

		assert_int_equal(store_begin(store), STORE_OK);
		assert_int_equal(store_put_message(store, 1, n, data, LEN), STORE_OK);
		assert_int_equal(store_commit(store), STORE_OK);
	}
	store_close(&store);
	store = open_store(STORE_SYNC_NORMAL, LIMIT);
	assert_int_equal(count_stored("message"), n);
	assert_int_equal(store_begin(store), STORE_OK);
	assert_int_equal(store_put_message(store, 1, n, "m", 1), STORE_FULL);
	assert_int_equal(store_begin(store), STORE_OK);
	assert_int_equal(store_delete_messages(store, 1, UINT64_MAX), STORE_OK);
	assert_int_equal(store_commit(store), STORE_OK);
	put_message(store, 1, n, "m");
	while (store_tidy(store))
		;
	assert_true(store_size(store) < LIMIT);
}

/* A copy that gives nothing back, as another program makes it: there is nothing to do then. */
static void
test_copy(void **state)
{
	unsigned calls;

	(void)state;
	put_session(store, 1);
	fill_store(store, 1, LIMIT, LEN);
	store_close(&store);
	run_sql("PRAGMA journal_mode = DELETE; PRAGMA auto_vacuum = NONE; VACUUM");
	store = open_store(STORE_SYNC_NORMAL, 0);
	assert_int_equal(store_begin(store), STORE_OK);
	assert_int_equal(store_delete_messages(store, 1, UINT64_MAX), STORE_OK);
	assert_int_equal(store_commit(store), STORE_OK);
	for (calls = 0; store_tidy(store); calls++)
		assert_true(calls < 10);
	assert_int_equal(fill_store(store, 1, LIMIT, LEN) > 100, 1);
}

/* --- a disk without room */

/*
 * In a process with a small disk of its own, mounted on the folder; where that is not allowed, it
 * ends with 77.
 */
static void
mount_disk(const char *options)
{
	char map[64];
	const char *folder = in_folder("disk");
	uid_t uid = getuid();
	int fd;

	if (unshare(CLONE_NEWNS) == -1) {
		if (unshare(CLONE_NEWUSER | CLONE_NEWNS) == -1)
			_exit(77);
		snprintf(map, sizeof map, "0 %u 1", uid);
		fd = open("/proc/self/uid_map", O_WRONLY | O_CLOEXEC);
		if (fd == -1 || write(fd, map, strlen(map)) == -1)
			_exit(77);
		close(fd);
	}
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1 ||
	    mount("disk", folder, "tmpfs", 0, options) == -1)
		_exit(77);
}

#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "# line %d: not %s\n", __LINE__, #condition);              \
			_exit(1);                                                                  \
		}                                                                                  \
	} while (0)

/* Takes all the room that is left on the disk. */
static void
fill_disk(void)
{
	static const char zeros[PAGE];
	int fd = open(in_folder("disk/filler"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	CHECK(fd != -1);
	while (write(fd, zeros, sizeof zeros) > 0)
		;
	CHECK(errno == ENOSPC);
	close(fd);
}

static enum store_result
try_message(struct store *full, uint64_t position, size_t len)
{
	static const char data[10 * LEN];
	enum store_result result = store_begin(full);

	if (result == STORE_OK)
		result = store_put_message(full, 1, position, data, len);
	return result == STORE_OK ? store_commit(full) : result;
}

/* All messages up to that position, and what does not grow the store. */
static enum store_result
try_delete(struct store *full, uint64_t position)
{
	struct stored_delivery delivery = {"ids", 3, 1, 2, position};
	enum store_result result = store_begin(full);

	if (result == STORE_OK)
		result = store_delete_messages(full, 1, position);
	if (result == STORE_OK)
		result = store_put_delivery(full, 1, &delivery);
	return result == STORE_OK ? store_commit(full) : result;
}

static uint64_t
put_until_full(struct store *full, uint64_t position)
{
	enum store_result result;

	while ((result = try_message(full, position, LEN)) == STORE_OK)
		position++;
	CHECK(result == STORE_FULL);
	return position;
}

/*
 * The disk runs full below a store that could be larger: deletions go on, and all does when there
 * is room.
 */
static void __attribute__((noreturn)) run_on_full_disk(void)
{
	struct store *full;
	struct timespec a_while = {0, 1000000};
	uint64_t n, i;

	mount_disk("size=4m");
	full = store_open_sqlite(
	    in_folder("disk/sessions.db"), STORE_SYNC_NORMAL, 4 * STORE_LIMIT_MIN, NULL);
	CHECK(full != NULL);
	put_session(full, 1);
	fill_disk();
	n = put_until_full(full, 0);
	CHECK(put_until_full(full, n) == n);
	CHECK(strstr(store_error(full), "no room") != NULL);
	/* One by one: far more transactions than the log has room for. */
	for (i = 0; i < 400; i++)
		CHECK(try_delete(full, i) == STORE_OK);
	CHECK(unlink(in_folder("disk/filler")) == 0);
	/* It is not tried again with each call. */
	for (i = 0; i < 5000 && try_message(full, n, LEN) != STORE_OK; i++)
		nanosleep(&a_while, NULL);
	for (i = 1; i < 100; i++)
		CHECK(try_message(full, n + i, LEN) == STORE_OK);
	CHECK(store_size(full) <= 4 * STORE_LIMIT_MIN);
	CHECK(try_message(full, n + i, 10 * LEN) == STORE_OK);
	store_close(&full);
	_exit(0);
}

/* A disk that is full from the start is an error, not damage. */
static void __attribute__((noreturn)) open_on_full_disk(void)
{
	struct error err = ERROR_INIT;
	struct store *full;

	mount_disk("size=1m");
	fill_disk();
	full = store_open_sqlite(
	    in_folder("disk/sessions.db"), STORE_SYNC_NORMAL, STORE_LIMIT_MIN, &err);
	CHECK(full == NULL);
	CHECK(err.code == EX_UNAVAILABLE);
	CHECK(unlink(in_folder("disk/filler")) == 0);
	full = store_open_sqlite(
	    in_folder("disk/sessions.db"), STORE_SYNC_NORMAL, STORE_LIMIT_MIN, NULL);
	CHECK(full != NULL);
	put_session(full, 1);
	store_close(&full);
	_exit(0);
}

static void
run_on_disk(void (*run)(void))
{
	int status;
	pid_t pid;

	assert_int_equal(mkdir(in_folder("disk"), 0700), 0);
	pid = fork();
	if (pid == 0)
		run();
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(rmdir(in_folder("disk")), 0);
	assert_true(WIFEXITED(status));
	/*
	 * cmocka's skip() is a failure in TAP. The steps of a disk that is full are
	 * test_store_crash.c's as well.
	 */
	if (WEXITSTATUS(status) == 77) {
		print_message("# nothing can be mounted here: not looked at\n");
		return;
	}
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void
test_disk_runs_full(void **state)
{
	(void)state;
	run_on_disk(run_on_full_disk);
}

static void
test_disk_is_full(void **state)
{
	(void)state;
	run_on_disk(open_on_full_disk);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_delete_when_full, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_room_given_back, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_large_transaction, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_other_limit, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_copy, setup, teardown),
	    cmocka_unit_test(test_disk_runs_full),
	    cmocka_unit_test(test_disk_is_full),
	};

	return cmocka_run_group_tests_name("store_room", tests, folder_setup, folder_teardown);
}
