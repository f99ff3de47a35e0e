/*
 * See inherited_sockets.h. A socket is taken by listening_socket_adopt, which checks what it is.
 */
#include "sessiond/system/inherited_sockets.h"

#include "common/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

/* What our supervisor calls them. */
static const char control_name[] = "control", shared_name[] = "shared", other_name[] = "own";

/* A number of digits alone, at most max. */
static int
parse(const char *name, const char *text, long max, long *value, struct error *err)
{
	if (*text == '\0' || strspn(text, "0123456789") != strlen(text) || strlen(text) > 10 ||
	    (*value = strtol(text, NULL, 10)) > max)
		return error_set(err, EX_UNAVAILABLE,
		    "the environment's %s is \"%.40s\", not a number up to %ld", name, text, max);
	return 0;
}

static size_t
count_names(const char *names)
{
	size_t n = 1;

	for (; *names != '\0'; names++)
		n += *names == ':';
	return n;
}

/* How many are for this process. */
static int
read_count(size_t max, long *count, struct error *err)
{
	const char *pid_text = getenv("LISTEN_PID"), *count_text = getenv("LISTEN_FDS"),
		   *names = getenv("LISTEN_FDNAMES");
	long pid;

	*count = 0;
	if (pid_text == NULL || count_text == NULL)
		return 0;
	if (parse("LISTEN_PID", pid_text, INT_MAX, &pid, err) == -1)
		return -1;
	if (pid != getpid())
		return 0;
	if (parse("LISTEN_FDS", count_text, (long)max, count, err) == -1)
		return -1;
	if (names != NULL && *count > 0 && count_names(names) != (size_t)*count)
		return error_set(err, EX_UNAVAILABLE,
		    "the environment's LISTEN_FDNAMES has %zu names for %ld sockets",
		    count_names(names), *count);
	return 0;
}

static bool
is_word(const char *text, size_t len, const char *word)
{
	return len == strlen(word) && strncmp(text, word, len) == 0;
}

/* names: as many as sockets; NULL: they have none. */
static void
read_names(struct listening_socket *sockets, long count, const char *names)
{
	long i;

	for (i = 0; names != NULL && i < count; i++) {
		size_t len = strcspn(names, ":");

		sockets[i].is_control = is_word(names, len, control_name);
		sockets[i].is_shared = is_word(names, len, shared_name);
		names += len + (names[len] == ':');
	}
}

int
inherited_sockets_take(struct listening_socket *sockets, size_t max, struct error *err)
{
	struct error cause = ERROR_INIT;
	long count, i;

	if (read_count(max, &count, err) == -1)
		return -1;
	for (i = 0; i < count; i++) {
		const int fd = INHERITED_SOCKETS_FIRST + (int)i;

		if (listening_socket_adopt(&sockets[i], fd, &cause) == 0)
			continue;
		while (i-- > 0)
			listening_socket_close(&sockets[i]);
		return error_set(err, cause.code, "LISTEN_FDS is %ld, but descriptor %d %s", count,
		    fd, cause.text);
	}
	read_names(sockets, count, getenv("LISTEN_FDNAMES"));
	if (count > 0) {
		unsetenv("LISTEN_PID");
		unsetenv("LISTEN_FDS");
		unsetenv("LISTEN_FDNAMES");
	}
	return (int)count;
}

static void
set_number(const char *name, long value)
{
	char text[24];

	snprintf(text, sizeof text, "%ld", value);
	if (setenv(name, text, 1) == -1)
		abort();
}

/*
 * They first go out of the way, to descriptors from `end` on: one may lie where another has to be.
 */
static int
move(const struct listening_socket *sockets, size_t count, int *copies)
{
	const int first = INHERITED_SOCKETS_FIRST, end = first + (int)count;
	size_t i;

	for (i = 0; i < count; i++) {
		copies[i] = fcntl(sockets[i].fd, F_DUPFD_CLOEXEC, end);
		if (copies[i] == -1)
			return -1;
	}
	for (i = 0; i < count; i++)
		if (dup2(copies[i], first + (int)i) == -1)
			return -1;
	return 0;
}

static const char *
name_of(const struct listening_socket *socket)
{
	if (socket->is_control)
		return control_name;
	return socket->is_shared ? shared_name : other_name;
}

/* So the daemon knows what each is for, whatever its file says by then. */
static void
set_names(const struct listening_socket *sockets, size_t count)
{
	char *names = xcalloc(count + 1, sizeof control_name), *end = names;
	size_t i;

	for (i = 0; i < count; i++)
		end += sprintf(end, "%s%s", i == 0 ? "" : ":", name_of(&sockets[i]));
	if (setenv("LISTEN_FDNAMES", names, 1) == -1)
		abort();
	free(names);
}

int
inherited_sockets_pass(const struct listening_socket *sockets, size_t count)
{
	int *copies = xcalloc(count, sizeof *copies);
	int status = move(sockets, count, copies);

	free(copies);
	if (status == -1)
		return -1;
	set_number("LISTEN_PID", getpid());
	set_number("LISTEN_FDS", (long)count);
	set_names(sockets, count);
	return 0;
}
