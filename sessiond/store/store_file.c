/*
 * See store_file.h. While the store is open, nothing here opens the database: closing it a second
 * time would give up SQLite's lock.
 */
#include "sessiond/store/store_file.h"

#include "common/file_lock.h"
#include "common/log.h"
#include "common/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

enum {
	NAMES_TRIED = 100, /* for what is set aside within one second */
	LOCK_TRIED = (1 << 30) + (1 << 16),
};

/* What SQLite may have made beside the database. */
static const char *const companions[] = {"-wal", "-shm", "-journal"};

__attribute__((format(printf, 1, 2))) static char *
name_of(const char *format, ...)
{
	va_list args;
	char *name;

	va_start(args, format);
	if (vasprintf(&name, format, args) == -1)
		abort();
	va_end(args);
	return name;
}

/* True if no other user (root excepted) may rename what is in it, but what is theirs. */
static bool
is_folder_ours(const char *path)
{
	struct stat st;
	mode_t others;

	if (stat(path, &st) == -1)
		return true;
	others = st.st_gid == 0 ? S_IWOTH : S_IWOTH | S_IWGRP;
	return (st.st_uid == 0 || st.st_uid == geteuid()) &&
	    ((st.st_mode & others) == 0 || (st.st_mode & S_ISVTX) != 0);
}

/* The same of the folder that it is in, and so on up to the root. path: real; it is cut. */
static bool
are_folders_ours(char *path)
{
	char *slash;

	for (; is_folder_ours(path); *slash = '\0') {
		slash = strrchr(path, '/');
		if (slash == NULL || slash == path)
			return is_folder_ours("/");
	}
	return false;
}

/*
 * True if no other user (root excepted) can put something else in the place of the file that path
 * names, which may not be there yet: neither is it theirs, nor one of the folders that lead to it,
 * nor may they write to one of those, unless it is sticky. A link in the last part of path must be
 * nobody else's either.
 */
static bool
is_out_of_reach(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder =
	    slash == NULL ? xstrdup(".") : name_of("%.*s", (int)(slash - path + 1), path);
	char *real = realpath(folder, NULL);
	struct stat of_file;
	bool is_ours = real == NULL || are_folders_ours(real);

	if (is_ours && lstat(path, &of_file) == 0)
		is_ours = of_file.st_uid == 0 || of_file.st_uid == geteuid();
	free(real);
	free(folder);
	return is_ours;
}

/*
 * The files of a store are opened by their names, and a damaged one is renamed. Whoever may change
 * what a name leads to could have root do that with any file. name: of path, which
 * the user has given.
 */
static int
check_reach(const char *name, const char *path, struct error *err)
{
	if (geteuid() != 0 || is_out_of_reach(name))
		return 0;
	return error_set(err, EX_CONFIG,
	    "the store %s is within another user's reach, and this process is "
	    "root: set `user` in [server], or give the store a folder of root's",
	    path);
}

/*
 * SQLite takes a lock that does not exist for one that another process holds, and waits for it. So
 * one is tried first, of a byte that SQLite does not use.
 */
static int
check_locks(int fd, const char *path, struct error *err)
{
	struct flock lock = {
	    .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = LOCK_TRIED, .l_len = 1};

	if (fcntl(fd, F_SETLK, &lock) == 0 || !file_lock_is_unknown(errno))
		return 0;
	return error_set(err, EX_CONFIG,
	    "the store %s cannot be locked: %s; the file system, NFS perhaps, has no locks: put the "
	    "store on a disk of this machine, or say `store = none`",
	    path, strerror(errno));
}

char *
store_file_make(const char *path, struct error *err)
{
	int code = EX_CONFIG, fd;
	struct stat st;
	char *name = NULL;

	if (check_reach(path, path, err) == -1)
		return NULL;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
	if (fd == -1) {
		if (errno == ENOSPC || errno == EDQUOT || errno == EMFILE || errno == ENFILE)
			code = EX_UNAVAILABLE;
		error_set(err, code, "cannot open the store %s: %s%s", path, strerror(errno),
		    errno == ENOENT ? " (its folder is not there)" : "");
		return NULL;
	}
	if (fstat(fd, &st) == 0 && !S_ISREG(st.st_mode))
		error_set(err, code, "the store %s is not a file", path);
	else if ((name = realpath(path, NULL)) == NULL)
		error_set(err, code, "cannot find the store %s: %s", path, strerror(errno));
	else if (check_locks(fd, path, err) == -1) {
		free(name);
		name = NULL;
	}
	close(fd);
	if (name != NULL && check_reach(name, path, err) == -1) {
		free(name);
		return NULL;
	}
	return name;
}

static int
check_folder(const char *path, struct error *err)
{
	const char *slash = strrchr(path, '/');
	char *folder =
	    slash == NULL ? xstrdup(".") : name_of("%.*s", (int)(slash - path + 1), path);
	int result = faccessat(AT_FDCWD, folder, W_OK | X_OK, AT_EACCESS), code = errno;

	free(folder);
	if (result == 0)
		return 0;
	return error_set(err, EX_CONFIG,
	    "the folder of the store %s: %s; it has to be there, and the daemon's user has to be able "
	    "to write to it",
	    path, strerror(code));
}

/* Who has SQLite's lock, which lies behind the first GiB of the file. */
static pid_t
holder_of(int fd)
{
	struct flock lock = {.l_type = F_WRLCK, .l_start = 1 << 30, .l_len = 512};

	return fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK ? lock.l_pid : 0;
}

int
store_file_check(const char *path, pid_t *holder, struct error *err)
{
	bool is_fine = false;
	struct stat st;
	int fd;

	*holder = 0;
	if (check_reach(path, path, err) == -1 || check_folder(path, err) == -1)
		return -1;
	fd = open(path, O_RDWR | O_CLOEXEC | O_NOCTTY);
	if (fd == -1 && errno == ENOENT)
		return 0;
	if (fd == -1)
		return error_set(
		    err, EX_CONFIG, "cannot open the store %s: %s", path, strerror(errno));
	if (fstat(fd, &st) == 0 && !S_ISREG(st.st_mode))
		error_set(err, EX_CONFIG, "the store %s is not a file", path);
	else if (check_locks(fd, path, err) == 0)
		is_fine = true;
	*holder = holder_of(fd);
	close(fd);
	return is_fine ? 0 : -1;
}

int
store_file_lock_folder(const char *path)
{
	char *folder = name_of("%.*s", (int)(strrchr(path, '/') - path + 1), path);
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	free(folder);
	if (fd != -1 && flock(fd, LOCK_EX) == -1)
		log_debug("store: the folder of %s is not locked: %s", path, strerror(errno));
	return fd;
}

/* A name for what is set aside that no file has. */
static char *
free_name(const char *path)
{
	time_t now = time(NULL);
	struct tm tm;
	struct stat st;
	char stamp[32], *name;
	int i;

	gmtime_r(&now, &tm);
	strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", &tm);
	name = name_of("%s.damaged-%s", path, stamp);
	for (i = 2; i < NAMES_TRIED && lstat(name, &st) == 0; i++) {
		free(name);
		name = name_of("%s.damaged-%s.%d", path, stamp, i);
	}
	return name;
}

char *
store_file_set_aside(const char *path)
{
	char *name = free_name(path), *from, *to;

	/*
	 * The database goes first. After a crash in between, its log is left, which is thrown away.
	 * The other way round a database without its log would be taken for whole.
	 */
	if (rename(path, name) == -1 && errno != ENOENT) {
		free(name);
		return NULL;
	}
	for (size_t i = 0; i < sizeof companions / sizeof companions[0]; i++) {
		from = name_of("%s%s", path, companions[i]);
		to = name_of("%s%s", name, companions[i]);
		rename(from, to);
		free(from);
		free(to);
	}
	return name;
}

void
store_file_reserve_log(const char *path, uint64_t bytes)
{
	char *log = name_of("%s-wal", path);
	int fd = open(log, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);

	free(log);
	if (fd == -1)
		return;
	/* Otherwise the log takes its room as it grows. */
	if (fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, (off_t)bytes) == -1)
		log_debug("store: nothing reserved for the log of %s: %s", path, strerror(errno));
	close(fd);
}

static uint64_t
size_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? (uint64_t)st.st_size : 0;
}

bool
store_file_has_log(const char *path)
{
	char *log = name_of("%s-wal", path);
	bool found = access(log, F_OK) == 0;

	free(log);
	return found;
}

uint64_t
store_file_log_size(const char *path)
{
	char *log = name_of("%s-wal", path);
	uint64_t size = size_of(log);

	free(log);
	return size;
}

uint64_t
store_file_size(const char *path)
{
	return size_of(path) + store_file_log_size(path);
}
