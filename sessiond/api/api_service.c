/*
 * The calls of sockjs.h that concern a service: its names, its log, its module's options.
 */
#include "conf/conf.h"
#include "sessiond/api/api.h"
#include "sessiond/service/service.h"
#include "sessiond/service/service_log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#define NAME_SHOWN 128 /* bytes of a service's name in the lines of sockjs_log */

const char *
sockjs_version(void)
{
	return PACKAGE_VERSION;
}

const char *
sockjs_service_prefix(const sockjs_service *service)
{
	return api_is_service(service, __func__) ? service->name : NULL;
}

int
sockjs_service_set_user_data(sockjs_service *service, void *data)
{
	if (!api_is_loop(__func__))
		return SOCKJS_WRONG_THREAD;
	if (!api_is_service(service, __func__))
		return SOCKJS_INVALID;
	service->user_data = data;
	return SOCKJS_OK;
}

void *
sockjs_service_user_data(const sockjs_service *service)
{
	return api_is_service(service, __func__) ? service->user_data : NULL;
}

/* --- the log ---------------------------------------------------------------------------------- */

void
sockjs_log(const sockjs_service *service, enum sockjs_severity severity, const char *format, ...)
{
	char name[NAME_SHOWN], text[LOG_TEXT_MAX + 2];
	int log_level;
	va_list args;

	if (format == NULL || severity < SOCKJS_LOG_ERROR || severity > SOCKJS_LOG_DEBUG) {
		api_refuse(NULL, __func__,
		    format == NULL ? "format is NULL" : "there is no such severity");
		return;
	}
	if (!service_describe(service, name, sizeof name, &log_level)) {
		api_refuse(NULL, __func__, "there is no such service (any more)");
		return;
	}
	if ((int)severity > log_level)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	log_at((enum log_severity)severity, "%s: %s", name, text);
}

/* --- the start -------------------------------------------------------------------------------- */

/* What is wrong stops the start, if that is under way; later it can only be said. */
static void
record(sockjs_service *service, unsigned line, const char *text)
{
	if (service->starting)
		service_error(service, line, &service->start_error, "%s", text);
	else
		service_log(service, SEVERITY_ERROR, 0, "%s: %s", service->name, text);
}

int
sockjs_fail(sockjs_service *service, const char *format, ...)
{
	char text[ERROR_TEXT_SIZE];
	va_list args;

	if (!api_is_loop(__func__))
		return SOCKJS_WRONG_THREAD;
	if (!api_is_service(service, __func__))
		return SOCKJS_INVALID;
	if (format == NULL)
		return api_refuse(NULL, __func__, "format is NULL");
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	record(service, service->conf_line, text);
	return SOCKJS_INVALID;
}

/* --- options ---------------------------------------------------------------------------------- */

const char *
sockjs_option(const sockjs_service *service, const char *name)
{
	const struct module_option *option;

	if (!api_is_service(service, __func__))
		return NULL;
	if (name == NULL) {
		api_refuse(NULL, __func__, "name is NULL");
		return NULL;
	}
	option = module_options_find(&service->module_options, name);
	return option == NULL ? NULL : option->value;
}

/* The option, read as `as` says (its name is filled in), into *value. */
static int
read_option(sockjs_service *service, const char *call, const char *name, struct conf_option *as,
    void *value)
{
	const struct module_option *option;
	struct error err = ERROR_INIT;

	if (!api_is_loop(call))
		return SOCKJS_WRONG_THREAD;
	if (!api_is_service(service, call))
		return SOCKJS_INVALID;
	if (name == NULL || value == NULL)
		return api_refuse(NULL, call, name == NULL ? "name is NULL" : "value is NULL");
	option = module_options_find(&service->module_options, name);
	if (option == NULL)
		return SOCKJS_OK;
	as->name = option->name;
	if (conf_parse_value(as, value, option->value, &err) == 0)
		return SOCKJS_OK;
	record(service, option->line, err.text);
	return SOCKJS_INVALID;
}

int
sockjs_option_bool(sockjs_service *service, const char *name, bool *value)
{
	struct conf_option as = {.type = CONF_BOOL};

	return read_option(service, __func__, name, &as, value);
}

int
sockjs_option_uint(
    sockjs_service *service, const char *name, uint32_t min, uint32_t max, uint32_t *value)
{
	struct conf_option as = {.type = CONF_U32, .min = min, .max = max};

	return read_option(service, __func__, name, &as, value);
}

int
sockjs_option_size(sockjs_service *service, const char *name, size_t min, size_t max, size_t *value)
{
	struct conf_option as = {.type = CONF_SIZE, .min = min, .max = max};

	return read_option(service, __func__, name, &as, value);
}

int
sockjs_option_ms(
    sockjs_service *service, const char *name, uint64_t min, uint64_t max, uint64_t *value)
{
	struct conf_option as = {.type = CONF_MS, .min = min, .max = max};

	return read_option(service, __func__, name, &as, value);
}
