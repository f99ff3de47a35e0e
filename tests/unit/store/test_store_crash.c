/*
 * sessiond/store/store.h, on the disk: a fault at each step that changes a file, one after the
 * other, until a run is through without. Whatever happens, exactly the transactions that were
 * committed are there.
 */
#include "sessiond/store/store_sqlite.h"
#include "tests/unit/store/fault_vfs.h"
#include "tests/unit/store/store_fixture.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	FAULTS_IN_A_ROW = 7,
	PATIENCE = 10, /* seconds, until what failed for a while must work */
	SECONDS = 900, /* for all of it: far more than it takes */
};

/* --- errors, in this process */

/*
 * Opens it with the fault ahead; a second try must work, or a further one if more faults are ahead.
 */
static struct store *
open_with_faults(enum store_sync sync, unsigned count)
{
	struct store *store = NULL;

	for (unsigned i = 0; i <= count && store == NULL; i++) {
		struct error err = ERROR_INIT;

		store = store_open_sqlite(store_path, sync, STORE_LIMIT_MIN, &err);
		assert_true((store == NULL) == (err.code != 0));
		assert_true((store == NULL) == (err.text[0] != '\0'));
	}
	assert_non_null(store);
	return store;
}

/* Until it is stored: each failure says what it is, and leaves nothing. */
static void
step_with_faults(struct store *store, unsigned n, enum fault fault)
{
	time_t until = time(NULL) + PATIENCE;

	for (;;) {
		enum store_result result = workload_step(store, n);

		if (result == STORE_OK)
			return;
		assert_int_equal(result, fault == FAULT_FULL ? STORE_FULL : STORE_FAILED);
		assert_true(store_error(store)[0] != '\0');
		/* Not tried again at once: what cannot be moved into the database. */
		assert_true(time(NULL) < until);
		assert_stored(store, workload_expected(n - 1));
	}
}

/* True if the fault was met. */
static bool
run_with_faults(enum store_sync sync, enum fault fault, unsigned nth, unsigned count)
{
	struct store *store;
	unsigned met;

	folder_clear();
	fault_vfs_plan(fault, nth, count, nth);
	store = open_with_faults(sync, count);
	for (unsigned n = 1; n <= WORKLOAD_COUNT; n++) {
		step_with_faults(store, n, fault);
		while (store_tidy(store))
			;
	}
	assert_stored(store, workload_expected(WORKLOAD_COUNT));
	store_close(&store);
	met = fault_vfs_steps() >= nth;

	fault_vfs_plan(FAULT_NONE, 0, 0, 0);
	store = open_store(sync, 0);
	assert_stored(store, workload_expected(WORKLOAD_COUNT));
	store_close(&store);
	assert_integrity();
	/* What failed is no damage. */
	assert_int_equal(count_files("sessions.db.damaged"), 0);
	return met;
}

static void
run_all_with_faults(enum store_sync sync, enum fault fault, unsigned count)
{
	unsigned nth = 1;

	/* Each step, in the long check, is the first to fail once, or in a row with some others. */
	while (run_with_faults(sync, fault, nth, count))
		nth += (count + 1) / 2 * step_stride();
	/* The workload is worth something: it writes, and it moves the log more than once. */
	assert_true(nth > 300);
}

static void
test_errors(void **state)
{
	(void)state;
	run_all_with_faults(STORE_SYNC_FULL, FAULT_ERROR, 1);
}

static void
test_errors_in_a_row(void **state)
{
	(void)state;
	run_all_with_faults(STORE_SYNC_NORMAL, FAULT_ERROR, FAULTS_IN_A_ROW);
}

static void
test_full_disk(void **state)
{
	(void)state;
	run_all_with_faults(STORE_SYNC_NORMAL, FAULT_FULL, FAULTS_IN_A_ROW);
}

/* --- the end, in another */

/* What the process that ended has told of itself. */
static unsigned *committed;

static void __attribute__((noreturn)) run_and_end(enum store_sync sync, unsigned nth)
{
	struct store *store;

	fault_vfs_plan(FAULT_KILL, nth, 1, nth);
	store = store_open_sqlite(store_path, sync, STORE_LIMIT_MIN, NULL);
	if (store == NULL)
		_exit(1);
	for (unsigned n = 1; n <= WORKLOAD_COUNT; n++) {
		if (workload_step(store, n) != STORE_OK)
			_exit(2);
		*committed = n;
		while (store_tidy(store))
			;
	}
	store_close(&store);
	_exit(0);
}

/* True if it was ended. */
static bool
run_until_end(enum store_sync sync, unsigned nth)
{
	int status;
	pid_t pid;

	folder_clear();
	*committed = 0;
	pid = fork();
	if (pid == 0)
		run_and_end(sync, nth);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) != 0)
		assert_int_equal(WEXITSTATUS(status), FAULT_EXIT);
	return WEXITSTATUS(status) != 0;
}

/* The transaction that was being committed when it ended may be there, as a whole. */
static void
assert_committed(unsigned nth)
{
	struct store *store = open_store(STORE_SYNC_OFF, 0);
	char *text = store_dump(store);

	assert_non_null(text);
	if (strcmp(text, workload_expected(*committed)) != 0 &&
	    (*committed == WORKLOAD_COUNT || strcmp(text, workload_expected(*committed + 1)) != 0))
		fail_msg("ended at step %u, after %u transactions:\n%s", nth, *committed, text);
	free(text);
	store_close(&store);
	assert_integrity();
	assert_int_equal(count_files("sessions.db.damaged"), 0);
}

static void
test_end(void **state)
{
	unsigned nth = 1;
	bool ended = true;

	(void)state;
	fault_vfs_plan(FAULT_NONE, 0, 0, 0);
	for (; ended; nth += step_stride()) {
		ended = run_until_end(STORE_SYNC_NORMAL, nth);
		assert_committed(nth);
	}
	assert_int_equal(*committed, WORKLOAD_COUNT);
	assert_true(nth > 300);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_errors),
	    cmocka_unit_test(test_errors_in_a_row),
	    cmocka_unit_test(test_full_disk),
	    cmocka_unit_test(test_end),
	};

	alarm(SECONDS);
	fault_vfs_register();
	committed = mmap(
	    NULL, sizeof *committed, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (committed == MAP_FAILED)
		return 1;
	return cmocka_run_group_tests_name("store_crash", tests, folder_setup, folder_teardown);
}
