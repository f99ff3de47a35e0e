/*
 * See conf_read.h. inih is given option lines only, already stripped at their front, by a reader of
 * our own. Left alone it would take an indented line for the continuation of the one before, cut
 * section names at 50 bytes, say nothing of empty sections, go on after a line that it cannot read,
 * and split a line that is too long into two.
 */
#include "conf/conf_read.h"

#include "common/memory.h"

#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

enum {
	INIH_LINE_OVERHEAD = 3, /* ini.h: its buffer must be 3 bytes more than the longest line */
};

struct reader {
	const char *path;
	FILE *file;
	const struct conf_handler *handler;
	void *user;
	struct error *err;
	char *section; /* owned; NULL: none has begun */
	struct conf_seen seen;
	unsigned line; /* the number of the line last read, from 1 */
	bool pending;  /* that line was given to inih, which has not called take_option yet */
	bool stopped;  /* err is set */
};

/* Ends the reading with the error "PATH:LINE: text". */
__attribute__((format(printf, 2, 3))) static void
stop(struct reader *r, const char *format, ...)
{
	char text[ERROR_TEXT_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	error_set(r->err, EX_CONFIG, "%s:%u: %s", r->path, r->line, text);
	r->stopped = true;
}

/* Ends the reading with an error that is not about one line: "PATH: text". */
static void
stop_file(struct reader *r, const char *text)
{
	error_set(r->err, EX_CONFIG, "%s: %s", r->path, text);
	r->stopped = true;
}

/* Takes blanks off the end; returns what is left of n. */
static size_t
strip_end(char *text, size_t n)
{
	while (n > 0 && isspace((unsigned char)text[n - 1]))
		n--;
	text[n] = '\0';
	return n;
}

/* getc; an unreadable file looks like the end of one, with the reading stopped. */
static int
next_char(struct reader *r)
{
	int c = getc(r->file);

	if (c == EOF && ferror(r->file))
		stop_file(r, strerror(errno));
	else if (c == '\0')
		stop(r, "a zero byte: not a text file");
	return r->stopped ? EOF : c;
}

/*
 * Reads one line without its surrounding blanks. A full-line comment becomes an empty line, however
 * long it is. Returns false at the end of the file and when the reading was stopped.
 */
static bool
read_line(struct reader *r, char *to, size_t size)
{
	static const char mark[] = {'\xef', '\xbb', '\xbf'}; /* UTF-8 byte order mark */
	bool comment = false, overflow = false;
	size_t n = 0;
	int c;

	r->line++;
	c = next_char(r);
	if (c == EOF)
		return false;
	for (; c != EOF && c != '\n' && !overflow; c = next_char(r)) {
		if (comment || (isspace(c) && (n == 0 || n == size - 1)))
			continue;
		if (n == size - 1) {
			overflow = true;
			continue;
		}
		to[n++] = (char)c;
		comment = n == 1 && (c == '#' || c == ';');
		if (n == sizeof mark && r->line == 1 && memcmp(to, mark, n) == 0)
			n = 0;
	}
	n = strip_end(to, comment ? 0 : n);
	if (overflow || n > size - INIH_LINE_OVERHEAD)
		stop(r, "line is longer than %zu bytes", size - INIH_LINE_OVERHEAD);
	return !r->stopped;
}

/*
 * Cuts off a comment, that is a ; after a blank or the closing bracket, and the blanks before it.
 */
static void
strip_comment(char *line)
{
	char *p;

	for (p = line + 1; *p != '\0'; p++)
		if (*p == ';' && (isspace((unsigned char)p[-1]) || p[-1] == ']')) {
			*p = '\0';
			break;
		}
	strip_end(line, strlen(line));
}

/*
 * Takes a line that begins with '['. The name may hold brackets itself, as a regular expression
 * does: the last one ends it.
 */
static void
begin_section(struct reader *r, char *line)
{
	struct error err = ERROR_INIT;
	char *name = line + 1;
	char *end;

	strip_comment(line);
	end = strrchr(name, ']');
	if (end == NULL) {
		stop(r, "a section's name must end with \"]\"");
		return;
	}
	if (end[1] != '\0') {
		stop(r, "unexpected text after \"]\"");
		return;
	}
	*end = '\0';
	while (isspace((unsigned char)*name))
		name++;
	if (strip_end(name, strlen(name)) == 0) {
		stop(r, "a section without a name");
		return;
	}
	free(r->section);
	r->section = xstrdup(name);
	r->seen.n = 0;
	if (r->handler->section != NULL &&
	    r->handler->section(r->user, r->section, r->line, &err) == -1)
		stop(r, "%s", err.text);
}

/* inih's ini_reader: gives it the next option line. */
static char *
next_line(char *to, int size, void *stream)
{
	struct reader *r = stream;

	if (r->pending)
		stop(r, "neither \"name = value\" nor \"[section]\"");
	while (read_line(r, to, (size_t)size)) {
		if (*to == '[') {
			begin_section(r, to);
		} else if (*to != '\0') {
			r->pending = true;
			return to;
		}
	}
	return NULL;
}

/* Only a ; begins a comment behind a value: a # may be part of one, as in a secret. */
static const char *
hint_at_comment(const char *value)
{
	return strstr(value, " #") == NULL && strstr(value, "\t#") == NULL
	    ? ""
	    : " (# begins no comment behind a value; ; does)";
}

/* inih's ini_handler. Its section is not ours: it never sees one. */
static int
take_option(void *user, const char *section, const char *name, const char *value)
{
	struct reader *r = user;
	const struct conf_line line = {.section = r->section == NULL ? "" : r->section,
	    .name = name,
	    .value = value,
	    .number = r->line,
	    .seen = &r->seen};
	struct error err = ERROR_INIT;

	(void)section;
	/* An inih built to allow options without a value: here they are a mistake. */
	if (value == NULL)
		return 1;
	r->pending = false;
	if (*name == '\0')
		stop(r, "a value without a name");
	else if (r->handler->option(r->user, &line, &err) == -1)
		stop(r, "%s%s", err.text, hint_at_comment(value));
	return 1;
}

int
conf_read(const char *path, const struct conf_handler *handler, void *user, struct error *err)
{
	struct reader r = {.path = path, .handler = handler, .user = user, .err = err};
	int result;

	r.file = fopen(path, "re");
	if (r.file == NULL) {
		stop_file(&r, strerror(errno));
		return -1;
	}
	result = ini_parse_stream(next_line, &r, take_option, &r);
	/* All else that inih could complain of has stopped the reading already. */
	if (!r.stopped && result != 0)
		stop_file(&r, "out of memory");
	free(r.section);
	fclose(r.file);
	return r.stopped ? -1 : 0;
}

void
conf_resolve_path(const char *conf_path, char **path)
{
	const char *slash = strrchr(conf_path, '/');
	char *joined;

	if (*path == NULL || (*path)[0] == '/' || slash == NULL)
		return;
	if (asprintf(&joined, "%.*s/%s", (int)(slash - conf_path), conf_path, *path) == -1)
		abort();
	free(*path);
	*path = joined;
}
