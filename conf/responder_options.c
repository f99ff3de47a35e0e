/*
 * See options.h.
 */
#include "conf/responder_options.h"

#include "common/log.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

#define OPTION(member) offsetof(struct fcgi_options, member)
#define DAY_MS	       86400000u

const struct conf_option fcgi_option_table[] = {
    {.name = "listen",
	.type = CONF_STRING,
	.offset = OPTION(listen),
	.help =
	    "Unix socket (a path) or ADDR:PORT to serve FastCGI on; unset: the socket that a web server passes as descriptor 0"},
    {.name = "mode",
	.type = CONF_STRING,
	.offset = OPTION(mode),
	.default_text = "0660",
	.help = "permissions of the Unix socket, octal"},
    {.name = "fcgi_streaming",
	.type = CONF_BOOL,
	.offset = OPTION(streaming),
	.default_text = "off",
	.help =
	    "stream through FastCGI; off: streaming responses end after their first frames, since most servers buffer them"},
    {.name = "autostart",
	.type = CONF_BOOL,
	.offset = OPTION(autostart),
	.default_text = "off",
	.help = "start sockjs-sessiond when none is running"},
    {.name = "sessiond",
	.type = CONF_STRING,
	.offset = OPTION(sessiond),
	.help =
	    "the program that autostart starts; unset: found beside sockjs.fcgi, or where it is installed"},
    {.name = "backend_timeout",
	.type = CONF_MS,
	.offset = OPTION(backend_timeout),
	.min = 100,
	.max = DAY_MS,
	.default_text = "15000",
	.help = "time that requests wait for sockjs-sessiond to come back before they get 503"},
    {.name = "request_timeout",
	.type = CONF_MS,
	.offset = OPTION(request_timeout),
	.min = 100,
	.max = DAY_MS,
	.default_text = "20000",
	.help = "time in which the web server must have passed on a request whole"},
    {.name = "connection_limit",
	.type = CONF_U32,
	.offset = OPTION(connection_limit),
	.min = 1,
	.max = 10000000,
	.default_text = "65536",
	.help =
	    "open FastCGI connections; lowered to what the system's limit of open files allows"},
    {.name = "log",
	.type = CONF_ENUM,
	.offset = OPTION(log),
	.default_text = "stderr",
	.names = log_target_names,
	.help = "where the responder's log goes; a web server puts its stderr into the error log"},
    {.name = "log_level",
	.type = CONF_ENUM,
	.offset = OPTION(log_level),
	.default_text = "error",
	.names = log_severity_names,
	.help = "least severity that the responder logs"},
};
const size_t fcgi_option_count = sizeof fcgi_option_table / sizeof fcgi_option_table[0];

struct reading {
	struct responder_config *config;
	struct conf_seen seen;
};

static int
on_section(void *user, const char *section, unsigned line, struct error *err)
{
	struct reading *reading = user;

	(void)section;
	(void)line;
	(void)err;
	conf_seen_reset(&reading->seen);
	return 0;
}

static int
on_option(void *user, const char *section, const char *name, const char *value, unsigned line,
    struct error *err)
{
	struct reading *reading = user;

	if (strcmp(section, "fcgi") == 0)
		return conf_apply(fcgi_option_table, fcgi_option_count, &reading->config->options,
		    &reading->seen, name, value, line, err);
	if (strcmp(section, "server") == 0 && strcmp(name, "socket") == 0) {
		free(reading->config->socket);
		reading->config->socket = strdup(value);
		if (reading->config->socket == NULL)
			abort();
	}
	return 0;
}

static int
check(struct responder_config *config, struct error *err)
{
	const char *mode = config->options.mode;

	if (strlen(mode) > 4 || strlen(mode) < 3 || strspn(mode, "01234567") != strlen(mode))
		return error_set(err, EX_CONFIG, "%s: mode: \"%s\" is no octal mode, as 0660",
		    config->conf_path, mode);
	if (config->socket != NULL &&
	    strlen(config->socket) >= sizeof((struct sockaddr_un *)NULL)->sun_path)
		return error_set(
		    err, EX_CONFIG, "%s: socket: the path is too long", config->conf_path);
	if (config->socket == NULL)
		return error_set(err, EX_CONFIG,
		    "%s: [server] names no `socket = PATH`, by which sockjs.fcgi reaches sockjs-sessiond",
		    config->conf_path);
	return 0;
}

/*
 * For autostart. A symbolic link is not followed: relative paths count from its own folder, as they
 * do for sessiond.
 */
static char *
absolute(const char *path)
{
	char folder[PATH_MAX], *joined;

	if (path[0] == '/' || getcwd(folder, sizeof folder) == NULL)
		joined = strdup(path);
	else if (asprintf(&joined, "%s/%s", folder, path) == -1)
		joined = NULL;
	if (joined == NULL)
		abort();
	return joined;
}

int
responder_config_read(
    const char *path, struct responder_config *config, const char *socket, struct error *err)
{
	static const struct conf_handler handler = {on_section, on_option};
	struct reading reading = {.config = config};

	*config = (struct responder_config){.conf_path = absolute(path)};
	if (conf_set_defaults(fcgi_option_table, fcgi_option_count, &config->options, err) == -1 ||
	    conf_read(config->conf_path, &handler, &reading, err) == -1) {
		responder_config_clear(config);
		return -1;
	}
	conf_resolve_path(config->conf_path, &config->socket);
	if (socket != NULL) {
		free(config->socket);
		config->socket = strdup(socket);
	}
	if (check(config, err) == -1) {
		responder_config_clear(config);
		return -1;
	}
	conf_resolve_path(config->conf_path, &config->options.sessiond);
	if (config->options.listen != NULL && strchr(config->options.listen, '/') != NULL)
		conf_resolve_path(config->conf_path, &config->options.listen);
	return 0;
}

void
responder_config_clear(struct responder_config *config)
{
	conf_free_values(fcgi_option_table, fcgi_option_count, &config->options);
	free(config->conf_path);
	free(config->socket);
	*config = (struct responder_config){.conf_path = NULL};
}
