/*
 * See open_beneath.h. The path is walked name by name, and each name is opened in the folder before
 * it without following a link, so what is open always lies inside. A link's target takes the place
 * of its name in what is left to walk. `..` goes back to the descriptor that the walk came from:
 * the kernel's own `..` leads elsewhere once somebody has moved the folder.
 *
 * Linux 5.6 can do all of this in one call, openat2. But older systems lack it, and seccomp filters
 * forbid it (RestrictSUIDSGID= of systemd), because they cannot look at its flags.
 */
#include "system/open_beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
	LINKS_MAX = 40, /* as in the kernel, path_resolution(7) */
	WALKS_ON = -2,
};

struct walk {
	int folders[OPEN_BENEATH_DEPTH + 1]; /* [0] is borrowed; the last is where the walk is */
	int depth;
	int links; /* that were followed */
	char rest[PATH_MAX];
};

static int
fail(int code)
{
	errno = code;
	return -1;
}

static int
leave_folder(struct walk *walk)
{
	if (walk->depth == 0)
		return fail(EXDEV);
	close(walk->folders[walk->depth--]);
	return WALKS_ON;
}

static int
enter_folder(struct walk *walk, const char *name)
{
	int fd;

	if (walk->depth == OPEN_BENEATH_DEPTH)
		return fail(ENAMETOOLONG);
	fd =
	    openat(walk->folders[walk->depth], name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return -1;
	walk->folders[++walk->depth] = fd;
	return WALKS_ON;
}

/* If name is a link, what it leads to is walked first, then `after`. Else fails with `code`. */
static int
follow_link(struct walk *walk, const char *name, const char *after, int code)
{
	char target[PATH_MAX], rest[PATH_MAX];
	ssize_t len = readlinkat(walk->folders[walk->depth], name, target, sizeof target);

	if (len == -1)
		return fail(code);
	if (++walk->links > LINKS_MAX)
		return fail(ELOOP);
	if (target[0] == '/')
		return fail(EXDEV);
	if ((size_t)snprintf(rest, sizeof rest, "%.*s%s", (int)len, target, after) >= sizeof rest)
		return fail(ENAMETOOLONG);
	strcpy(walk->rest, rest);
	return WALKS_ON;
}

/* One name further. Returns WALKS_ON, or what open_beneath returns. */
static int
step(struct walk *walk, int flags)
{
	const char *start = walk->rest + strspn(walk->rest, "/");
	size_t len = strcspn(start, "/");
	const char *after = start + len; /* with its slash */
	char name[NAME_MAX + 1];
	int fd;

	if (len == 0)
		return openat(walk->folders[walk->depth], ".", flags);
	if (len > NAME_MAX)
		return fail(ENAMETOOLONG);
	memcpy(name, start, len);
	name[len] = '\0';
	if (strcmp(name, ".") == 0)
		fd = WALKS_ON;
	else if (strcmp(name, "..") == 0)
		fd = leave_folder(walk);
	else if (*after == '\0')
		fd = openat(walk->folders[walk->depth], name, flags);
	else
		fd = enter_folder(walk, name);
	/* This is what a link gives, and others do too. */
	if (fd == -1 && (errno == ELOOP || errno == ENOTDIR))
		return follow_link(walk, name, after, errno);
	if (fd == WALKS_ON)
		memmove(walk->rest, after, strlen(after) + 1);
	return fd;
}

int
open_beneath(int folder, const char *path, int flags)
{
	struct walk walk = {.folders = {folder}};
	int fd = WALKS_ON, saved;

	if ((size_t)snprintf(walk.rest, sizeof walk.rest, "%s", path) >= sizeof walk.rest)
		return fail(ENAMETOOLONG);
	while (fd == WALKS_ON)
		fd = step(&walk, flags | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC);
	saved = errno;
	while (walk.depth > 0)
		close(walk.folders[walk.depth--]);
	errno = saved;
	return fd;
}
