/*
 * See log.h. A line is built on the stack and leaves as a whole, so lines never mix.
 */
#include "common/log.h"

#include "common/log_file.h"
#include "common/log_output.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

enum {
	HEAD_MAX = 200, /* timestamp, ident, pid and severity of a line, but for syslog's */
};

const char *const log_severity_names[] = {"error", "info", "debug", NULL};

static const int syslog_priorities[] = {LOG_ERR, LOG_INFO, LOG_DEBUG};

enum log_severity log_minimum = SEVERITY_INFO;
static enum log_output target = LOG_OUTPUT_STDERR;
static const char *log_ident = "-";

void
log_open(const char *ident, enum log_severity minimum)
{
	static bool is_to_finish;

	log_ident = ident;
	log_minimum = minimum;
	log_set_target("stderr", 0, (uid_t)-1);
	if (!is_to_finish)
		atexit(log_output_finish);
	is_to_finish = true;
}

void
log_set_target(const char *text, size_t size, uid_t owner)
{
	target = LOG_OUTPUT_FILE;
	if (strcmp(text, "stderr") == 0)
		target = LOG_OUTPUT_STDERR;
	else if (strcmp(text, "syslog") == 0)
		target = LOG_OUTPUT_SYSLOG;
	else
		log_output_file(text, size, owner);
	log_output_to(target);
}

int
log_check_target(const char *text, struct error *err)
{
	return strchr(text, '/') == NULL ? 0 : log_file_check(text, err);
}

void
log_set_minimum(enum log_severity minimum)
{
	log_minimum = minimum;
}

/* Writes how one byte is shown, 1 to 4 characters, and returns how many. */
static size_t
escape_byte(unsigned char byte, char shown[4])
{
	static const char hex[] = "0123456789abcdef";
	const char *letter = byte == '\n' ? "n" : byte == '\r' ? "r" : byte == '\t' ? "t" : NULL;

	if (byte >= 0x20 && byte <= 0x7e) {
		shown[0] = (char)byte;
		return 1;
	}
	shown[0] = '\\';
	if (letter != NULL) {
		shown[1] = *letter;
		return 2;
	}
	shown[1] = 'x';
	shown[2] = hex[byte >> 4];
	shown[3] = hex[byte & 15];
	return 4;
}

size_t
log_escape(char *to, size_t size, const char *text)
{
	size_t len = 0;
	size_t cut = 0; /* the longest prefix which leaves room for "..." */
	char shown[4];

	for (; *text != '\0'; text++) {
		size_t n = escape_byte((unsigned char)*text, shown);

		if (n > size - 1 - len) {
			memcpy(to + cut, "...", 4);
			return cut + 3;
		}
		memcpy(to + len, shown, n);
		len += n;
		if (len + 3 < size)
			cut = len;
	}
	to[len] = '\0';
	return len;
}

/* "2024-05-06T07:08:09.123Z ident[pid] severity: ". Returns its length, which is below HEAD_MAX. */
static size_t
format_head(char head[HEAD_MAX], enum log_severity severity)
{
	struct timespec now;
	struct tm tm;
	char date[32];
	int n;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &tm);
	n = snprintf(head, HEAD_MAX, "%s.%03ldZ %.100s[%ld] %s: ", date, now.tv_nsec / 1000000,
	    log_ident, (long)getpid(), log_severity_names[severity]);
	return (size_t)n;
}

static void
write_plain(enum log_severity severity, const char *text)
{
	char line[LOG_LINE_MAX];
	size_t n = format_head(line, severity);

	/* What the escaped text needs for its NUL becomes the newline. */
	n += log_escape(line + n, LOG_TEXT_MAX + 1, text);
	line[n++] = '\n';
	log_output_put(line, n);
}

/* "<30>May  6 07:08:09 ident[pid]: text", in local time: what syslog(3) makes of it (RFC 3164). */
static void
write_to_syslog(enum log_severity severity, const char *text)
{
	static const char months[12][4] = {
	    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	char line[LOG_LINE_MAX];
	time_t now = time(NULL);
	struct tm tm;
	int n;

	localtime_r(&now, &tm);
	n = snprintf(line, HEAD_MAX,
	    "<%d>%s %2d %02d:%02d:%02d %.100s[%ld]: ", LOG_DAEMON | syslog_priorities[severity],
	    months[tm.tm_mon], tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, log_ident,
	    (long)getpid());
	log_output_put(line, (size_t)n + log_escape(line + n, LOG_TEXT_MAX + 1, text));
}

/* Writes one line: prefix, then the formatted text. */
__attribute__((format(printf, 3, 0))) static void
write_line(enum log_severity severity, const char *prefix, const char *format, va_list args)
{
	int saved = errno;
	/* One byte more than a line takes: a longer text must still be seen to be longer. */
	char text[LOG_TEXT_MAX + 2];
	size_t n = (size_t)snprintf(text, sizeof text, "%s", prefix);

	errno = saved; /* for %m */
	if (vsnprintf(text + n, sizeof text - n, format, args) < 0)
		snprintf(text + n, sizeof text - n, "(cannot format) %s", format);
	if (target == LOG_OUTPUT_SYSLOG)
		write_to_syslog(severity, text);
	else
		write_plain(severity, text);
	errno = saved;
}

void
log_write(enum log_severity severity, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	write_line(severity, "", format, args);
	va_end(args);
}

void
log_conn_write(enum log_severity severity, uint64_t connection_id, const char *format, ...)
{
	char prefix[32];
	va_list args;

	snprintf(prefix, sizeof prefix, "[#%llu] ", (unsigned long long)connection_id);
	va_start(args, format);
	write_line(severity, prefix, format, args);
	va_end(args);
}

void
fatal(int exit_code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	write_line(SEVERITY_ERROR, "", format, args);
	va_end(args);
	exit(exit_code);
}
