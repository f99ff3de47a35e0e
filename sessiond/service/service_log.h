/*
 * The log of a service. A line about it or one of its connections goes to its module first, if that
 * has a log callback, and then to the daemon's log, unless the module keeps it to itself.
 */
#ifndef SESSIOND_SERVICE_LOG_H
#define SESSIOND_SERVICE_LOG_H

#include "common/log.h"
#include "sessiond/service/service.h"

/*
 * Writes a line if the service's log_level asks for that severity. number: of the connection it is
 * about, 0 for none. On the loop's thread only.
 */
#define service_log(service, severity, number, ...)                                                \
	do {                                                                                       \
		if ((int)(severity) <= (service)->protocol.options.log_level)                      \
			service_log_write(service, severity, number, __VA_ARGS__);                 \
	} while (0)

/* What the macro calls. */
void service_log_write(struct sockjs_service *service, enum log_severity severity, uint64_t number,
    const char *format, ...) __attribute__((format(printf, 4, 5)));

#endif
