/*
 * sessiond/store/store.h, on the disk: which files are opened as a store and which are not, and
 * what two daemons do with one.
 */
#include "sessiond/store/store_file.h"
#include "sessiond/store/store_sqlite.h"
#include "tests/unit/store/store_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

static int
setup(void **state)
{
	(void)state;
	folder_clear();
	return 0;
}

static void
test_mode(void **state)
{
	struct store *store = open_store(STORE_SYNC_NORMAL, 0);
	struct stat st;

	(void)state;
	assert_int_equal(stat(store_path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(stat(in_folder("sessions.db-wal"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	/* No memory is shared with anybody. */
	assert_int_equal(count_files("sessions.db"), 2);
	store_close(&store);
}

/* --- what is not damaged, but not to be used */

static void
assert_refused(const char *path, uint64_t limit, int code, const char *words)
{
	struct error err = ERROR_INIT;

	assert_null(store_open_sqlite(path, STORE_SYNC_NORMAL, limit, &err));
	assert_int_equal(err.code, code);
	if (strstr(err.text, words) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", err.text, words);
	if (strstr(err.text, path) == NULL && limit >= STORE_LIMIT_MIN)
		fail_msg("\"%s\" does not say \"%s\"", err.text, path);
	assert_int_equal(count_files("sessions.db.damaged"), 0);
}

static void
test_newer(void **state)
{
	char *before, *after;
	size_t len, after_len;

	(void)state;
	make_store(1);
	run_sql("PRAGMA user_version = 5");
	before = read_file(store_path, &len);
	assert_refused(store_path, STORE_LIMIT_MIN, EX_CONFIG, "newer version");
	after = read_file(store_path, &after_len);
	assert_int_equal(after_len, len);
	assert_memory_equal(after, before, len);
	free(before);
	free(after);
}

static void
test_foreign(void **state)
{
	static const char *const foreign[] = {
	    "CREATE TABLE bookmarks (url)",
	    "PRAGMA application_id = 77",
	    "PRAGMA user_version = 2",
	    "PRAGMA journal_mode = WAL; CREATE TABLE bookmarks (url)",
	};

	(void)state;
	for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++) {
		char *before, *after;
		size_t len, after_len;

		folder_clear();
		run_sql(foreign[i]);
		before = read_file(store_path, &len);
		assert_refused(
		    store_path, STORE_LIMIT_MIN, EX_CONFIG, "another program's database");
		after = read_file(store_path, &after_len);
		assert_int_equal(after_len, len);
		assert_memory_equal(after, before, len);
		free(before);
		free(after);
	}
}

/* As the first version made it. */
static const char version_1[] =
    "PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL; BEGIN;"
    "CREATE TABLE sessions (key INTEGER PRIMARY KEY, service TEXT NOT NULL, id BLOB NOT NULL,"
    " uuid TEXT NOT NULL, transport INTEGER NOT NULL, state INTEGER NOT NULL,"
    " close_code INTEGER NOT NULL, close_reason BLOB NOT NULL, info BLOB NOT NULL);"
    "CREATE TABLE messages (session INTEGER NOT NULL, position INTEGER NOT NULL,"
    " data BLOB NOT NULL, PRIMARY KEY (session, position)) WITHOUT ROWID;"
    "INSERT INTO sessions VALUES (3, 'chat', x'6964', 'u', 1, 2, 0, x'', x'');"
    "INSERT INTO messages VALUES (3, 8, x'6869');"
    "PRAGMA application_id = 1399485267; PRAGMA user_version = 1; COMMIT";

static void
test_migration(void **state)
{
	static const char expected[] =
	    "session 3 chat u transport 1 state 2 close 0 id[2]=id reason[0]= info[0]=%s\n"
	    "message 3.8 data[2]=hi\n";
	struct stored_delivery delivery = {"ids", 3, 1, 2, 3, true};
	struct store *store;
	char text[200];

	(void)state;
	run_sql(version_1);
	store = open_store(STORE_SYNC_NORMAL, 0);
	snprintf(text, sizeof text, expected, " sent[0]= flight 0/0/0");
	assert_stored(store, text);
	assert_int_equal(store_begin(store), STORE_OK);
	assert_int_equal(store_put_delivery(store, 3, &delivery), STORE_OK);
	assert_int_equal(store_commit(store), STORE_OK);
	store_close(&store);
	assert_int_equal(number_in_file("PRAGMA user_version"), 4);
	store = open_store(STORE_SYNC_NORMAL, 0);
	snprintf(text, sizeof text, expected, " sent[3]=ids flight 1/2/3 owes open");
	assert_stored(store, text);
	store_close(&store);
	assert_int_equal(count_files("sessions.db.damaged"), 0);
}

/* What version 2 had about a session stays; no open frame was owed. */
static void
test_migration_of_deliveries(void **state)
{
	static const char deliveries[] =
	    "CREATE TABLE deliveries (session INTEGER PRIMARY KEY, sent_ids BLOB NOT NULL,"
	    " in_flight_connection INTEGER NOT NULL, in_flight_index INTEGER NOT NULL,"
	    " in_flight_last INTEGER NOT NULL); INSERT INTO deliveries VALUES (3, x'78', 4, 5, 6);"
	    "PRAGMA user_version = 2";
	struct store *store;

	(void)state;
	run_sql(version_1);
	run_sql(deliveries);
	store = open_store(STORE_SYNC_NORMAL, 0);
	assert_stored(store,
	    "session 3 chat u transport 1 state 2 close 0 id[2]=id reason[0]= info[0]="
	    " sent[1]=x flight 4/5/6\nmessage 3.8 data[2]=hi\n");
	store_close(&store);
	assert_int_equal(count_files("sessions.db.damaged"), 0);
}

static void
test_bad_paths(void **state)
{
	(void)state;
	assert_refused(in_folder("none/sessions.db"), STORE_LIMIT_MIN, EX_CONFIG, "No such file");
	assert_refused(in_folder(""), STORE_LIMIT_MIN, EX_CONFIG, "directory");
	assert_refused("/dev/null", STORE_LIMIT_MIN, EX_CONFIG, "not a file");
	write_file(in_folder("file"), "x", 1);
	assert_refused(in_folder("file/sessions.db"), STORE_LIMIT_MIN, EX_CONFIG, "directory");
	assert_refused(store_path, STORE_LIMIT_MIN - 1, EX_CONFIG, "1048576");
	assert_int_equal(count_files("sessions.db"), 0);
}

/* --- a file system without locks, as NFS may be */

static int lock_error; /* 0: it has them */

int __real_fcntl(int fd, int command, ...);
int __wrap_fcntl(int fd, int command, void *argument);
int __wrap_fcntl64(int fd, int command, void *argument);

int
__wrap_fcntl(int fd, int command, void *argument)
{
	errno = lock_error;
	return lock_error == 0 || command != F_SETLK ? __real_fcntl(fd, command, argument) : -1;
}

int
__wrap_fcntl64(int fd, int command, void *argument)
{
	return __wrap_fcntl(fd, command, argument);
}

/* SQLite by itself takes the first of them for a lock that is held. */
static void
test_no_locks(void **state)
{
	static const int errors[] = {ENOLCK, EOPNOTSUPP, ENOSYS};
	struct error err = ERROR_INIT;
	pid_t holder;

	(void)state;
	for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
		lock_error = errors[i];
		assert_refused(store_path, STORE_LIMIT_MIN, EX_CONFIG,
		    "has no locks: put the store on a disk of this machine");
	}
	assert_int_equal(store_file_check(store_path, &holder, &err), -1);
	assert_non_null(strstr(err.text, "has no locks"));
	lock_error = EAGAIN; /* another one tries, too */
	make_store(1);
	lock_error = 0;
}

/* --- a file that somebody removes or replaces while it is in use */

static void
put_later(struct store *store, uint64_t key)
{
	const struct stored_session session = {.key = key, .service = "s", .uuid = "u"};

	assert_int_equal(store_begin(store), STORE_OK);
	assert_int_equal(store_put_session(store, &session), STORE_OK);
}

/* It is noticed before anybody is told that something is stored; then the store begins anew. */
static void
check_lost(struct store *store, unsigned set_aside)
{
	put_later(store, 2);
	assert_int_equal(store_commit(store), STORE_DAMAGED);
	assert_non_null(strstr(store_error(store), "somebody has removed or replaced"));
	assert_int_equal(store_begin(store), STORE_DAMAGED);
	assert_int_equal(store_replace(store), STORE_OK);
	assert_stored(store, "");
	put_later(store, 3);
	assert_int_equal(store_commit(store), STORE_OK);
	store_close(&store);
	assert_int_equal(count_files("sessions.db.damaged"), set_aside);
	store = open_store(STORE_SYNC_NORMAL, 0);
	assert_stored(store,
	    "session 3 s u transport 0 state 0 close 0 id[0]= reason[0]= info[0]= sent[0]= flight 0/0/0\n");
	store_close(&store);
}

static void
test_removed(void **state)
{
	struct store *store = open_store(STORE_SYNC_NORMAL, 0);

	(void)state;
	put_session(store, 1);
	assert_int_equal(unlink(store_path), 0);
	check_lost(store, 0);
}

static void
test_log_removed(void **state)
{
	struct store *store = open_store(STORE_SYNC_NORMAL, 0);

	(void)state;
	put_session(store, 1);
	assert_int_equal(unlink(in_folder("sessions.db-wal")), 0);
	check_lost(store, 1);
}

/* What was put there is kept under another name, with the log that lay beside it. */
static void
test_replaced(void **state)
{
	struct store *store;

	(void)state;
	make_store(1);
	assert_int_equal(rename(store_path, in_folder("backup")), 0);
	store = open_store(STORE_SYNC_NORMAL, 0);
	put_session(store, 1);
	assert_int_equal(rename(in_folder("backup"), store_path), 0);
	check_lost(store, 2);
}

/* As root: no file is opened, or made, that another user could have put there. */
static void
test_reach_of_others(void **state)
{
	const char *folder = in_folder("shared"), *path = in_folder("shared/s.db");
	const char *target = in_folder("target");

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(mkdir(folder, 0755), 0);
	assert_int_equal(chmod(folder, 0777), 0);
	assert_refused(path, STORE_LIMIT_MIN, EX_CONFIG, "another user's reach");
	assert_int_equal(chmod(folder, 01777), 0);
	assert_int_equal(symlink(target, path), 0);
	assert_int_equal(lchown(path, 1, 1), 0);
	assert_refused(path, STORE_LIMIT_MIN, EX_CONFIG, "another user's reach");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(chmod(folder, 0755), 0);
	assert_int_equal(chown(folder, 1, 1), 0);
	assert_refused(path, STORE_LIMIT_MIN, EX_CONFIG, "another user's reach");
	assert_int_equal(chown(folder, 0, 1), 0);
	assert_int_equal(chmod(folder, 0775), 0);
	assert_refused(path, STORE_LIMIT_MIN, EX_CONFIG, "another user's reach");
	/* A folder of root's own, but in that one. */
	assert_int_equal(mkdir(in_folder("shared/own"), 0755), 0);
	assert_refused(
	    in_folder("shared/own/s.db"), STORE_LIMIT_MIN, EX_CONFIG, "another user's reach");
	assert_int_equal(rmdir(in_folder("shared/own")), 0);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(access(target, F_OK), -1);
	/* A link of root's own that leads there. */
	assert_int_equal(symlink(path, target), 0);
	assert_refused(target, STORE_LIMIT_MIN, EX_CONFIG, "another user's reach");
	unlink(path);
	assert_int_equal(rmdir(folder), 0);
}

/* A link is followed: what is set aside is the file, not the link. */
static void
test_link(void **state)
{
	struct error err = ERROR_INIT;
	struct store *store;

	(void)state;
	write_file(store_path, "hello", 5);
	assert_int_equal(symlink(store_path, in_folder("link")), 0);
	store = store_open_sqlite(in_folder("link"), STORE_SYNC_OFF, STORE_LIMIT_MIN, &err);
	assert_non_null(store);
	store_close(&store);
	assert_non_null(only_file("sessions.db.damaged-"));
	assert_int_equal(count_files("link"), 1);
}

/* --- two daemons */

/* A process that has the store, and ends once the pipe it is given is closed, after so many ms. */
static pid_t
start_other(int *go, long ms)
{
	int ready[2], end[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe2(ready, O_CLOEXEC) | pipe2(end, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		struct store *store =
		    store_open_sqlite(store_path, STORE_SYNC_NORMAL, STORE_LIMIT_MIN, NULL);

		close(end[1]);
		if (store != NULL && write(ready[1], "x", 1) == 1 && read(end[0], &byte, 1) == 0)
			nanosleep(&(struct timespec){0, ms * 1000000}, NULL);
		if (store == NULL)
			_exit(1);
		put_session(store, 4);
		store_close(&store);
		_exit(0);
	}
	close(ready[1]);
	close(end[0]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	*go = end[1];
	return pid;
}

static void
wait_for_other(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void
test_second_daemon(void **state)
{
	int go;
	pid_t pid = start_other(&go, 0);

	(void)state;
	assert_refused(store_path, STORE_LIMIT_MIN, EX_UNAVAILABLE, "another daemon uses it");
	close(go);
	wait_for_other(pid);
	/* And it was not disturbed. */
	assert_int_equal(number_in_file("SELECT key FROM sessions"), 4);
}

/* One that is about to end is waited for. */
static void
test_daemon_that_stops(void **state)
{
	int go;
	pid_t pid = start_other(&go, 300);
	struct store *store;
	char *text;

	(void)state;
	close(go);
	store = open_store(STORE_SYNC_NORMAL, 0);
	text = store_dump(store);
	assert_non_null(strstr(text, "session 4 "));
	free(text);
	store_close(&store);
	wait_for_other(pid);
}

/*
 * The same with the damaged file of one that replaces it: what it began is waited for and left
 * alone.
 */
static void
test_damaged_for_two(void **state)
{
	pid_t pids[4];
	int go[2], status, opened = 0;
	char byte;

	(void)state;
	write_file(store_path, "hello", 5);
	assert_int_equal(pipe2(go, O_CLOEXEC), 0);
	for (int i = 0; i < 4; i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			struct store *store;

			close(go[1]);
			if (read(go[0], &byte, 1) != 0)
				_exit(2);
			store =
			    store_open_sqlite(store_path, STORE_SYNC_NORMAL, STORE_LIMIT_MIN, NULL);
			if (store == NULL)
				_exit(1);
			put_session(store, (uint64_t)i + 1);
			store_close(&store);
			_exit(0);
		}
	}
	close(go[0]);
	close(go[1]);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) <= 1);
		opened += WEXITSTATUS(status) == 0;
	}
	assert_true(opened >= 1);
	assert_int_equal(number_in_file("SELECT count(*) FROM sessions"), opened);
	assert_int_equal(count_files("sessions.db.damaged-"), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_mode, setup),
	    cmocka_unit_test_setup(test_newer, setup),
	    cmocka_unit_test_setup(test_foreign, setup),
	    cmocka_unit_test_setup(test_migration, setup),
	    cmocka_unit_test_setup(test_migration_of_deliveries, setup),
	    cmocka_unit_test_setup(test_bad_paths, setup),
	    cmocka_unit_test_setup(test_no_locks, setup),
	    cmocka_unit_test_setup(test_reach_of_others, setup),
	    cmocka_unit_test_setup(test_removed, setup),
	    cmocka_unit_test_setup(test_log_removed, setup),
	    cmocka_unit_test_setup(test_replaced, setup),
	    cmocka_unit_test_setup(test_link, setup),
	    cmocka_unit_test_setup(test_second_daemon, setup),
	    cmocka_unit_test_setup(test_daemon_that_stops, setup),
	    cmocka_unit_test_setup(test_damaged_for_two, setup),
	};

	return cmocka_run_group_tests_name("store_open", tests, folder_setup, folder_teardown);
}
