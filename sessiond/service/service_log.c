/*
 * See service_log.h.
 */
#include "sessiond/service/service_log.h"

#include <stdarg.h>
#include <stdio.h>

/* The module is offered the line as the log would show it. True if it keeps it to itself. */
static bool
offer(struct sockjs_service *service, enum log_severity severity, uint64_t number, const char *text)
{
	static bool is_offering; /* what a callback's own mistakes cause goes straight to the log */
	char line[LOG_TEXT_MAX + 1];
	size_t n = 0;
	struct callback_call outer;
	bool is_taken;

	if (!service->started || service->application->log == NULL || is_offering)
		return false;
	if (number != 0)
		n = (size_t)snprintf(line, sizeof line, "[#%llu] ", (unsigned long long)number);
	log_escape(line + n, sizeof line - n, text);
	is_offering = true;
	outer = service_call(service, CALLBACK_LOG);
	is_taken = service->application->log(service, (enum sockjs_severity)severity, line);
	callback_end(outer);
	is_offering = false;
	return is_taken;
}

void
service_log_write(struct sockjs_service *service, enum log_severity severity, uint64_t number,
    const char *format, ...)
{
	/* One byte more than a line takes: a longer text must still be seen to be longer. */
	char text[LOG_TEXT_MAX + 2];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	if (offer(service, severity, number, text))
		return;
	if (number == 0)
		log_at(severity, "%s", text);
	else
		log_conn(severity, number, "%s", text);
}
