/* See responder_options.h. */
#include "conf/responder_options.h"

#include "common/log.h"
#include "common/memory.h"
#include "conf/conf_read.h"
#include "conf/option_checks.h"

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
	    "Unix socket (a path), or ADDR:PORT, also several, to serve FastCGI on; if unset, the "
	    "socket that a web server passes as descriptor 0"},
    {.name = "socket_mode",
	.type = CONF_STRING,
	.offset = OPTION(socket_mode),
	.check = option_check_mode,
	.default_text = "0660",
	.help = "permissions of the Unix socket, octal"},
    {.name = "socket_group",
	.type = CONF_STRING,
	.offset = OPTION(socket_group),
	.check = option_check_group,
	.help = "group of the Unix socket, such as the web server's"},
    {.name = "user",
	.type = CONF_STRING,
	.offset = OPTION(user),
	.check = option_check_user,
	.help =
	    "user that the responder becomes after it has opened its sockets, if root starts it"},
    {.name = "group",
	.type = CONF_STRING,
	.offset = OPTION(group),
	.check = option_check_group,
	.help = "group that the responder changes to with user; if unset, the user's own group"},
    {.name = "fcgi_streaming",
	.type = CONF_BOOL,
	.offset = OPTION(streaming),
	.default_text = "off",
	.help = "stream through FastCGI; if off, streaming responses end after their first frames, "
		"because most web servers buffer them"},
    {.name = "autostart",
	.type = CONF_BOOL,
	.offset = OPTION(autostart),
	.default_text = "off",
	.help = "start sockjs-sessiond when none is running"},
    {.name = "show_reason",
	.type = CONF_BOOL,
	.offset = OPTION(show_reason),
	.default_text = "off",
	.help = "say in a 503 why sockjs-sessiond is not there; for developers, as visitors see "
		"names of files then"},
    {.name = "sessiond",
	.type = CONF_STRING,
	.offset = OPTION(sessiond),
	.help = "program that autostart starts; if unset, the one beside sockjs.fcgi, or the "
		"installed one"},
    {.name = "backend_timeout",
	.type = CONF_MS,
	.offset = OPTION(backend_timeout),
	.min = 100,
	.max = DAY_MS,
	.default_text = "15000",
	.help = "how long requests wait for sockjs-sessiond to come back before they get 503"},
    {.name = "request_timeout",
	.type = CONF_MS,
	.offset = OPTION(request_timeout),
	.min = 100,
	.max = DAY_MS,
	.default_text = "20000",
	.help = "time in which the web server must pass on a complete request"},
    {.name = "connection_limit",
	.type = CONF_U32,
	.offset = OPTION(connection_limit),
	.min = 1,
	.max = 10000000,
	.default_text = "65536",
	.help = "largest number of open FastCGI connections; lowered to what the system's limit of "
		"open files allows"},
    {.name = "log",
	.type = CONF_STRING,
	.offset = OPTION(log),
	.min = 1,
	.check = option_check_log,
	.default_text = "stderr",
	.help =
	    "where the responder's log goes: stderr, which web servers write to their error log, "
	    "syslog, or a file, which has a / in its name and may be that of [server]"},
    {.name = "log_size",
	.type = CONF_SIZE,
	.offset = OPTION(log_size),
	.default_text = "10M",
	.help =
	    "bytes of that file, where 0 is no limit; then it is renamed to FILE.1, and a new one begins"},
    {.name = "log_level",
	.type = CONF_ENUM,
	.offset = OPTION(log_level),
	.default_text = "error",
	.names = log_severity_names,
	.help = "least severity that the responder logs"},
};
const size_t fcgi_option_count = sizeof fcgi_option_table / sizeof fcgi_option_table[0];

static void
take(char **value, const char *text)
{
	free(*value);
	*value = xstrdup(text);
}

static int
on_option(void *user, const struct conf_line *line, struct error *err)
{
	struct responder_config *config = user;

	if (strcmp(line->section, "fcgi") == 0)
		return conf_apply(
		    fcgi_option_table, fcgi_option_count, &config->options, line, err);
	if (strcmp(line->section, "server") == 0 && strcmp(line->name, "socket") == 0)
		take(&config->socket, line->value);
	if (strcmp(line->section, "server") == 0 && strcmp(line->name, "command_folder") == 0)
		take(&config->command_folder, line->value);
	return 0;
}

static int
check(const struct responder_config *config, struct error *err)
{
	if (config->socket != NULL &&
	    strlen(config->socket) >= sizeof((struct sockaddr_un *)NULL)->sun_path)
		return error_set(
		    err, EX_CONFIG, "%s: socket: the path is too long", config->conf_path);
	if (config->socket == NULL)
		return error_set(err, EX_CONFIG,
		    "%s: [server] names no `socket = PATH`, by which sockjs.fcgi reaches sockjs-sessiond",
		    config->conf_path);
	if (config->options.group != NULL && config->options.user == NULL)
		return error_set(err, EX_CONFIG,
		    "%s: group says what group `user` is in: set user in [fcgi] as well",
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
		return xstrdup(path);
	if (asprintf(&joined, "%s/%s", folder, path) == -1)
		abort();
	return joined;
}

int
responder_config_read(
    const char *path, struct responder_config *config, const char *socket, struct error *err)
{
	static const struct conf_handler handler = {.option = on_option};

	*config = (struct responder_config){.conf_path = absolute(path)};
	if (conf_set_defaults(fcgi_option_table, fcgi_option_count, &config->options, err) == -1 ||
	    conf_read(config->conf_path, &handler, config, err) == -1) {
		responder_config_clear(config);
		return -1;
	}
	conf_resolve_path(config->conf_path, &config->socket);
	conf_resolve_path(config->conf_path, &config->command_folder);
	if (socket != NULL)
		take(&config->socket, socket);
	if (check(config, err) == -1) {
		responder_config_clear(config);
		return -1;
	}
	conf_resolve_path(config->conf_path, &config->options.sessiond);
	if (strchr(config->options.log, '/') != NULL)
		conf_resolve_path(config->conf_path, &config->options.log);
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
	free(config->command_folder);
	*config = (struct responder_config){.conf_path = NULL};
}
