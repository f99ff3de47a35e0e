/*
 * See config.h. The generic reader is common/conf; here are the tables and what depends on several options.
 */
#include "sessiond/config.h"

#include "fcgi/options.h"
#include "sessiond/config_check.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#define DAY_MS	   86400000u
#define SOCKJS_URL "https://cdn.jsdelivr.net/npm/sockjs-client@1/dist/sockjs.min.js"

#define SERVER(member)	offsetof(struct server_options, member)
#define SERVICE(member) offsetof(struct service_options, member)

static const char *const store_sync_names[] = {"off", "normal", "full", NULL};

const struct conf_option server_option_table[] = {
    {.name = "listen",
	.type = CONF_STRING,
	.offset = SERVER(listen),
	.help = "addresses to listen on, ADDR:PORT separated by blanks"},
    {.name = "socket",
	.type = CONF_STRING,
	.offset = SERVER(socket),
	.help = "path of a Unix socket to listen on, for web servers on this machine"},
    {.name = "socket_mode",
	.type = CONF_STRING,
	.offset = SERVER(socket_mode),
	.default_text = "0666",
	.help = "permissions of the socket, octal; its folder's count as well"},
    {.name = "socket_group",
	.type = CONF_STRING,
	.offset = SERVER(socket_group),
	.help = "group of the socket, such as the web server's"},
    {.name = "socket_users",
	.type = CONF_STRING,
	.offset = SERVER(socket_users),
	.help =
	    "users whose sockjs.fcgi may connect to the socket, names separated by blanks; unset: all whom the file's permissions let"},
    {.name = "fcgid_max_held",
	.type = CONF_U32,
	.offset = SERVER(fcgid_max_held),
	.min = 1,
	.default_text = "5",
	.help =
	    "polls held at once by processes that serve one request at a time (mod_fcgid); more are answered early with a heartbeat"},
    {.name = "user",
	.type = CONF_STRING,
	.offset = SERVER(user),
	.help = "whom the daemon becomes, if root starts it, once it has its sockets"},
    {.name = "group",
	.type = CONF_STRING,
	.offset = SERVER(group),
	.help = "its group then; unset: the user's own"},
    {.name = "static",
	.type = CONF_STRING,
	.offset = SERVER(static_folder),
	.help = "folder whose files answer requests outside every service"},
    {.name = "module_path",
	.type = CONF_STRING,
	.offset = SERVER(module_path),
	.help = "folder in which modules are looked up"},
    {.name = "store",
	.type = CONF_STRING,
	.offset = SERVER(store),
	.min = 1,
	.help =
	    "file in which sessions outlive the daemon, or none; unset: sessions.db in the folder that STATE_DIRECTORY names (systemd sets it), else none"},
    {.name = "store_sync",
	.type = CONF_ENUM,
	.offset = SERVER(store_sync),
	.default_text = "normal",
	.names = store_sync_names,
	.help =
	    "what the store survives: off, the end of the process; normal, that, and never damaged by a power cut; full, a power cut with all that was acknowledged"},
    {.name = "store_limit",
	.type = CONF_SIZE,
	.offset = SERVER(store_limit),
	.min = 1 << 20,
	.default_text = "1G",
	.help =
	    "bytes that the store may take on the disk; beyond, sends and new sessions get 503"},
    {.name = "log",
	.type = CONF_ENUM,
	.offset = SERVER(log),
	.default_text = "stderr",
	.names = log_target_names,
	.help = "where the log goes"},
    {.name = "connection_limit",
	.type = CONF_U32,
	.offset = SERVER(connection_limit),
	.min = 1,
	.max = 10000000,
	.default_text = "65536",
	.help = "open connections; lowered to what the system's limit of open files allows"},
    {.name = "session_limit",
	.type = CONF_U32,
	.offset = SERVER(session_limit),
	.min = 1,
	.default_text = "100000",
	.help = "sessions of all services"},
    {.name = "sessions_per_address",
	.type = CONF_U32,
	.offset = SERVER(sessions_per_address),
	.default_text = "0",
	.help =
	    "sessions from one client address; 0: no limit (behind a proxy all have one address)"},
    {.name = "request_timeout",
	.type = CONF_MS,
	.offset = SERVER(request_timeout),
	.min = 10,
	.max = DAY_MS,
	.default_text = "20000",
	.help = "time in which a request must have arrived whole"},
    {.name = "keepalive_timeout",
	.type = CONF_MS,
	.offset = SERVER(keepalive_timeout),
	.min = 10,
	.max = DAY_MS,
	.default_text = "75000",
	.help = "time that a connection may be idle between two requests"},
    {.name = "connection_memory",
	.type = CONF_SIZE,
	.offset = SERVER(connection_memory),
	.min = 4096,
	.max = 1 << 20,
	.default_text = "32k",
	.help = "memory for one HTTP connection, which bounds a request's head"},
};
const size_t server_option_count = sizeof server_option_table / sizeof server_option_table[0];

static const char *const jsessionid_names[] = {"off", "on", "module", NULL};
static const char *const heartbeat_names[] = {"ping", "frame", NULL};

const struct conf_option service_option_table[] = {
    {.name = "sockjs_url",
	.type = CONF_STRING,
	.offset = SERVICE(sockjs_url),
	.min = 1,
	.default_text = SOCKJS_URL,
	.help = "URL of sockjs-client for the iframe page"},
    {.name = "response_limit",
	.type = CONF_SIZE,
	.offset = SERVICE(response_limit),
	.min = 1,
	.default_text = "128k",
	.help = "bytes after which a streaming response ends and the client asks again"},
    {.name = "websocket",
	.type = CONF_BOOL,
	.offset = SERVICE(websocket),
	.default_text = "on",
	.help = "whether websockets are offered"},
    {.name = "jsessionid",
	.type = CONF_ENUM,
	.offset = SERVICE(jsessionid),
	.default_text = "off",
	.names = jsessionid_names,
	.help =
	    "JSESSIONID cookie for load balancers: off, on, or what the module's callback says"},
    {.name = "log_level",
	.type = CONF_ENUM,
	.offset = SERVICE(log_level),
	.default_text = "info",
	.names = log_severity_names,
	.help = "least severity that is logged; info has a line for each request"},
    {.name = "heartbeat_delay",
	.type = CONF_MS,
	.offset = SERVICE(heartbeat_delay),
	.min = 1,
	.max = DAY_MS,
	.default_text = "25000",
	.help = "time between two heartbeats"},
    {.name = "disconnect_delay",
	.type = CONF_MS,
	.offset = SERVICE(disconnect_delay),
	.min = 1,
	.max = DAY_MS,
	.default_text = "5000",
	.help = "time without a receiving request after which a session ends"},
    {.name = "disable_cors",
	.type = CONF_BOOL,
	.offset = SERVICE(disable_cors),
	.default_text = "off",
	.help = "no CORS headers and no iframe page: only pages of the same origin can connect"},
    {.name = "base_url",
	.type = CONF_STRING,
	.offset = SERVICE(base_url),
	.help = "URL that clients use for every transport, given to them by /info"},
    {.name = "transports",
	.type = CONF_SET,
	.offset = SERVICE(transports),
	.min = 1,
	.default_text = "all",
	.names = transport_names,
	.help = "transports that are offered"},
    {.name = "websocket_heartbeat",
	.type = CONF_ENUM,
	.offset = SERVICE(websocket_heartbeat),
	.default_text = "ping",
	.names = heartbeat_names,
	.help = "heartbeat of websockets: a ping, or an h frame that the client sees"},
    {.name = "websocket_hixie76",
	.type = CONF_BOOL,
	.offset = SERVICE(websocket_hixie76),
	.default_text = "off",
	.help = "accept the obsolete hixie-76 protocol of browsers before 2012"},
    {.name = "websocket_deflate",
	.type = CONF_BOOL,
	.offset = SERVICE(websocket_deflate),
	.default_text = "off",
	.help = "compress websocket messages (permessage-deflate)"},
    {.name = "body_limit",
	.type = CONF_SIZE,
	.offset = SERVICE(body_limit),
	.min = 1,
	.max = 1u << 30,
	.default_text = "4M",
	.help = "bytes of a request's body; more is answered with 413"},
    {.name = "message_limit",
	.type = CONF_SIZE,
	.offset = SERVICE(message_limit),
	.min = 1,
	.max = 1u << 30,
	.default_text = "4M",
	.help = "bytes of one websocket message; more closes with 1009"},
    {.name = "messages_limit",
	.type = CONF_U32,
	.offset = SERVICE(messages_limit),
	.min = 1,
	.default_text = "65536",
	.help = "messages in one request or frame"},
    {.name = "queue_limit",
	.type = CONF_SIZE,
	.offset = SERVICE(queue_limit),
	.min = 1,
	.default_text = "16M",
	.help = "bytes that wait for a client to read; more closes its session with 1008"},
    {.name = "drain_mark",
	.type = CONF_SIZE,
	.offset = SERVICE(drain_mark),
	.default_text = "64k",
	.help =
	    "bytes that wait for a client to read; once more have, the module is told when none do"},
};
const size_t service_option_count = sizeof service_option_table / sizeof service_option_table[0];

struct reading {
	struct config *config;
	struct sockjs_service *service; /* of the section being read; NULL: [server] or [fcgi] */
	bool in_fcgi;			/* in the responder's section, which is only checked here */
	struct fcgi_options fcgi;
	struct conf_seen seen;
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

	conf_seen_reset(&reading->seen);
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
on_option(void *user, const char *section, const char *name, const char *value, unsigned line,
    struct error *err)
{
	struct reading *reading = user;
	bool server = reading->service == NULL;
	struct service_options *options =
	    server ? &reading->config->defaults : &reading->service->protocol.options;

	if (section[0] == '\0')
		return error_set(err, EX_CONFIG,
		    "an option before the first section; begin with [server] or [service /prefix]");
	if (reading->in_fcgi)
		return conf_apply(fcgi_option_table, fcgi_option_count, &reading->fcgi,
		    &reading->seen, name, value, line, err);
	if (strcmp(name, "module") == 0)
		return set_module(reading->service, value, err);
	if (strncmp(name, MODULE_OPTION_PREFIX, strlen(MODULE_OPTION_PREFIX)) == 0)
		return set_module_option(reading->service, name, value, line, err);
	if (strchr(name, '.') != NULL)
		return unknown_dotted_option(name, err);
	if (conf_find(service_option_table, service_option_count, name) != NULL && !server &&
	    reading->service == reading->config->fallback && check_fallback_option(name, err) == -1)
		return -1;
	if (conf_find(service_option_table, service_option_count, name) != NULL)
		return conf_apply(service_option_table, service_option_count, options,
		    &reading->seen, name, value, line, err);
	if (!server || conf_find(server_option_table, server_option_count, name) == NULL)
		return unknown_option(name, server, err);
	if (conf_apply(server_option_table, server_option_count, &reading->config->server,
		&reading->seen, name, value, line, err) == -1)
		return -1;
	return config_check_option(name, value, err);
}

/* What can be said only when a section is over. */
static int
check_sections(const struct config *config, struct error *err)
{
	struct error cause = ERROR_INIT;
	size_t i;

	if (config_check_server(&config->server, &cause) == -1)
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

size_t
config_section_count(const struct config *config)
{
	return config->service_count + (config->fallback != NULL);
}

struct sockjs_service *
config_section(const struct config *config, size_t index)
{
	return index < config->service_count ? config->services[index] : config->fallback;
}

enum log_severity
config_log_level(const struct config *config)
{
	int level = config->defaults.log_level;
	size_t i;

	for (i = 0; i < config_section_count(config); i++)
		if (config_section(config, i)->protocol.options.log_level > level)
			level = config_section(config, i)->protocol.options.log_level;
	return (enum log_severity)level;
}

bool
config_allows_user(const struct config *config, uid_t user)
{
	char *copy, *rest, *word;
	bool allowed = user == 0 || user == geteuid();

	if (config->server.socket_users == NULL || allowed)
		return true;
	copy = rest = strdup(config->server.socket_users);
	if (copy == NULL)
		abort();
	while (!allowed && (word = strsep(&rest, " \t,")) != NULL) {
		const struct passwd *entry = *word == '\0' ? NULL : getpwnam(word);

		allowed = entry != NULL && entry->pw_uid == user;
	}
	free(copy);
	return allowed;
}

void
config_destroy(struct config **config)
{
	struct config *c = *config;
	size_t i;

	*config = NULL;
	if (c == NULL)
		return;
	for (i = 0; i < config_section_count(c); i++) {
		struct sockjs_service *service = config_section(c, i);

		conf_free_values(
		    service_option_table, service_option_count, &service->protocol.options);
		service_destroy(&service);
	}
	free(c->services);
	conf_free_values(server_option_table, server_option_count, &c->server);
	conf_free_values(service_option_table, service_option_count, &c->defaults);
	free(c->path);
	free(c);
}
