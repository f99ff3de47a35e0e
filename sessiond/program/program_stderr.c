/* See program_stderr.h. */
#include "sessiond/program/program_stderr.h"

#include "common/log.h"
#include "common/log_limit.h"
#include "common/loop.h"
#include "common/memory.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

enum {
	READ_SIZE = 4096,
	READS = 16,		      /* of a turn, and at the end: what a pipe holds */
	LINE_SIZE = LOG_TEXT_MAX + 2, /* one more than the log shows: it has to see the cut */
};

/* What the programs of one name have logged. There is one for each name, for good. */
struct share {
	SLIST_ENTRY(share) entry;
	char *name;
	uint64_t begun; /* ms; of the window */
	unsigned lines; /* in it */
};

struct program_stderr {
	uv_poll_t poll;
	int fd;
	pid_t process;
	struct share *share;
	size_t len; /* of what has come of a line */
	char line[LINE_SIZE];
};

static SLIST_HEAD(, share) shares = SLIST_HEAD_INITIALIZER(shares);

static struct share *
share_of(const char *name)
{
	struct share *share;

	SLIST_FOREACH(share, &shares, entry)
		if (strcmp(share->name, name) == 0)
			return share;
	share = xcalloc(1, sizeof *share);
	share->name = xstrdup(name);
	SLIST_INSERT_HEAD(&shares, share, entry);
	return share;
}

static bool
has_room(struct share *share, uint64_t now)
{
	if (now - share->begun >= PROGRAM_STDERR_WINDOW_MS) {
		share->begun = now;
		share->lines = 0;
	}
	return share->lines++ < PROGRAM_STDERR_LINES;
}

static void
write_line(struct program_stderr *err)
{
	struct share *share = err->share;

	err->line[err->len] = '\0';
	if (err->len > 0 && err->line[err->len - 1] == '\r')
		err->line[err->len - 1] = '\0';
	if (has_room(share, uv_now(err->poll.loop)))
		log_error("[%s]: process %ld: %s", share->name, (long)err->process, err->line);
	else
		log_limited_for(share->name, SEVERITY_ERROR,
		    "[%s]: process %ld writes more than %d lines to its stderr in %d s: %s",
		    share->name, (long)err->process, PROGRAM_STDERR_LINES,
		    PROGRAM_STDERR_WINDOW_MS / 1000, err->line);
	err->len = 0;
}

/* NUL bytes would end the line early. */
static void
append(struct program_stderr *err, const char *from, size_t len)
{
	size_t room = LINE_SIZE - 1 - err->len, i;

	for (i = 0; i < len && i < room; i++)
		err->line[err->len++] = from[i] == '\0' ? ' ' : from[i];
}

static void
take(struct program_stderr *err, const char *from, size_t len)
{
	const char *newline;

	while ((newline = memchr(from, '\n', len)) != NULL) {
		size_t n = (size_t)(newline - from);

		append(err, from, n);
		write_line(err);
		from += n + 1;
		len -= n + 1;
	}
	append(err, from, len);
}

/* Returns false at the end. */
static bool
read_some(struct program_stderr *err)
{
	char bytes[READ_SIZE];
	ssize_t n = READ_SIZE;
	int reads = 0;

	while (n == READ_SIZE && reads++ < READS) {
		n = read(err->fd, bytes, sizeof bytes);
		if (n > 0)
			take(err, bytes, (size_t)n);
	}
	return n > 0 || (n == -1 && (errno == EAGAIN || errno == EINTR));
}

static void
on_events(uv_poll_t *poll, int status, int events)
{
	struct program_stderr *err = poll->data;

	(void)events;
	loop_note_wake(poll->loop);
	if (status < 0 || !read_some(err))
		uv_poll_stop(poll);
}

struct program_stderr *
program_stderr_create(uv_loop_t *loop, int fd, const char *name, pid_t process)
{
	struct program_stderr *err = xcalloc(1, sizeof *err);

	err->fd = fd;
	err->process = process;
	err->share = share_of(name);
	if (uv_poll_init(loop, &err->poll, fd) != 0)
		abort();
	err->poll.data = err;
	uv_poll_start(&err->poll, UV_READABLE, on_events);
	return err;
}

static void
on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void
program_stderr_end(struct program_stderr **err)
{
	struct program_stderr *e = *err;

	*err = NULL;
	if (e == NULL)
		return;
	read_some(e);
	if (e->len > 0)
		write_line(e);
	uv_close((uv_handle_t *)&e->poll, on_closed);
	close(e->fd);
}
