/*
 * The command line of a program: options with a value, options without, `--version` and `--help`.
 */
#ifndef COMMON_COMMAND_LINE_H
#define COMMON_COMMAND_LINE_H

#include "common/error.h"

#include <stdbool.h>

/* One option. Exactly one of value and flag is not NULL. */
struct command_option {
	const char *name;   /* `config` for --config */
	char letter;	    /* `c` for -c; 0: it has none */
	const char **value; /* where its value goes, which lies in argv */
	bool *flag;	    /* set true when the option is there */
};

struct command_line {
	const char *program;		      /* what messages call it */
	const char *usage;		      /* what --help prints */
	const struct command_option *options; /* ended by one whose name is NULL; at most 16 */
	const char **arguments; /* where those go that are no options; NULL: none may be */
	int argument_max;	/* how many there may be */
};

/*
 * Reads argv, which may be put into another order. Returns -1 if the program is to go on, else its
 * exit status: 0 when --help (-h) or --version (-v) was answered on standard output, EX_USAGE after
 * a mistake, which is told on standard error. More arguments than there may be are a mistake.
 */
int command_line_read(const struct command_line *line, int argc, char **argv);

/* Tells a mistake, `PROGRAM: WORD: MISTAKE`, on standard error. Returns EX_USAGE. */
int command_line_mistake(const struct command_line *line, const char *word, const char *mistake);

/* Tells an error on standard error. Returns its code, the exit status. */
int command_line_fail(const struct command_line *line, const struct error *err);

#endif
