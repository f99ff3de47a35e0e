/*
 * What programs write to their stderr, line by line into the log, with the name of the service.
 *
 * All programs of one name share PROGRAM_STDERR_LINES lines in PROGRAM_STDERR_WINDOW_MS: enough for
 * the traces of several crashes. What is beyond that is limited further (log_limit.h), and
 * counted. A line is cut where the log cuts it.
 */
#ifndef SESSIOND_PROGRAM_STDERR_H
#define SESSIOND_PROGRAM_STDERR_H

#include <sys/types.h>
#include <uv.h>

enum { PROGRAM_STDERR_LINES = 100, PROGRAM_STDERR_WINDOW_MS = 10000 };

struct program_stderr;

/* Takes fd, a pipe, and reads it as long as the loop runs. name is copied. */
struct program_stderr *
program_stderr_create(uv_loop_t *loop, int fd, const char *name, pid_t process);

/*
 * Logs what is there to be read now, unless others fill the pipe faster, and closes it. Takes NULL,
 * sets NULL. The loop has to run until its handle is closed.
 */
void program_stderr_end(struct program_stderr **err);

#endif
