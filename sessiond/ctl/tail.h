/*
 * The command `tail`: what happens, of each daemon, without end.
 */
#ifndef SESSIOND_CTL_TAIL_H
#define SESSIOND_CTL_TAIL_H

#include "common/error.h"

struct daemons;
struct words;

/*
 * Prints a line for each event. When a daemon that it has followed ends, it says so on standard
 * error and waits for the next one. Returns the exit status, or -1 and an error whose code that is:
 * a daemon cannot be followed at first, or refuses; or nothing can be printed.
 */
int tail(const struct daemons *daemons, const struct words *words, struct error *err);

#endif
