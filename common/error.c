/*
 * See error.h. Used by both programs and by every module that reports to a user; holds no state of
 * its own.
 */
#include "common/error.h"

#include <stdarg.h>
#include <stdio.h>

void
error_clear(struct error *err)
{
	err->code = 0;
	err->text[0] = '\0';
}

int
error_set(struct error *err, int code, const char *format, ...)
{
	va_list args;

	if (err == NULL || err->code != 0)
		return -1;
	err->code = code;
	va_start(args, format);
	vsnprintf(err->text, sizeof err->text, format, args);
	va_end(args);
	return -1;
}
