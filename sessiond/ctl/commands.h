/*
 * The commands of sockjsctl, as a table: what each asks for, and what is printed of the answer.
 */
#ifndef SESSIOND_CTL_COMMANDS_H
#define SESSIOND_CTL_COMMANDS_H

#include "common/error.h"

#include <stdbool.h>

struct daemons;
struct words;

struct command {
	const char *name;
	const char *options; /* letters of those options that not all commands have */
	const char *needs;   /* what its first argument is called; NULL: it has none */
	bool takes_data;     /* there may be a second */
	/*
	 * Does it, with those daemons. Returns the exit status, or -1 and an error whose code that
	 * is.
	 */
	int (*run)(const struct command *command, const struct daemons *daemons,
	    const struct words *words, struct error *err);
	/* Of those that ask for one thing. */
	const char *method, *path;
	char *(*body)(const struct words *words, struct error *err); /* NULL: none */
	int (*print)(const char *answer, const struct words *words, struct error *err);
};

/* The command of that name; NULL: there is none. */
const struct command *commands_find(const char *name);

#endif
