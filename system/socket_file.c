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

/* True if somebody accepts at the address. */
static bool
is_served(const char *path)
{
	const struct sockaddr_un address = address_of(path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool served = fd != -1 &&
	    (connect(fd, (const struct sockaddr *)&address, sizeof address) == 0 ||
		errno == EAGAIN);

	if (fd != -1)
		close(fd);
	return served;
}

static int
clear(const struct place *place, const char *path, const char *option, struct error *err)
{
	struct stat st;

	if (fstatat(place->folder, place->name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return 0; /* bind says what is wrong with the folder */
	if (!S_ISSOCK(st.st_mode))
		return error_set(
		    err, EX_UNAVAILABLE, "cannot listen on %s: it exists and is no socket", path);
	if (is_served(path))
		return error_set(err, EX_UNAVAILABLE,
		    "cannot listen on %s: another process does (choose another with --%s PATH)",
		    path, option);
	unlinkat(place->folder, place->name, 0);
	return 0;
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
		return error_set(err, EX_NOPERM, "%s: cannot give it to another group: %s%s", path,
		    strerror(errno),
		    geteuid() == 0 ? "" : " (socket_group must be one that this user is in)");
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
		return error_set(
		    err, EX_UNAVAILABLE, "cannot listen on %s: %s", path, strerror(errno));
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
