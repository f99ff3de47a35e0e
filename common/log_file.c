/*
 * See log_file.h. Who holds the lock of a file (flock), and finds it at the path still, may rename
 * it: so no process renames the new file that another one has just made. Where there are no locks
 * (NFS), two processes may do that, which loses a part of the log, and nothing else.
 */
#include "common/log_file.h"

#include "common/file_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

enum { MODE = 0644 }; /* whose account it is may be another user than the one that runs us */

static struct {
	char path[PATH_MAX];
	size_t size;
	uid_t owner;
	gid_t group; /* the owner's */
	int fd;	     /* -1: none is open */
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

static void
set_owner(uid_t owner)
{
	const struct passwd *entry = owner == (uid_t)-1 ? NULL : getpwuid(owner);

	file.owner = entry == NULL ? (uid_t)-1 : owner;
	file.group = entry == NULL ? (gid_t)-1 : entry->pw_gid;
}

/*
 * Root opens and renames with the rights of the user that it becomes, or that its child does. The
 * folder is mostly that user's, who could put a link in its place: to a folder where only root may
 * make a file of this name. With 0 and its own group it takes its own rights back.
 */
static void
take_rights(uid_t user, gid_t group)
{
	if (geteuid() != 0 || file.owner == (uid_t)-1)
		return;
	setfsgid(group);
	setfsuid(user);
}

void
log_file_use(const char *path, size_t size, uid_t owner)
{
	if (strcmp(path, file.path) != 0)
		close_file();
	snprintf(file.path, sizeof file.path, "%s", path);
	file.size = size;
	set_owner(owner);
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
	int error;

	close_file();
	take_rights(file.owner, file.group);
	file.fd = open(file.path,
	    O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW | O_NONBLOCK, MODE);
	error = errno;
	take_rights(0, getegid());
	errno = error;
	if (file.fd == -1)
		return false;
	if (fstat(file.fd, st) == -1 || !is_plain(st)) {
		close_file();
		return false;
	}
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

/* Another process may be about to do the same, or have done it. */
static bool
make_way(struct stat *st)
{
	char former[PATH_MAX + 2];
	bool is_renamed;

	if (flock(file.fd, LOCK_EX | LOCK_NB) == -1 && !file_lock_is_unknown(errno))
		return true;
	snprintf(former, sizeof former, "%s.1", file.path);
	take_rights(file.owner, file.group);
	is_renamed = !is_current(st) || rename(file.path, former) == 0;
	take_rights(0, getegid());
	return !is_renamed || open_file(st); /* or it grows on: better than no log */
}

bool
log_file_write(const char *line, size_t len)
{
	struct stat st;
	ssize_t n;

	if (!is_current(&st) && !open_file(&st))
		return false;
	if (file.size > 0 && st.st_size > 0 && (size_t)st.st_size + len > file.size &&
	    !make_way(&st))
		return false;
	while ((n = write(file.fd, line, len)) == -1 && errno == EINTR)
		;
	if (n >= 0 && (size_t)n < len)
		errno = ENOSPC;
	return n == (ssize_t)len;
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
