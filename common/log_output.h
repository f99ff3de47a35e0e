/*
 * Where lines of the log go, without ever waiting for whoever reads them.
 *
 * A line that cannot be written at once is kept, and written before the next one; a program's loop
 * calls log_output_flush until nothing is kept. Of what there is no room for (LOG_QUEUE_BYTES), the
 * lines are counted, and the count is written when everything before it is.
 *
 * The standard error may be shared with other processes, so it is not made non-blocking: that would
 * be so for all of them. Instead each write is told not to wait, as far as the system knows how to
 * for what is there: for sockets and pipes. A file on a disk of this machine never makes a writer
 * wait, one on NFS may; a terminal does while its user holds it (^S), which is what he wants.
 *
 * For any thread. After a fork the child begins with nothing kept.
 */
#ifndef COMMON_LOG_OUTPUT_H
#define COMMON_LOG_OUTPUT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum {
	LOG_LINE_MAX = 2300,	     /* bytes of a line, with all that belongs to it */
	LOG_QUEUE_BYTES = 256 << 10, /* of lines that wait */
	LOG_FLUSH_MS = 100,	     /* what waits is tried again so often */
	LOG_LAST_WAIT_MS = 1000,     /* for it to be written, before the program ends */
};

enum log_output {
	LOG_OUTPUT_STDERR,
	LOG_OUTPUT_SYSLOG,
	LOG_OUTPUT_FILE,
};

/*
 * Where lines go from now on; to the system's log as datagrams to /dev/log. What waits for another
 * target goes there too.
 */
void log_output_to(enum log_output where);

/* Which file LOG_OUTPUT_FILE is (log_file_use). Lines that do not get there go to stderr. */
void log_output_file(const char *path, size_t size, uid_t whose);

/*
 * Writes a line of at most LOG_LINE_MAX bytes, or keeps it, or counts it. It has everything that
 * the output needs: what syslogd expects before the text, or a newline at its end. Leaves errno.
 */
void log_output_put(const char *line, size_t len);

/* For log_output_flush alone, which costs a turn next to nothing. */
extern atomic_bool log_output_waits; /* something is kept, or to be told */
bool log_output_flush_kept(void);

/* Writes what waits, as far as it goes. Returns true if something still waits. Leaves errno. */
static inline bool
log_output_flush(void)
{
	return atomic_load(&log_output_waits) && log_output_flush_kept();
}

/* The same, and waits for room, for LOG_LAST_WAIT_MS at most: for the end of the program. */
void log_output_finish(void);

/* Lines that there was no room for, since the start. */
unsigned long log_output_lost(void);

#endif
