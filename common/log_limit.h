/*
 * Lines that a peer can cause at will: some of them are written, the others are counted.
 *
 *     static struct log_limit limit;
 *
 *     log_limited(&limit, SEVERITY_ERROR, "connection_limit (%zu) reached", count);
 *
 * Of one limit, LOG_LIMIT_LINES lines are written in each window of LOG_LIMIT_WINDOW_MS, which
 * begins with its first line. When the window is over, one line says how many more there were, and
 * repeats the first: also if nothing comes any more, since the loop asks (log_limits_turn).
 *
 * For the thread of the loop only. There is no clock in here: the loop tells the time.
 */
#ifndef COMMON_LOG_LIMIT_H
#define COMMON_LOG_LIMIT_H

#include "common/log.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

enum {
	LOG_LIMIT_LINES = 5,
	LOG_LIMIT_WINDOW_MS = 10000,
	LOG_LIMIT_TEXT_MAX = 200, /* of a line that is repeated, NUL included */
};

/* Of static storage, and zero before its first line. The members are private. */
struct log_limit {
	SLIST_ENTRY(log_limit) entry; /* of those that withhold lines */
	uint64_t begun;		      /* ms */
	unsigned lines;		      /* of this window */
	enum log_severity severity;   /* of the first, as is the text */
	char text[LOG_LIMIT_TEXT_MAX];
};

/* As log_at, but limited: where the severity is off, the arguments are not evaluated. */
#define log_limited(limit, severity, ...)                                                          \
	do {                                                                                       \
		if (log_is_enabled(severity))                                                      \
			log_limited_write(limit, severity, __VA_ARGS__);                           \
	} while (0)

void log_limited_write(struct log_limit *limit, enum log_severity severity, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * log_limited for lines about something that has a name, such as a service: what floods the log
 * about one does not hide the others. The limits are kept for good, so names must not be a peer's.
 */
#define log_limited_for(name, severity, ...)                                                       \
	do {                                                                                       \
		static const char log_limited_place;                                               \
                                                                                                   \
		if (log_is_enabled(severity))                                                      \
			log_limited_write(                                                         \
			    log_limit_for(&log_limited_place, name), severity, __VA_ARGS__);       \
	} while (0)

/* The limit of lines of one place, any address, about that name, which is copied. */
struct log_limit *log_limit_for(const void *place, const char *name);

/*
 * For lines that are not written by log_write: counts one, and returns true if it is to be written.
 * text stands for it in the count.
 */
bool log_limit_takes(struct log_limit *limit, enum log_severity severity, const char *text);

/* For log_limits_turn alone, which costs a turn next to nothing. */
extern uint64_t log_limits_now;
extern bool log_limits_withhold; /* some limit does now */
bool log_limits_write_due(uint64_t *wait);

/*
 * The loop calls it once a turn: it is `now` (ms of a clock that does not go back). Counts of
 * windows that are over are written. Returns true, and stores the ms until the next one is due, if
 * lines are still withheld.
 */
static inline bool
log_limits_turn(uint64_t now, uint64_t *wait)
{
	log_limits_now = now;
	return log_limits_withhold && log_limits_write_due(wait);
}

/* Writes every count at once, and begins anew. For the end of a program. */
void log_limits_flush(void);

/* Lines that were withheld, since the start. */
uint64_t log_limits_withheld(void);

#endif
