/*
 * See log_limit.h. What is withheld is not formatted: a flood costs a comparison a line.
 */
#include "common/log_limit.h"

#include "common/memory.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

uint64_t log_limits_now;
bool log_limits_withhold;

static uint64_t withheld;
static SLIST_HEAD(, log_limit) withholding = SLIST_HEAD_INITIALIZER(withholding);

static bool
is_over(const struct log_limit *limit)
{
	return log_limits_now - limit->begun >= LOG_LIMIT_WINDOW_MS;
}

static void
say_count(struct log_limit *limit)
{
	log_at(limit->severity, "%u more in %u s: %s", limit->lines - LOG_LIMIT_LINES,
	    (unsigned)((log_limits_now - limit->begun) / 1000), limit->text);
}

/* The next line begins a window. */
static void
end_window(struct log_limit *limit)
{
	if (limit->lines > LOG_LIMIT_LINES) {
		SLIST_REMOVE(&withholding, limit, log_limit, entry);
		log_limits_withhold = !SLIST_EMPTY(&withholding);
		say_count(limit);
	}
	limit->lines = 0;
}

/* Counts a line. Returns true if it is to be written. */
static bool
count_line(struct log_limit *limit)
{
	if (limit->lines > 0 && is_over(limit))
		end_window(limit);
	if (limit->lines == 0)
		limit->begun = log_limits_now;
	limit->lines++;
	if (limit->lines == LOG_LIMIT_LINES + 1) {
		SLIST_INSERT_HEAD(&withholding, limit, entry);
		log_limits_withhold = true;
	}
	withheld += limit->lines > LOG_LIMIT_LINES;
	return limit->lines <= LOG_LIMIT_LINES;
}

/* --- limits by name --------------------------------------------------------------------------- */

struct named_limit {
	SLIST_ENTRY(named_limit) entry;
	const void *place;
	char *name;
	struct log_limit limit;
};

static SLIST_HEAD(, named_limit) named = SLIST_HEAD_INITIALIZER(named);

struct log_limit *
log_limit_for(const void *place, const char *name)
{
	struct named_limit *each;

	SLIST_FOREACH(each, &named, entry)
		if (each->place == place && strcmp(each->name, name) == 0)
			return &each->limit;
	each = xcalloc(1, sizeof *each);
	each->place = place;
	each->name = xstrdup(name);
	SLIST_INSERT_HEAD(&named, each, entry);
	return &each->limit;
}

/* --- lines ------------------------------------------------------------------------------------ */

static void
keep_first(struct log_limit *limit, enum log_severity severity, const char *text)
{
	if (limit->lines > 1)
		return;
	limit->severity = severity;
	snprintf(limit->text, sizeof limit->text, "%.*s", LOG_LIMIT_TEXT_MAX - 1, text);
}

bool
log_limit_takes(struct log_limit *limit, enum log_severity severity, const char *text)
{
	if (!count_line(limit))
		return false;
	keep_first(limit, severity, text);
	return true;
}

void
log_limited_write(struct log_limit *limit, enum log_severity severity, const char *format, ...)
{
	char text[LOG_TEXT_MAX + 2]; /* log.c cuts it */
	va_list args;
	int saved = errno;

	if (!count_line(limit))
		return;
	errno = saved; /* for %m */
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	keep_first(limit, severity, text);
	log_write(severity, "%s", text);
	errno = saved;
}

bool
log_limits_write_due(uint64_t *wait)
{
	struct log_limit *limit, *next;
	uint64_t left;

	*wait = LOG_LIMIT_WINDOW_MS;
	for (limit = SLIST_FIRST(&withholding); limit != NULL; limit = next) {
		next = SLIST_NEXT(limit, entry);
		left = limit->begun + LOG_LIMIT_WINDOW_MS - log_limits_now;
		if (is_over(limit))
			end_window(limit);
		else if (left < *wait)
			*wait = left;
	}
	return log_limits_withhold;
}

void
log_limits_flush(void)
{
	while (log_limits_withhold)
		end_window(SLIST_FIRST(&withholding));
}

uint64_t
log_limits_withheld(void)
{
	return withheld;
}
