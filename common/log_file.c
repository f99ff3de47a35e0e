/*
 * See log_file.h. Who holds the lock of a file (flock), and finds it at the path still, may rename
 * it: so no process renames the new file that another one has just made. Where there are no locks
 * (NFS), two processes may do that, which loses a part of the log, and nothing else.
 */
#include "common/log_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

enum { MODE = 0644 }; /* whose account it is may be another user than the one that runs us */

static struct {
	char path[PATH_MAX];
	size_t size;
	uid_t owner;
	int fd; /* -1: none is open */
	dev_t device;
	ino_t inode;
} file = {.fd = -1};

static void
close_file(void)
{
	if (file.fd != -1)
		close(file.fd);
	file.fd = -1;
}

void
log_file_use(const char *path, size_t size, uid_t owner)
{
	if (strcmp(path, file.path) != 0)
		close_file();
	snprintf(file.path, sizeof file.path, "%s", path);
	file.size = size;
	file.owner = owner;
}

int
log_file_descriptor(void)
{
	return file.fd;
}

const char *
log_file_path(void)
{
	return file.path;
}

/* True if it is nothing that another user could make root write to: a device, a second name. */
static bool
is_plain(const struct stat *st)
{
	errno = EPERM;
	return S_ISREG(st->st_mode) && st->st_nlink <= 1;
}

static bool
open_file(struct stat *st)
{
	close_file();
	file.fd = open(file.path,
	    O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW | O_NONBLOCK, MODE);
	if (file.fd == -1)
		return false;
	if (fstat(file.fd, st) == -1 || !is_plain(st)) {
		close_file();
		return false;
	}
	if (geteuid() == 0 && file.owner != (uid_t)-1 && st->st_uid == 0 && st->st_size == 0 &&
	    fchown(file.fd, file.owner, (gid_t)-1) == -1)
		return true; /* the next process says that it cannot write there */
	file.device = st->st_dev;
	file.inode = st->st_ino;
	return true;
}

/* Stores what is at the path. True if that is the open file. */
static bool
is_current(struct stat *st)
{
	return file.fd != -1 && stat(file.path, st) == 0 && st->st_dev == file.device &&
	    st->st_ino == file.inode;
}

static bool
has_locks(int error)
{
	return error != ENOLCK && error != EOPNOTSUPP && error != ENOSYS;
}

/* Another process may be about to do the same, or have done it. */
static bool
make_way(struct stat *st)
{
	char former[PATH_MAX + 2];

	if (flock(file.fd, LOCK_EX | LOCK_NB) == -1 && has_locks(errno))
		return true;
	snprintf(former, sizeof former, "%s.1", file.path);
	if (is_current(st) && rename(file.path, former) == -1)
		return true; /* it grows on: better than no log */
	return open_file(st);
}

bool
log_file_write(const char *line, size_t len)
{
	struct stat st;

	if (!is_current(&st) && !open_file(&st))
		return false;
	if (file.size > 0 && st.st_size > 0 && (size_t)st.st_size + len > file.size &&
	    !make_way(&st))
		return false;
	while (write(file.fd, line, len) == -1 && errno == EINTR)
		;
	return true;
}

int
log_file_check(const char *path, struct error *err)
{
	const char *slash = strrchr(path, '/');
	char folder[PATH_MAX];
	struct stat st;

	if (lstat(path, &st) == 0 && !is_plain(&st))
		return error_set(err, EX_CONFIG, "log: %s: it is no plain file", path);
	if (faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) == 0)
		return 0;
	snprintf(folder, sizeof folder, "%.*s", slash == NULL ? 1 : (int)(slash - path + 1),
	    slash == NULL ? "." : path);
	if (errno == ENOENT && faccessat(AT_FDCWD, folder, W_OK | X_OK, AT_EACCESS) == 0)
		return 0;
	return error_set(err, EX_CONFIG, "log: %s: %s", path, strerror(errno));
}
