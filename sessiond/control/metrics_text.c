/*
 * See metrics_text.h.
 */
#include "sessiond/control/metrics_text.h"

#include "sockjs/utf8.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define REPLACEMENT "\xef\xbf\xbd"
#define LARGEST	    9007199254740992.0 /* up to here a double has every integer */

static char daemon_label[16]; /* its value; empty: there is none */

void
metrics_of_daemon(int index)
{
	daemon_label[0] = '\0';
	if (index >= 0)
		snprintf(daemon_label, sizeof daemon_label, "%d", index);
}

void
metric_family(struct buffer *out, const char *name, const char *type, const char *help)
{
	buffer_append_str(out, "# HELP ");
	buffer_append_str(out, name);
	buffer_append_char(out, ' ');
	buffer_append_str(out, help);
	buffer_append_str(out, "\n# TYPE ");
	buffer_append_str(out, name);
	buffer_append_char(out, ' ');
	buffer_append_str(out, type);
	buffer_append_char(out, '\n');
}

static void
put_escaped(struct buffer *out, char c)
{
	if (c == '\n') {
		buffer_append_str(out, "\\n");
		return;
	}
	if (c == '\\' || c == '"')
		buffer_append_char(out, '\\');
	buffer_append_char(out, c);
}

static void
put_value(struct buffer *out, const char *value)
{
	size_t len = strlen(value), good, i;

	for (;;) {
		good = utf8_valid_prefix(value, len);
		for (i = 0; i < good; i++)
			put_escaped(out, value[i]);
		if (good == len)
			return;
		buffer_append_str(out, REPLACEMENT);
		value += good + 1;
		len -= good + 1;
	}
}

/* Counts have all their digits, as far as a double has them. */
static void
put_number(struct buffer *out, double value)
{
	char text[40];

	if (value > -LARGEST && value < LARGEST && value == (double)(int64_t)value)
		snprintf(text, sizeof text, "%.0f", value);
	else
		snprintf(text, sizeof text, "%.9g", value);
	buffer_append_str(out, text);
}

static void
put_label(struct buffer *out, char *before, const char *label, const char *value)
{
	buffer_append_char(out, *before);
	buffer_append_str(out, label);
	buffer_append_str(out, "=\"");
	put_value(out, value);
	buffer_append_char(out, '"');
	*before = ',';
}

void
metric_sample(struct buffer *out, const char *name, double value, ...)
{
	const char *label;
	char before = '{';
	va_list args;

	buffer_append_str(out, name);
	if (daemon_label[0] != '\0')
		put_label(out, &before, "daemon", daemon_label);
	va_start(args, value);
	while ((label = va_arg(args, const char *)) != NULL)
		put_label(out, &before, label, va_arg(args, const char *));
	va_end(args);
	buffer_append_str(out, before == ',' ? "} " : " ");
	put_number(out, value);
	buffer_append_char(out, '\n');
}

void
metric_single(
    struct buffer *out, const char *name, const char *type, const char *help, double value)
{
	metric_family(out, name, type, help);
	metric_sample(out, name, value, NULL);
}
