/*
 * sockjs.fcgi: options, configuration, the listening socket, then responder.c.
 */
#include "common/command_line.h"
#include "common/log.h"
#include "common/memory.h"
#include "conf/conf_doubt.h"
#include "conf/option_checks.h"
#include "conf/responder_options.h"
#include "fcgi/daemon/autostart.h"
#include "fcgi/responder.h"
#include "fcgi/webserver/listen.h"
#include "system/privileges.h"
#include "system/socket_access.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

#define PROGRAM "sockjs.fcgi"

#ifndef CONF_FILE
#define CONF_FILE "/usr/local/etc/sockjs.conf"
#endif

static const char usage_text[] =
    "Usage: sockjs.fcgi [--config FILE] [OPTION...]\n"
    "\n"
    "The FastCGI responder of sockjs-fcgi. Behind a web server, it answers SockJS's polling\n"
    "transports and pages, and passes messages to sockjs-sessiond. A web server starts it\n"
    "with its socket as descriptor 0. With --listen, it is a service of its own instead.\n"
    "\n"
    "  -c, --config FILE      the configuration (sockjs.conf), the same as sockjs-sessiond's.\n"
    "                         Without it: $SOCKJS_CONF, sockjs.conf beside the program,\n"
    "                         or " CONF_FILE "\n"
    "  -l, --listen ADDRESS   serve FastCGI there: a path of a Unix socket, or ADDR:PORT...\n"
    "  -m, --mode MODE        permissions of the Unix socket, octal (0660)\n"
    "  -s, --socket PATH      sockjs-sessiond's socket, instead of the file's `socket`\n"
    "  -n, --check            check whether a start would succeed, then exit\n"
    "  -v, --version          print the version\n"
    "  -h, --help             print this text\n"
    "\n"
    "With --listen it prints a line `ready ADDRESS` when it accepts requests. After SIGTERM\n"
    "it answers the requests that it holds, and ends.\n"
    "\n"
    "Exit status: 0 after an orderly end; 64 for a mistake on the command line; 69 if it\n"
    "cannot listen on an address; 78 for a mistake in the configuration.\n";

/* A web server may have no way to pass arguments: the file is then found by the program's place. */
static void
find_config(char path[PATH_MAX])
{
	const char *from_environment = getenv("SOCKJS_CONF");
	ssize_t n = readlink("/proc/self/exe", path, PATH_MAX - sizeof "sockjs.conf");
	char *slash;

	if (from_environment != NULL) {
		snprintf(path, PATH_MAX, "%s", from_environment);
		return;
	}
	path[n < 0 ? 0 : n] = '\0';
	slash = strrchr(path, '/');
	if (slash != NULL) {
		strcpy(slash + 1, "sockjs.conf");
		if (access(path, R_OK) == 0)
			return;
	}
	snprintf(path, PATH_MAX, "%s", CONF_FILE);
}

static void
override(char **option, const char *value)
{
	if (value == NULL)
		return;
	free(*option);
	*option = xstrdup(value);
}

/* The browser's user sees this, and the web server's log the error. */
static void
answer_cgi(const struct error *err)
{
	if (getenv("GATEWAY_INTERFACE") != NULL && err->code == EX_USAGE)
		printf("Status: 500 Internal Server Error\r\n"
		       "Content-Type: text/plain; charset=UTF-8\r\n\r\n%s\n",
		    err->text);
}

static const struct conf_option *
find_option(const char *section, const char *name)
{
	return strcmp(section, "fcgi") == 0 ? conf_find(fcgi_option_table, fcgi_option_count, name)
					    : NULL;
}

static int
check(const struct responder_config *config, struct error *err)
{
	const struct fcgi_options *options = &config->options;
	struct socket_access access;

	memory_keep_freed();
	conf_doubt(PROGRAM, config->conf_path, find_option);
	if (socket_access_resolve(
		options->user, options->socket_group, options->socket_mode, &access, err) == -1 ||
	    listen_check(options->listen, &access, err) == -1 ||
	    privileges_drop(options->user, options->group, err) == -1 ||
	    log_check_target(options->log, err) == -1 || autostart_check(config, err) == -1)
		return -1;
	printf("%s: the configuration is fine\n", config->conf_path);
	return EX_OK;
}

/* The sockets are opened as whoever starts the program; nothing is accepted as root. */
static int
serve(const struct responder_config *config, struct error *err)
{
	const struct fcgi_options *options = &config->options;
	struct socket_access access;
	struct listen_set listen;
	int status = -1;

	if (socket_access_resolve(
		options->user, options->socket_group, options->socket_mode, &access, err) == -1 ||
	    listen_open(&listen, options->listen, &access, err) == -1)
		return -1;
	if (privileges_drop(options->user, options->group, err) == 0)
		status = responder_run(config, &listen, err);
	listen_close(&listen);
	return status;
}

int
main(int argc, char **argv)
{
	const char *file = NULL, *address = NULL, *mode = NULL, *daemon = NULL;
	bool checks = false;
	const struct command_option options[] = {
	    {"config", 'c', &file, NULL},
	    {"listen", 'l', &address, NULL},
	    {"mode", 'm', &mode, NULL},
	    {"socket", 's', &daemon, NULL},
	    {"check", 'n', NULL, &checks},
	    {NULL},
	};
	const struct command_line line = {PROGRAM, usage_text, options};
	struct responder_config config;
	struct error err = ERROR_INIT;
	char path[PATH_MAX];
	int status = command_line_read(&line, argc, argv);

	if (status == -1 && mode != NULL && option_check_mode("--mode", mode, &err) == -1)
		status = command_line_mistake(&line, "--mode", "is no octal mode, such as 0660");
	if (status != -1)
		return status;
	if (file == NULL) {
		find_config(path);
		file = path;
	}
	if (responder_config_read(file, &config, daemon, &err) == -1)
		return command_line_fail(&line, &err);
	override(&config.options.listen, address);
	override(&config.options.socket_mode, mode);
	log_open(PROGRAM, (enum log_severity)config.options.log_level);
	log_set_target(
	    config.options.log, config.options.log_size, privileges_uid(config.options.user));
	status = checks ? check(&config, &err) : serve(&config, &err);
	responder_config_clear(&config);
	if (status == -1)
		answer_cgi(&err);
	return status == -1 ? command_line_fail(&line, &err) : EX_OK;
}
