/*
 * What --check says of a configuration file that is right, and hardly means what it says: times
 * without a unit that count milliseconds, where seconds were meant.
 */
#ifndef CONF_CONF_DOUBT_H
#define CONF_CONF_DOUBT_H

#include "conf/conf.h"

/* The option that a line of such a section sets; NULL: none, or none to be looked at. */
typedef const struct conf_option *conf_doubt_find(const char *section, const char *name);

/*
 * Writes a line for each doubt to stderr, in the order of the file: "PROGRAM: PATH:LINE: text". The
 * file has been read without an error.
 */
void conf_doubt(const char *program, const char *path, conf_doubt_find *find);

#endif
