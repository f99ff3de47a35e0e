/*
 * How a program of program.h is executed: its words, its environment, and what of the daemon it
 * does not inherit.
 */
#ifndef SESSIOND_PROGRAM_EXEC_H
#define SESSIOND_PROGRAM_EXEC_H

#include "common/error.h"

#include <stdint.h>
#include <sys/types.h>

/* As in struct program_options. */
struct program_command {
	const char *command;
	const char *folder;
	const char *const *environment;
	uint64_t memory;
	uint32_t files;
};

/* The daemon's ends of its pipes, close-on-exec. */
struct program_pipes {
	int input, output, errors;
};

/*
 * Splits a command into its words, at blanks; "double quotes" keep blanks. Returns one allocation,
 * which the caller frees, with the words, ended by NULL. NULL and an error (EX_CONFIG): there is no
 * word, or a quote is not closed.
 */
char **program_words(const char *command, struct error *err);

/* -1 and an error (EX_CONFIG) if this process is root, and may start none. */
int program_exec_check(struct error *err);

/*
 * Looks whether the command's program is there, and may be executed by this process's user. folder:
 * where it would be run; NULL: here. 0, or -1 and an error as program_start has it. What its own
 * interpreter is, it does not look at.
 */
int program_exec_look(const char *command, const char *folder, struct error *err);

/*
 * Executes the command in a session of its own, tied to this process: it is killed when the thread
 * that calls this ends. Returns its process when it runs, with pipes that the caller closes. -1 and
 * an error as program_start has it.
 */
pid_t
program_exec(const struct program_command *command, struct program_pipes *pipes, struct error *err);

#endif
