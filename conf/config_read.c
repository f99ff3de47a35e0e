/*
 * See config_read.h. conf_read.h finds the lines and the tables of config_options.h say what an
 * option is; here is what depends on the section that a line is in.
 */
#include "conf/config_read.h"

#include "common/memory.h"
#include "conf/conf_read.h"
#include "conf/conf_suggest.h"
#include "conf/responder_options.h"
#include "sockjs/allowed_origins.h"
#include "sockjs/prefix.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>

struct reading {
	struct config *config;
	struct config_section *section; /* the one being read; NULL: [server] or [fcgi] */
	bool in_fcgi;			/* in the responder's section, which is only checked */
	struct fcgi_options fcgi;
	bool had_server;
};

static int
begin_server(struct reading *reading, struct error *err)
{
	if (reading->had_server)
		return error_set(err, EX_CONFIG, "there is a [server] section already");
	if (reading->config->section_count > 0)
		return error_set(
		    err, EX_CONFIG, "[server] comes before the services, whose defaults it sets");
	reading->had_server = true;
	reading->section = NULL;
	return 0;
}

/* As prefix.h has it: slashes at the end of a prefix count for nothing. */
static bool
is_same_prefix(const char *a, const char *b)
{
	size_t a_len = strlen(a), b_len = strlen(b);

	if (a[0] != '/' || b[0] != '/')
		return strcmp(a, b) == 0;
	while (a_len > 0 && a[a_len - 1] == '/')
		a_len--;
	while (b_len > 0 && b[b_len - 1] == '/')
		b_len--;
	return a_len == b_len && memcmp(a, b, a_len) == 0;
}

/* The section of a service (name NULL: the fallback), or NULL. */
static const struct config_section *
find_section(const struct config *config, const char *name)
{
	size_t i;

	for (i = 0; i < config->section_count; i++) {
		const struct config_section *section = &config->sections[i];

		if (name == NULL ? section->is_fallback
				 : !section->is_fallback && is_same_prefix(section->name, name))
			return section;
	}
	return NULL;
}

static int
begin_fallback(struct reading *reading, unsigned line, struct error *err)
{
	const struct config_section *former = find_section(reading->config, NULL);

	if (former != NULL)
		return error_set(
		    err, EX_CONFIG, "[fallback] was begun on line %u already", former->line);
	reading->section = config_add_section(reading->config, NULL, line);
	return 0;
}

static int
begin_service(struct reading *reading, const char *name, unsigned line, struct error *err)
{
	const struct config_section *former = find_section(reading->config, name);
	struct prefix prefix;

	if (former != NULL)
		return error_set(err, EX_CONFIG, "[service %s] was begun on line %u already", name,
		    former->line);
	if (prefix_init(&prefix, name, err) == -1)
		return -1;
	prefix_clear(&prefix);
	reading->section = config_add_section(reading->config, name, line);
	return config_section_make_service(reading->section, err);
}

static int
begin_app(struct reading *reading, const char *name, unsigned line, struct error *err)
{
	struct config *config = reading->config;
	size_t i;

	if (!app_name_is_valid(name))
		return error_set(err, EX_CONFIG,
		    "an app has a name of 1 to %d of A-Z a-z 0-9 _ -, as in [app 1]", APP_NAME_MAX);
	for (i = 0; i < config->section_count; i++)
		if (config->sections[i].app != NULL && strcmp(config->sections[i].app, name) == 0)
			return error_set(err, EX_CONFIG, "[app %s] was begun on line %u already",
			    name, config->sections[i].line);
	reading->section = config_add_section(config, "", line);
	return config_section_make_app(reading->section, name, err);
}

/* A section whose first word is that, such as [service /echo]. */
static bool
is_kind(const char *section, size_t kind_len, const char *kind)
{
	return kind_len == strlen(kind) && strncmp(section, kind, kind_len) == 0;
}

static int
on_section(void *user, const char *section, unsigned line, struct error *err)
{
	static const char *const kinds[] = {"server", "service", "fcgi", "fallback", "app"};
	struct reading *reading = user;
	size_t kind_len = strcspn(section, " \t");
	const char *name = section + kind_len + strspn(section + kind_len, " \t");
	char kind[32], quoted[CONF_QUOTED_SIZE];
	const char *near;

	reading->in_fcgi = strcmp(section, "fcgi") == 0;
	if (reading->in_fcgi) {
		reading->section = NULL;
		return 0;
	}
	if (strcmp(section, "server") == 0)
		return begin_server(reading, err);
	if (strcmp(section, "fallback") == 0)
		return begin_fallback(reading, line, err);
	if (is_kind(section, kind_len, "app"))
		return begin_app(reading, name, line, err);
	if (is_kind(section, kind_len, "service")) {
		if (*name == '\0')
			return error_set(
			    err, EX_CONFIG, "[service] needs a prefix, as in [service /echo]");
		return begin_service(reading, name, line, err);
	}
	snprintf(kind, sizeof kind, "%.*s", (int)kind_len, section);
	near = conf_suggest(kind, kinds, sizeof kinds / sizeof kinds[0]);
	return error_set(err, EX_CONFIG, "unknown section %s%s%s%s", conf_quote(section, quoted),
	    near == NULL ? ", known are [server], [service /prefix], [app NAME], [fallback] and "
			   "[fcgi]"
			 : ", did you mean [",
	    near == NULL ? "" : near, near == NULL ? "" : "]?");
}

/*
 * Several tables at once, so that a misspelt service option in [server] or [app] is recognised too.
 */
static const char *
suggest_option(const char *name, bool server, bool app)
{
	const char *names[CONF_OPTIONS_MAX];
	size_t i, n = 0;

	if (!app)
		names[n++] = "module";
	for (i = 0; app && i < app_option_count; i++)
		names[n++] = app_option_table[i].name;
	for (i = 0; !app && i < worker_option_count; i++)
		names[n++] = worker_option_table[i].name;
	for (i = 0; i < service_option_count; i++)
		names[n++] = service_option_table[i].name;
	for (i = 0; server && i < server_option_count; i++)
		names[n++] = server_option_table[i].name;
	return conf_suggest(name, names, n);
}

/* "listen 127.0.0.1": the name of what was meant, if a blank stands where a = has to. */
static bool
lacks_equals(const char *name, bool server)
{
	char word[64];

	if (name[strcspn(name, " \t")] == '\0')
		return false;
	snprintf(word, sizeof word, "%.*s", (int)strcspn(name, " \t"), name);
	return strcmp(word, "module") == 0 ||
	    conf_find(service_option_table, service_option_count, word) != NULL ||
	    conf_find(worker_option_table, worker_option_count, word) != NULL ||
	    conf_find(app_option_table, app_option_count, word) != NULL ||
	    (server && conf_find(server_option_table, server_option_count, word) != NULL);
}

static bool
is_about_tls(const char *name)
{
	return strncasecmp(name, "tls", 3) == 0 || strncasecmp(name, "ssl", 3) == 0 ||
	    strncasecmp(name, "cert", 4) == 0;
}

/* What is near to no option: what else it may have been. */
static const char *
hint_at(const char *name, const struct config_section *section)
{
	if (is_about_tls(name))
		return "; TLS is the web server's: it serves wss:// and https:// in front of the "
		       "daemon";
	if (section != NULL && section->app == NULL)
		return "; those of a module are written module.NAME";
	return "";
}

static int
unknown_option(const char *name, const struct config_section *section, struct error *err)
{
	bool server = section == NULL;
	char quoted[CONF_QUOTED_SIZE];
	const char *near = suggest_option(name, server, !server && section->app != NULL);

	if (!server && conf_find(server_option_table, server_option_count, name) != NULL)
		return error_set(err, EX_CONFIG, "%s is an option of the [server] section", name);
	if (conf_find(worker_option_table, worker_option_count, name) != NULL)
		return error_set(err, EX_CONFIG, "%s is an option of [service ...] sections", name);
	conf_quote(name, quoted);
	if (near == NULL)
		return error_set(
		    err, EX_CONFIG, "unknown option %s%s", quoted, hint_at(name, section));
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
set_module_option(struct config_section *section, const struct conf_line *line, struct error *err)
{
	if (section == NULL || section->app != NULL)
		return error_set(err, EX_CONFIG,
		    "%s belongs into a section that names a module, [service ...] or [fallback]",
		    line->name);
	return module_options_add(
	    &section->module_options, line->name, line->value, line->number, err);
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
set_module(struct config_section *section, const char *value, struct error *err)
{
	if (section == NULL)
		return error_set(err, EX_CONFIG,
		    "module is an option of a [service ...] section, or of [fallback]");
	if (section->app != NULL)
		return error_set(
		    err, EX_CONFIG, "an [app ...] needs no module: it has the daemon's own");
	if (section->module != NULL)
		return error_set(err, EX_CONFIG, "option \"module\" was already set");
	if (value[0] == '\0')
		return error_set(
		    err, EX_CONFIG, "module: a name is expected, as echo, or a path of a .so file");
	section->module = xstrdup(value);
	return 0;
}

/* An option of services: in [server] it sets their default. */
static int
set_service_option(struct reading *reading, const struct conf_line *line, struct error *err)
{
	struct config_section *section = reading->section;
	struct service_options *options =
	    section == NULL ? &reading->config->defaults : &section->options;

	if (section != NULL && section->is_fallback && check_fallback_option(line->name, err) == -1)
		return -1;
	return conf_apply(service_option_table, service_option_count, options, line, err);
}

static int
on_option(void *user, const struct conf_line *line, struct error *err)
{
	struct reading *reading = user;
	const char *name = line->name;
	bool in_server = reading->section == NULL;
	bool is_app = !in_server && reading->section->app != NULL;
	bool is_service = !in_server && !is_app && !reading->section->is_fallback;

	if (line->section[0] == '\0')
		return error_set(err, EX_CONFIG,
		    "an option before the first section; begin with [server] or [service /prefix]");
	if (reading->in_fcgi)
		return conf_apply(fcgi_option_table, fcgi_option_count, &reading->fcgi, line, err);
	if (strcmp(name, "module") == 0)
		return set_module(reading->section, line->value, err);
	if (strncmp(name, MODULE_OPTION_PREFIX, strlen(MODULE_OPTION_PREFIX)) == 0)
		return set_module_option(reading->section, line, err);
	if (lacks_equals(name, in_server))
		return error_set(err, EX_CONFIG, "a = is missing: write %.*s = VALUE",
		    (int)strcspn(name, " \t"), name);
	if (strchr(name, '.') != NULL)
		return unknown_dotted_option(name, err);
	if (is_app && conf_find(app_option_table, app_option_count, name) != NULL)
		return conf_apply(
		    app_option_table, app_option_count, &reading->section->app_options, line, err);
	if (is_service && conf_find(worker_option_table, worker_option_count, name) != NULL)
		return conf_apply(worker_option_table, worker_option_count,
		    &reading->section->worker_options, line, err);
	if (conf_find(service_option_table, service_option_count, name) != NULL)
		return set_service_option(reading, line, err);
	if (!in_server || conf_find(server_option_table, server_option_count, name) == NULL)
		return unknown_option(name, reading->section, err);
	return conf_apply(
	    server_option_table, server_option_count, &reading->config->server, line, err);
}

/* What can be said only when a section is over. */
static int
check_server(const struct config *config, struct error *err)
{
	if (config->server.group != NULL && config->server.user == NULL)
		return error_set(err, EX_CONFIG,
		    "%s: group says what group `user` is in: set user in [server] as well",
		    config->path);
	return 0;
}

/* True if `headers` names the cookie. */
static bool
shows_cookie(const struct service_options *options)
{
	const char *list = options->headers;
	size_t len;

	if (list == NULL)
		return false;
	for (list += strspn(list, " \t,"); *list != '\0'; list += strspn(list, " \t,")) {
		len = strcspn(list, " \t,");
		if (len == strlen("cookie") && strncasecmp(list, "cookie", len) == 0)
			return true;
		list += len;
	}
	return false;
}

/*
 * Browsers send cookies with whatever a page asks for, and SockJS asks across origins: a module
 * that believed them would act for a visitor on the word of any page (CSRF).
 */
static int
check_cookie(const struct config *config, const struct config_section *section, struct error *err)
{
	struct allowed_origins origins;
	bool is_open, has_null;

	if (!shows_cookie(&section->options) ||
	    allowed_origins_parse(&origins, section->options.allowed_origins, err) == -1)
		return 0;
	is_open = !origins.is_restricted;
	has_null = origins.null;
	allowed_origins_clear(&origins);
	if (!is_open && !has_null)
		return 0;
	return error_set(err, EX_CONFIG,
	    "%s:%u: [%s%s] has cookie in headers, but %s: a page of any site could connect "
	    "with the cookies of its visitors (CSRF)",
	    config->path, section->line, section->app == NULL ? "service " : "app ",
	    section->app == NULL ? section->name : section->app,
	    is_open ? "no allowed_origins" : "null in allowed_origins");
}

/*
 * Clients of an app ask after APP_ACTIVITY_TIMEOUT seconds of silence: they hear something before.
 */
static int
finish_app(const struct config *config, struct config_section *section, struct error *err)
{
	struct error cause = ERROR_INIT;
	size_t i;

	conf_resolve_path(config->path, &section->app_options.secret_file);
	if (app_options_finish(&section->app_options, &cause) == 0 &&
	    section->options.heartbeat_delay >= APP_ACTIVITY_TIMEOUT * 1000)
		error_set(&cause, EX_CONFIG, "heartbeat_delay of an app is less than %ds",
		    APP_ACTIVITY_TIMEOUT);
	for (i = 0; cause.code == 0 && &config->sections[i] != section; i++)
		if (config->sections[i].app != NULL &&
		    strcmp(config->sections[i].app_options.key, section->app_options.key) == 0)
			error_set(&cause, EX_CONFIG, "[app %s] has the same key",
			    config->sections[i].app);
	if (cause.code != 0)
		return error_set(err, EX_CONFIG, "%s:%u: [app %s]: %s", config->path, section->line,
		    section->app, cause.text);
	free(section->name);
	if (asprintf(&section->name, "%s/pusher/app/%s",
		config->server.app_path == NULL ? "" : config->server.app_path,
		section->app_options.key) == -1)
		abort();
	return 0;
}

/* Its module is the one it names, or that of its worker options. */
static int
finish_service(const struct config *config, struct config_section *section, struct error *err)
{
	struct error cause = ERROR_INIT;
	const char *module =
	    worker_options_module(&section->worker_options, section->module, &cause);

	if (module == NULL)
		return error_set(err, EX_CONFIG, "%s:%u: [service %s] %s", config->path,
		    section->line, section->name, cause.text);
	if (section->module == module)
		return 0;
	free(section->module);
	section->module = xstrdup(module);
	return 0;
}

static int
check_sections(struct config *config, struct error *err)
{
	size_t i;

	for (i = 0; i < config->section_count; i++) {
		struct config_section *section = &config->sections[i];

		if (section->app != NULL && finish_app(config, section, err) == -1)
			return -1;
		if (section->app == NULL && !section->is_fallback &&
		    finish_service(config, section, err) == -1)
			return -1;
		if (section->module == NULL)
			return error_set(err, EX_CONFIG,
			    "%s:%u: [%s] names no module; add a line such as: module = echo",
			    config->path, section->line, section->name);
		if (!section->is_fallback && check_cookie(config, section, err) == -1)
			return -1;
	}
	return 0;
}

/*
 * Unset, the store is in the folder that systemd has made for it. NULL stands for none from here
 * on.
 */
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
	if (config->server.control != NULL && strcmp(config->server.control, "none") != 0)
		conf_resolve_path(config->path, &config->server.control);
	conf_resolve_path(config->path, &config->server.command_folder);
	conf_resolve_path(config->path, &config->server.static_folder);
	conf_resolve_path(config->path, &config->server.module_path);
	if (strchr(config->server.log, '/') != NULL)
		conf_resolve_path(config->path, &config->server.log);
	for (i = 0; i < config->section_count; i++)
		if (strchr(config->sections[i].module, '/') != NULL)
			conf_resolve_path(config->path, &config->sections[i].module);
}

struct config *
config_read(const char *path, struct error *err)
{
	static const struct conf_handler handler = {on_section, on_option};
	struct reading reading = {.config = config_create(path, err)};
	struct config *config = reading.config;

	if (config == NULL)
		return NULL;
	if (conf_read(path, &handler, &reading, err) == 0 && check_server(config, err) == 0 &&
	    check_sections(config, err) == 0)
		resolve_paths(config);
	else
		config_destroy(&config);
	conf_free_values(fcgi_option_table, fcgi_option_count, &reading.fcgi);
	return config;
}
