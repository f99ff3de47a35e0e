/*
 * See socket_file.h. A descriptor of O_PATH holds a file without opening it, be it a link.
 */
#include "system/socket_file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

/* --- the folder ------------------------------------------------------------------------------- */

/* A name in a folder. */
struct place {
	int folder; /* -1: there is none */
	char path[PATH_MAX];
	const char *name; /* in path */
};

static void
place_open(struct place *place, const char *path)
{
	char folder[PATH_MAX];

	snprintf(place->path, sizeof place->path, "%s", path);
	snprintf(folder, sizeof folder, "%s", path);
	place->name = basename(place->path);
	place->folder = open(dirname(folder), O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static void
place_close(struct place *place)
{
	if (place->folder != -1)
		close(place->folder);
}

/* --- what is there ---------------------------------------------------------------------------- */

static struct sockaddr_un
address_of(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	return address;
}

/* What connecting to the address gives: 0, or an errno. */
static int
probe(const char *path)
{
	const struct sockaddr_un address = address_of(path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int code = 0;

	if (fd == -1 || connect(fd, (const struct sockaddr *)&address, sizeof address) == -1)
		code = errno;
	if (fd != -1)
		close(fd);
	return code;
}

enum occupant { NOTHING, STALE, SERVED };

/* What has the name, or -1 and an error if it is nothing that a socket may take the place of. */
static int
find_occupant(const struct place *place, const char *path, struct error *err)
{
	struct stat st;
	int code;

	if (fstatat(place->folder, place->name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return NOTHING; /* bind says what is wrong with the folder */
	if (!S_ISSOCK(st.st_mode))
		return error_set(
		    err, EX_UNAVAILABLE, "cannot listen on %s: it exists and is no socket", path);
	code = probe(path);
	if (code == ECONNREFUSED || code == ENOENT)
		return STALE;
	if (code == 0 || code == EAGAIN)
		return SERVED;
	return error_set(err, EX_UNAVAILABLE,
	    "cannot listen on %s: there is a socket that this process cannot look at: %s", path,
	    strerror(code));
}

static int
cannot_remove(const char *path, int code, struct error *err)
{
	return error_set(err, EX_UNAVAILABLE,
	    "cannot listen on %s: a dead process has left its socket, which this one cannot remove: %s",
	    path, strerror(code));
}

static int
cannot_give(const char *path, int code, struct error *err)
{
	return error_set(err, EX_NOPERM, "%s: cannot give it to another group: %s%s", path,
	    strerror(code),
	    geteuid() == 0 ? "" : " (socket_group must be one that this user is in)");
}

static int
clear(const struct place *place, const char *path, const char *option, struct error *err)
{
	int occupant = find_occupant(place, path, err);

	if (occupant == SERVED)
		return error_set(err, EX_UNAVAILABLE,
		    "cannot listen on %s: another process does (choose another with --%s PATH)",
		    path, option);
	if (occupant == STALE && unlinkat(place->folder, place->name, 0) == -1 && errno != ENOENT)
		return cannot_remove(path, errno, err);
	return occupant == -1 ? -1 : 0;
}

int
socket_file_clear(const char *path, const char *option, struct error *err)
{
	struct place place;
	int status;

	place_open(&place, path);
	status = clear(&place, path, option, err);
	place_close(&place);
	return status;
}

void
socket_file_remove(const char *path, const struct socket_file *file)
{
	struct place place;
	struct stat st;

	if (file->inode == 0)
		return;
	place_open(&place, path);
	if (fstatat(place.folder, place.name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    st.st_dev == file->device && st.st_ino == file->inode)
		unlinkat(place.folder, place.name, 0);
	place_close(&place);
}

/* --- what would be ---------------------------------------------------------------------------- */

/* In a sticky folder only the owner of a file removes it. */
static bool
may_remove(const struct place *place)
{
	struct stat folder, file;

	if (geteuid() == 0 || fstat(place->folder, &folder) == -1 ||
	    fstatat(place->folder, place->name, &file, AT_SYMLINK_NOFOLLOW) == -1)
		return true;
	return (folder.st_mode & S_ISVTX) == 0 || folder.st_uid == geteuid() ||
	    file.st_uid == geteuid();
}

static bool
is_own_group(gid_t group)
{
	gid_t groups[NGROUPS_MAX];
	int n = getgroups(NGROUPS_MAX, groups);

	while (n > 0)
		if (groups[--n] == group)
			return true;
	return group == getegid();
}

/* bind(2) has failed, or would. */
static int
cannot_make(const char *path, int code, struct error *err)
{
	return error_set(err, EX_UNAVAILABLE, "cannot listen on %s: %s%s", path, strerror(code),
	    code == ENOENT	 ? " (its folder is not there)"
		: code == EACCES ? " (this user may not make a file in its folder)"
				 : "");
}

static int
check_folder(const struct place *place, enum occupant occupant, const char *path, struct error *err)
{
	if (place->folder == -1)
		return error_set(err, EX_UNAVAILABLE,
		    "cannot listen on %s: there is no such folder, or it is out of reach", path);
	if (faccessat(place->folder, ".", W_OK | X_OK, AT_EACCESS) == -1)
		return cannot_make(path, errno, err);
	if (occupant == STALE && !may_remove(place))
		return cannot_remove(path, EACCES, err);
	return 0;
}

int
socket_file_check(
    const char *path, const struct socket_access *access, bool *is_served, struct error *err)
{
	struct place place;
	int occupant, status = -1;

	place_open(&place, path);
	occupant = find_occupant(&place, path, err);
	*is_served = occupant == SERVED;
	if (occupant == SERVED)
		status = 0;
	else if (occupant != -1)
		status = check_folder(&place, occupant, path, err);
	place_close(&place);
	if (status == 0 && occupant != SERVED && access->group != (gid_t)-1 && geteuid() != 0 &&
	    !is_own_group(access->group))
		status = cannot_give(path, EPERM, err);
	return status;
}

/* --- the new file ----------------------------------------------------------------------------- */

/* Holds the file that bind has made, or says that something else has its name. */
static int
hold(const char *path, struct stat *st, struct error *err)
{
	int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	if (fd != -1 && fstat(fd, st) == 0 && S_ISSOCK(st->st_mode) && st->st_nlink == 1 &&
	    st->st_uid == geteuid())
		return fd;
	if (fd != -1)
		close(fd);
	return error_set(err, EX_UNAVAILABLE,
	    "cannot listen on %s: somebody has put something else in the socket's place", path);
}

/* fchmod does not take a descriptor of O_PATH; the name in /proc leads to what it holds. */
static int
set_mode(int held, mode_t mode)
{
	char name[40];

	snprintf(name, sizeof name, "/proc/self/fd/%d", held);
	return chmod(name, mode);
}

static int
give(int held, const struct stat *st, const struct socket_access *access, const char *path,
    struct error *err)
{
	bool is_given = access->owner != (uid_t)-1 || access->group != (gid_t)-1;

	if (is_given && fchownat(held, "", access->owner, access->group, AT_EMPTY_PATH) == -1)
		return cannot_give(path, errno, err);
	if ((st->st_mode & 07777) != access->mode && set_mode(held, access->mode) == -1)
		return error_set(err, EX_NOPERM, "%s: %s", path, strerror(errno));
	return 0;
}

int
socket_file_bind(int fd, const char *path, const struct socket_access *access,
    struct socket_file *file, struct error *err)
{
	const struct sockaddr_un address = address_of(path);
	struct stat st;
	int held, status;

	*file = (struct socket_file){0};
	/* bind makes the file with the socket's mode, less what the umask takes. */
	if (fchmod(fd, access->mode) == -1 ||
	    bind(fd, (const struct sockaddr *)&address, sizeof address) == -1)
		return cannot_make(path, errno, err);
	held = hold(path, &st, err);
	if (held == -1)
		return -1;
	*file = (struct socket_file){st.st_dev, st.st_ino};
	status = give(held, &st, access, path, err);
	close(held);
	if (status == -1)
		socket_file_remove(path, file);
	return status;
}
