/*
 * A child process that speaks in lines: what is written to it are the lines of its stdin, what it
 * writes to its stdout is told line by line, and its stderr goes into the log.
 *
 * It runs in a session of its own, with no other descriptors, signals as usual, and as the daemon's
 * user, who is never root. When it ends, those of its group that it has left behind are killed,
 * unless they have made a session of their own; when the daemon dies, even of SIGKILL, the child
 * is killed, and what it has forked reads the end of its stdin.
 *
 * Its stderr: some lines of all programs of one name are logged, and the rest is counted
 * (program_stderr.h).
 */
#ifndef SESSIOND_PROGRAM_H
#define SESSIOND_PROGRAM_H

#include "common/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <uv.h>

struct buffer;
struct program;

/* From program_stop to SIGTERM, and from there to SIGKILL; to SIGTERM if it is hurried. */
enum { PROGRAM_TERM_MS = 5000, PROGRAM_KILL_MS = 5000, PROGRAM_HURRY_MS = 1000 };

/* All is copied or used at once; nothing is borrowed. */
struct program_options {
	/*
	 * Its words are split at blanks; "double quotes" keep blanks. There is no shell. The first
	 * is looked up in PATH if there is no slash in it.
	 */
	const char *command;
	const char *folder; /* it is run in; NULL: that of the daemon */
	const char *name;   /* for the log: such as "service /chat" */
	/*
	 * NAME=VALUE beside the daemon's own environment, and before it; ended by NULL. NULL: none
	 */
	const char *const *environment;
	size_t line_limit; /* bytes of a line of its stdout; `worker_line_limit` */
	uint64_t memory;   /* bytes of its address space (RLIMIT_AS); 0: no limit */
	uint32_t files;	   /* descriptors it may have (RLIMIT_NOFILE); 0: as many as the daemon */
};

/* Called from the loop, never from a function of this header. */
struct program_calls {
	/* A line of its stdout, as line_stream.h has it. */
	void (*line)(void *owner, char *line, size_t len);
	/*
	 * It has closed its stdout and did not end yet: it is stopped now, as by program_stop.
	 * NULL: nobody wants to know. Not called if its end was told.
	 */
	void (*closed)(void *owner);
	/*
	 * It has ended, and all that it wrote before was told. how: a text for people: "exited with
	 * status 1", "was killed by signal 9 (Killed)", "wrote a line of more than 1048576 bytes
	 * (worker_line_limit)"; valid during the call. Called once at most. The owner then calls
	 * program_end, in the call or later.
	 */
	void (*ended)(void *owner, const char *how);
};

/*
 * Looks whether such a command can be started here at all: it has words, and the daemon is not
 * root. -1 and an error (EX_CONFIG) if not.
 */
int program_check(const char *command, struct error *err);

/*
 * Starts it. loop and calls are borrowed. NULL and an error: the command cannot be split
 * (EX_CONFIG), it cannot be executed (EX_UNAVAILABLE; the text says what and why), the daemon is
 * root (EX_CONFIG), or the system has no room for it (EX_OSERR).
 */
struct program *program_start(uv_loop_t *loop, const struct program_options *options,
    const struct program_calls *calls, void *owner, struct error *err);

/*
 * As line_stream.h has them. A program that closes its stdin, and is written to, is stopped, as by
 * program_stop.
 */
struct buffer *program_output(struct program *program);
void program_flush(struct program *program);
size_t program_waiting(const struct program *program);

/* Stops reading its lines, or goes on. Its end is told when what it wrote was read. */
void program_pause(struct program *program, bool is_paused);

/*
 * What the files that a command names are like now: a text that is another one once one of them was
 * changed. To be freed.
 */
char *program_files(const char *command, const char *folder);

pid_t program_pid(const struct program *program);

/* Once `ended` is told: whether it exited with status 0. */
bool program_has_succeeded(const struct program *program);

/*
 * Asks it to end: closes its stdin once all is written; PROGRAM_TERM_MS later its group gets
 * SIGTERM, and SIGKILL after PROGRAM_KILL_MS more. Its lines are told until then. Does nothing the
 * second time.
 */
void program_stop(struct program *program);

/*
 * The daemon ends, and does not wait for long: as program_stop, but SIGTERM comes after
 * PROGRAM_HURRY_MS, also if it was asked to end before. Does nothing the second time.
 */
void program_hurry(struct program *program);

/*
 * Kills its group, if it has not ended, and frees it. No call is made any more. Safe in every
 * call. Takes NULL, sets NULL. The loop has to run until its handles are closed.
 */
void program_end(struct program **program);

#endif
