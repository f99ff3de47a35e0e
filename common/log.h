/*
 * The log: one line for one event, to stderr, to a file or to syslog.
 *
 * Every line is formatted, then escaped as a whole (log_escape), so that no byte of a peer, a file
 * name or an application can forge or break a line. On stderr and in a file it is written as a
 * whole:
 *
 *     2024-05-06T07:08:09.123Z sockjs-sessiond[4711] info: [#12] websocket opened
 *
 * and syslog gets what follows the colon, severity as its priority. Nothing here fails or waits
 * (log_output.h), and errno is kept. Lines may be written from any thread; log_open and
 * log_set_minimum only while no other thread logs.
 */
#ifndef COMMON_LOG_H
#define COMMON_LOG_H

#include "common/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Texts are cut to this many bytes after escaping, the "..." that marks the cut included. */
#define LOG_TEXT_MAX 2000

/* Each includes those before it. */
enum log_severity {
	SEVERITY_ERROR, /* somebody should look at it */
	SEVERITY_INFO,	/* what an operator wants to know of a day */
	SEVERITY_DEBUG, /* what happened to each connection */
};

/* The names by enum value, ended by NULL, as struct conf_option.names wants them. */
extern const char *const log_severity_names[];

/*
 * Sets the program's name in lines (borrowed for good) and the least severity that is written.
 * Before the first call: "-", SEVERITY_INFO. May be called again. Lines go to stderr until
 * log_set_target.
 */
void log_open(const char *ident, enum log_severity minimum);

/* Changes the least severity only. */
void log_set_minimum(enum log_severity minimum);

/*
 * Changes only where lines go: as the option `log` says, "stderr", "syslog" (its
 * facility is "daemon") or the path of a file.
 * size, owner: of a file, as log_file_use takes them. Lines that cannot be written to it go to
 * stderr.
 */
void log_set_target(const char *text, size_t size, uid_t owner);

/* Whether a line could be written there; makes nothing. -1 and an error (EX_CONFIG) if not. */
int log_check_target(const char *text, struct error *err);

/* For the inline test below; set by log_open. */
extern enum log_severity log_minimum;

/* True if lines of this severity are written: worth asking before work that only serves a line. */
static inline bool
log_is_enabled(enum log_severity severity)
{
	return severity <= log_minimum;
}

/*
 * log_error(format, ...), log_info(format, ...), log_debug(format, ...): write a line, without
 * newline at its end. log_conn(severity, connection_id, format, ...): the same, and the text begins
 * with "[#connection_id] ". All are macros: where the severity is off, they cost a compare and
 * their arguments are not evaluated.
 */
#define log_error(...) log_at(SEVERITY_ERROR, __VA_ARGS__)
#define log_info(...)  log_at(SEVERITY_INFO, __VA_ARGS__)
#define log_debug(...) log_at(SEVERITY_DEBUG, __VA_ARGS__)
#define log_at(severity, ...)                                                                      \
	do {                                                                                       \
		if (log_is_enabled(severity))                                                      \
			log_write(severity, __VA_ARGS__);                                          \
	} while (0)
#define log_conn(severity, connection_id, ...)                                                     \
	do {                                                                                       \
		if (log_is_enabled(severity))                                                      \
			log_conn_write(severity, connection_id, __VA_ARGS__);                      \
	} while (0)

/* What the macros call: write the line whatever the minimum is. */
void log_write(enum log_severity severity, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void log_conn_write(enum log_severity severity, uint64_t connection_id, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * Writes a line of SEVERITY_ERROR and exits. For start-up and for broken invariants only: no peer
 * may cause it.
 */
void fatal(int exit_code, const char *format, ...) __attribute__((format(printf, 2, 3), noreturn));

/*
 * Copies text to `to` (size >= 8 bytes, NUL included) so that it is printable ASCII on one line:
 * \n, \r, \t, and \xHH for every other byte outside 0x20..0x7e. A backslash stays as it is. What
 * does not fit is cut between two characters and marked with "...". Returns the length of the
 * result.
 */
size_t log_escape(char *to, size_t size, const char *text);

#endif
