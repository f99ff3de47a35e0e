/* See store_backend.h. */
#include "sessiond/store/store_backend.h"

#include <stdarg.h>
#include <stdio.h>

enum store_result
store_fail(struct store *store, enum store_result result, const char *format, ...)
{
	va_list args;

	store->error.code = (int)result;
	va_start(args, format);
	vsnprintf(store->error.text, sizeof store->error.text, format, args);
	va_end(args);
	return result;
}
