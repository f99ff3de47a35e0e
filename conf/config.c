/*
 * See config.h. The generic reader is common/conf, the options are in config_options.c; here is what depends on several of them.
 */
#include "conf/config.h"

#include "wire/wire_messages.h"
#include "conf/conf_read.h"
#include "conf/conf_suggest.h"
#include "conf/responder_options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

struct reading {
	struct config *config;
	struct sockjs_service *service; /* of the section being read; NULL: [server] or [fcgi] */
	bool in_fcgi;			/* in the responder's section, which is only checked here */
	struct fcgi_options fcgi;
	bool had_server, had_any;
};

static char *
copy_text(const char *text)
{
	char *copy = strdup(text);

	if (copy == NULL)
		abort();
	return copy;
}

static int
begin_server(struct reading *reading, struct error *err)
{
	if (reading->had_server)
		return error_set(err, EX_CONFIG, "there is a [server] section already");
	if (reading->had_any)
		return error_set(
		    err, EX_CONFIG, "[server] comes before the services, whose defaults it sets");
	reading->had_server = true;
	reading->service = NULL;
	return 0;
}

/* What [service] and [fallback] have in common. */
static void
begin_module(struct reading *reading, struct sockjs_service *service, unsigned line)
{
	service->conf_path = copy_text(reading->config->path);
	service->conf_line = line;
	conf_copy_values(service_option_table, service_option_count, &service->protocol.options,
	    &reading->config->defaults);
	reading->service = service;
	reading->had_any = true;
}

static int
begin_fallback(struct reading *reading, unsigned line, struct error *err)
{
	if (reading->config->fallback != NULL)
		return error_set(err, EX_CONFIG, "[fallback] was begun on line %u already",
		    reading->config->fallback->conf_line);
	reading->config->fallback = service_create_fallback();
	begin_module(reading, reading->config->fallback, line);
	return 0;
}

static int
check_unique(const struct config *config, const char *name, struct error *err)
{
	size_t i;

	for (i = 0; i < config->service_count; i++)
		if (strcmp(config->services[i]->name, name) == 0)
			return error_set(err, EX_CONFIG,
			    "[service %s] was begun on line %u already", name,
			    config->services[i]->conf_line);
	return 0;
}

static int
begin_service(struct reading *reading, const char *name, unsigned line, struct error *err)
{
	struct config *config = reading->config;
	struct sockjs_service **services, *service;

	if (check_unique(config, name, err) == -1)
		return -1;
	if (config->service_count == WIRE_SERVICES_MAX)
		return error_set(err, EX_CONFIG, "more than %d services", WIRE_SERVICES_MAX);
	service = service_create(name, err);
	if (service == NULL)
		return -1;
	begin_module(reading, service, line);
	services = realloc(
	    config->services, (config->service_count + 1) * sizeof(struct sockjs_service *));
	if (services == NULL)
		abort();
	config->services = services;
	services[config->service_count++] = service;
	return 0;
}

static int
on_section(void *user, const char *section, unsigned line, struct error *err)
{
	static const char *const kinds[] = {"server", "service", "fcgi", "fallback"};
	struct reading *reading = user;
	size_t kind_len = strcspn(section, " \t");
	const char *name = section + kind_len + strspn(section + kind_len, " \t");
	char kind[32], quoted[CONF_QUOTED_SIZE];
	const char *near;

	reading->in_fcgi = strcmp(section, "fcgi") == 0;
	if (reading->in_fcgi) {
		reading->service = NULL;
		return 0;
	}
	if (strcmp(section, "server") == 0)
		return begin_server(reading, err);
	if (strcmp(section, "fallback") == 0)
		return begin_fallback(reading, line, err);
	if (kind_len == strlen("service") && strncmp(section, "service", kind_len) == 0) {
		if (*name == '\0')
			return error_set(
			    err, EX_CONFIG, "[service] needs a prefix, as in [service /echo]");
		return begin_service(reading, name, line, err);
	}
	snprintf(kind, sizeof kind, "%.*s", (int)kind_len, section);
	near = conf_suggest(kind, kinds, sizeof kinds / sizeof kinds[0]);
	return error_set(err, EX_CONFIG, "unknown section %s%s%s%s", conf_quote(section, quoted),
	    near == NULL ? ", known are [server], [service /prefix], [fallback] and [fcgi]"
			 : ", did you mean [",
	    near == NULL ? "" : near, near == NULL ? "" : "]?");
}

/* Both tables at once, so that a misspelt service option in [server] is recognised too. */
static const char *
suggest_option(const char *name, bool server)
{
	const char *names[CONF_OPTIONS_MAX];
	size_t i, n = 0;

	names[n++] = "module";
	for (i = 0; i < service_option_count; i++)
		names[n++] = service_option_table[i].name;
	for (i = 0; server && i < server_option_count; i++)
		names[n++] = server_option_table[i].name;
	return conf_suggest(name, names, n);
}

static int
unknown_option(const char *name, bool server, struct error *err)
{
	char quoted[CONF_QUOTED_SIZE];
	const char *near = suggest_option(name, server);

	if (!server && conf_find(server_option_table, server_option_count, name) != NULL)
		return error_set(err, EX_CONFIG, "%s is an option of the [server] section", name);
	conf_quote(name, quoted);
	if (near == NULL)
		return error_set(err, EX_CONFIG, "unknown option %s", quoted);
	return error_set(err, EX_CONFIG, "unknown option %s, did you mean \"%s\"?", quoted, near);
}

/* "modul.interval" is near to no option of ours: its part before the dot is compared. */
static int
unknown_dotted_option(const char *name, struct error *err)
{
	static const char *const kinds[] = {"module"};
	char kind[32], quoted[CONF_QUOTED_SIZE];
	const char *dot = strchr(name, '.');

	snprintf(kind, sizeof kind, "%.*s", (int)(dot - name), name);
	conf_quote(name, quoted);
	if (conf_suggest(kind, kinds, 1) == NULL)
		return error_set(err, EX_CONFIG,
		    "unknown option %s; those of a module are written module.NAME", quoted);
	return error_set(
	    err, EX_CONFIG, "unknown option %s, did you mean \"module%s\"?", quoted, dot);
}

static int
set_module_option(struct sockjs_service *service, const char *name, const char *value,
    unsigned line, struct error *err)
{
	if (service == NULL)
		return error_set(err, EX_CONFIG,
		    "%s belongs into a section that names a module, [service ...] or [fallback]",
		    name);
	return module_options_add(&service->module_options, name, value, line, err);
}

/* Of the options of services, those that mean something without connections. */
static int
check_fallback_option(const char *name, struct error *err)
{
	if (strcmp(name, "body_limit") == 0 || strcmp(name, "log_level") == 0)
		return 0;
	return error_set(err, EX_CONFIG,
	    "%s has no meaning in [fallback], which has module, module.NAME, body_limit and log_level",
	    name);
}

static int
set_module(struct sockjs_service *service, const char *value, struct error *err)
{
	if (service == NULL)
		return error_set(err, EX_CONFIG,
		    "module is an option of a [service ...] section, or of [fallback]");
	if (service->module_name != NULL)
		return error_set(err, EX_CONFIG, "option \"module\" was already set");
	if (value[0] == '\0')
		return error_set(
		    err, EX_CONFIG, "module: a name is expected, as echo, or a path of a .so file");
	service->module_name = copy_text(value);
	return 0;
}

static int
on_option(void *user, const struct conf_line *line, struct error *err)
{
	struct reading *reading = user;
	const char *name = line->name;
	bool server = reading->service == NULL;
	struct service_options *options =
	    server ? &reading->config->defaults : &reading->service->protocol.options;

	if (line->section[0] == '\0')
		return error_set(err, EX_CONFIG,
		    "an option before the first section; begin with [server] or [service /prefix]");
	if (reading->in_fcgi)
		return conf_apply(fcgi_option_table, fcgi_option_count, &reading->fcgi, line, err);
	if (strcmp(name, "module") == 0)
		return set_module(reading->service, line->value, err);
	if (strncmp(name, MODULE_OPTION_PREFIX, strlen(MODULE_OPTION_PREFIX)) == 0)
		return set_module_option(reading->service, name, line->value, line->number, err);
	if (strchr(name, '.') != NULL)
		return unknown_dotted_option(name, err);
	if (conf_find(service_option_table, service_option_count, name) != NULL && !server &&
	    reading->service == reading->config->fallback && check_fallback_option(name, err) == -1)
		return -1;
	if (conf_find(service_option_table, service_option_count, name) != NULL)
		return conf_apply(service_option_table, service_option_count, options, line, err);
	if (!server || conf_find(server_option_table, server_option_count, name) == NULL)
		return unknown_option(name, server, err);
	return conf_apply(
	    server_option_table, server_option_count, &reading->config->server, line, err);
}

static int
check_server(const struct server_options *options, struct error *err)
{
	if (options->group != NULL && options->user == NULL)
		return error_set(err, EX_CONFIG,
		    "group says what group `user` is in: set user in [server] as well");
	return 0;
}

/* What can be said only when a section is over. */
static int
check_sections(const struct config *config, struct error *err)
{
	struct error cause = ERROR_INIT;
	size_t i;

	if (check_server(&config->server, &cause) == -1)
		return error_set(err, cause.code, "%s: %s", config->path, cause.text);
	for (i = 0; i < config_section_count(config); i++) {
		const struct sockjs_service *service = config_section(config, i);

		if (service->module_name == NULL)
			return service_error(service, service->conf_line, err,
			    "[%s] names no module; add a line such as: module = echo",
			    service->section);
	}
	return 0;
}

/* Unset, it is where systemd has made a place for it. In the end NULL is none. */
static void
resolve_store(struct config *config)
{
	const char *folder = getenv("STATE_DIRECTORY");
	char **store = &config->server.store;

	if (*store == NULL && folder != NULL && folder[0] != '\0') {
		int len = (int)strcspn(folder, ":");

		if (asprintf(store, "%.*s/sessions.db", len, folder) == -1)
			abort();
	} else if (*store != NULL && strcmp(*store, "none") == 0) {
		free(*store);
		*store = NULL;
	} else {
		conf_resolve_path(config->path, store);
	}
}

static void
resolve_paths(struct config *config)
{
	size_t i;

	resolve_store(config);
	conf_resolve_path(config->path, &config->server.socket);
	conf_resolve_path(config->path, &config->server.static_folder);
	conf_resolve_path(config->path, &config->server.module_path);
	for (i = 0; i < config_section_count(config); i++) {
		struct sockjs_service *service = config_section(config, i);

		if (strchr(service->module_name, '/') != NULL)
			conf_resolve_path(config->path, &service->module_name);
	}
}

struct config *
config_read(const char *path, struct error *err)
{
	static const struct conf_handler handler = {on_section, on_option};
	struct config *config = calloc(1, sizeof *config);
	struct reading reading = {.config = config};

	if (config == NULL)
		abort();
	config->path = copy_text(path);
	if (conf_set_defaults(server_option_table, server_option_count, &config->server, err) ==
		-1 ||
	    conf_set_defaults(service_option_table, service_option_count, &config->defaults, err) ==
		-1 ||
	    conf_read(path, &handler, &reading, err) == -1 || check_sections(config, err) == -1) {
		conf_free_values(fcgi_option_table, fcgi_option_count, &reading.fcgi);
		config_destroy(&config);
		return NULL;
	}
	conf_free_values(fcgi_option_table, fcgi_option_count, &reading.fcgi);
	resolve_paths(config);
	return config;
}
