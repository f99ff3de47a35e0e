/*
 * sessiond/store/store.h, on the disk: the power is cut at each step that changes a file, one after
 * the other. What was not synced may be there or not, sector by sector.
 */
#include "sessiond/store/store_sqlite.h"
#include "tests/unit/store/fault_vfs.h"
#include "tests/unit/store/store_fixture.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	SECONDS = 900, /* for all of it: far more than it takes */
};

/* What the process that ended has told of itself. */
static unsigned *committed;

static void __attribute__((noreturn)) run_and_end(enum store_sync sync, unsigned nth, unsigned seed)
{
	struct store *store;

	fault_vfs_plan(FAULT_POWER, nth, 1, seed);
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

/* True if the power was cut. */
static bool
run_until_cut(enum store_sync sync, unsigned nth, unsigned seed)
{
	int status;
	pid_t pid;

	folder_clear();
	*committed = 0;
	pid = fork();
	if (pid == 0)
		run_and_end(sync, nth, seed);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) != 0)
		assert_int_equal(WEXITSTATUS(status), FAULT_EXIT);
	return WEXITSTATUS(status) != 0;
}

/*
 * How many transactions of the workload are there: all of each, and none before one that is
 * missing.
 */
static unsigned
count_transactions(unsigned nth)
{
	struct store *store = open_store(STORE_SYNC_OFF, 0);
	char *text = store_dump(store);
	unsigned n;

	assert_non_null(text);
	for (n = 0; strcmp(text, workload_expected(n)) != 0; n++)
		if (n == WORKLOAD_COUNT)
			fail_msg(
			    "cut at step %u, after %u transactions:\n%s", nth, *committed, text);
	free(text);
	store_close(&store);
	assert_integrity();
	return n;
}

/* Cuts everywhere. Of what was committed no more than so many transactions may be missing. */
static void
cut_everywhere(enum store_sync sync, unsigned missing, unsigned *most_missing)
{
	unsigned nth = 1, there;
	bool cut = true;

	*most_missing = 0;
	for (; cut; nth += step_stride()) {
		cut = run_until_cut(sync, nth, nth);
		there = count_transactions(nth);
		assert_true(there <= *committed + 1);
		assert_true(there + missing >= *committed);
		if (there + *most_missing < *committed)
			*most_missing = *committed - there;
		assert_int_equal(count_files("sessions.db.damaged"), 0);
	}
	assert_int_equal(*committed, WORKLOAD_COUNT);
	assert_true(nth > 200);
}

static void
test_full(void **state)
{
	unsigned most;

	(void)state;
	cut_everywhere(STORE_SYNC_FULL, 0, &most);
}

/* The last ones may be missing; that some are shows that the power was cut. */
static void
test_normal(void **state)
{
	unsigned most;

	(void)state;
	cut_everywhere(STORE_SYNC_NORMAL, WORKLOAD_COUNT, &most);
	assert_true(most > 0);
}

/* Nothing is promised, but a daemon always begins: with what there is, or with nothing. */
static void
test_off(void **state)
{
	unsigned nth = 1;
	bool cut = true;

	(void)state;
	for (; cut; nth += 3 * step_stride()) {
		struct store *store;
		char *text;

		cut = run_until_cut(STORE_SYNC_OFF, nth, nth);
		store = open_store(STORE_SYNC_OFF, 0);
		text = store_dump(store);
		assert_non_null(text);
		free(text);
		store_close(&store);
		assert_integrity();
	}
}

/* What a transaction costs in syncs: none, but for moving the log; or one. */
static void
test_syncs(void **state)
{
	static const unsigned most[] = {0, 0, 1};

	(void)state;
	for (int sync = STORE_SYNC_OFF; sync <= STORE_SYNC_FULL; sync++) {
		struct store *store;

		folder_clear();
		store = open_store((enum store_sync)sync, 16 * STORE_LIMIT_MIN);
		put_session(store, 1);
		fault_vfs_plan(FAULT_NONE, 0, 0, 0);
		for (unsigned i = 0; i < 20; i++)
			put_message(store, 1, i, "m");
		assert_int_equal(fault_vfs_syncs(), 20 * most[sync]);
		store_close(&store);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_full),
	    cmocka_unit_test(test_normal),
	    cmocka_unit_test(test_off),
	    cmocka_unit_test(test_syncs),
	};

	alarm(SECONDS);
	fault_vfs_register();
	committed = mmap(
	    NULL, sizeof *committed, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (committed == MAP_FAILED)
		return 1;
	return cmocka_run_group_tests_name("store_power", tests, folder_setup, folder_teardown);
}
