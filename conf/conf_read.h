/*
 * Reads configuration files: INI text, through inih. Splits a file into sections and options, and
 * knows nothing of their meaning.
 *
 * The file has lines `[section name]` and `name = value` (or `name: value`). Blanks around all of
 * them are ignored. A line that begins with # or ; is a comment, and a ; after a blank begins a
 * comment inside a line. There are no continued lines. A line that is no comment may have at most
 * 197 bytes after its indentation (inih's limit).
 */
#ifndef CONF_CONF_READ_H
#define CONF_CONF_READ_H

#include "common/error.h"
#include "conf/conf.h"

/*
 * What conf_read calls. All that it passes is borrowed for the call. Both return 0, or -1 with an
 * error (without place) to stop.
 */
struct conf_handler {
	/* A line [section]; blanks around the name are gone; it is never empty. NULL: not told. */
	int (*section)(void *user, const char *section, unsigned line, struct error *err);
	/* An option. line->seen is emptied at the begin of each section. */
	int (*option)(void *user, const struct conf_line *line, struct error *err);
};

/*
 * Reads a file and calls the handler for its sections and options, in their order, up to the first
 * error. Returns 0, or -1 with an error (EX_CONFIG) whose text is "PATH:LINE: text", or "PATH:
 * reason" if the file cannot be read.
 */
int conf_read(const char *path, const struct conf_handler *handler, void *user, struct error *err);

/*
 * Makes *path (malloc'd; NULL stays), if it is relative, relative to the folder of the file at
 * conf_path: a configuration then means the same wherever a program is started.
 */
void conf_resolve_path(const char *conf_path, char **path);

#endif
