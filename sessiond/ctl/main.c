/*
 * sockjsctl: one command to the daemon, and what comes of it.
 */
#include "common/command_line.h"
#include "common/memory.h"
#include "conf/config_read.h"
#include "sessiond/ctl/commands.h"
#include "sessiond/ctl/daemons.h"
#include "sessiond/ctl/words.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

static const char usage_text[] =
    "Usage: sockjsctl [OPTION...] COMMAND [ARGUMENT...]\n"
    "\n"
    "Asks sockjs-sessiond, over its control socket, which `control` of sockjs.conf names.\n"
    "\n"
    "  status                  what it does, and whom it serves\n"
    "  metrics                 everything that it counts, as Prometheus reads it\n"
    "  sessions                the connections that there are\n"
    "  channels                the channels that there are\n"
    "  workers                 the processes of applications in other languages than C\n"
    "  publish                 with CHANNEL [DATA]: publish a message to a channel; without DATA,\n"
    "                          or with - as DATA, it is what standard input has\n"
    "  send                    with ID [DATA]: send a message to one connection\n"
    "  close                   with ID: close a connection; with `all`: all of them\n"
    "  tail                    what happens, as it happens, until it is interrupted\n"
    "  reload                  have it read its configuration again, and say if it was refused\n"
    "  restart                 have its supervisor start it anew, unless the configuration\n"
    "                          would be refused\n"
    "  drain                   have it take no new sessions; those that are there go on\n"
    "\n"
    "  -c, --config FILE       the configuration that names the socket (" CONF_FILE ")\n"
    "  -s, --socket PATH       the control socket, instead of the one that FILE names\n"
    "  -S, --service PREFIX    only what belongs to that service; publish: the service whose\n"
    "                          channel it is, if there are several\n"
    "  -a, --app NAME          the same of an application, an [app NAME]\n"
    "  -e, --event NAME        publish: what it is about, for subscribers that get an envelope\n"
    "  -x, --except ID         publish: a connection that does not get it\n"
    "  -C, --code NUMBER       close: the code that the client gets (3000)\n"
    "  -r, --reason TEXT       close: the reason (Go away!)\n"
    "  -o, --off               drain: have it take new sessions again\n"
    "  -j, --json              print JSON\n"
    "  -v, --version           print the version\n"
    "  -h, --help              print this text\n"
    "\n"
    "Exit status: 0 if it was done; 1 if the daemon runs, but serves nobody (status); 64 for a\n"
    "mistake on the command line; 68 if there is no such connection or service; 69 if the daemon\n"
    "does not answer; 74 if standard input or output fails; 75 if the daemon cannot do it now;\n"
    "76 if something else answers; 77 if this user may not ask; 78 if the daemon refuses, or the\n"
    "configuration cannot be read.\n";

/* The path of the socket, to be freed; NULL and an error if there is none. */
static char *
find_socket(const struct words *words, struct error *err)
{
	const char *file = words->config == NULL ? CONF_FILE : words->config;
	struct config *config;
	char *path;

	if (words->socket != NULL)
		return xstrdup(words->socket);
	if (words->config == NULL && access(file, F_OK) == -1)
		error_set(err, EX_CONFIG,
		    "%s: %s: --config FILE names the daemon's configuration, or --socket PATH its "
		    "control socket",
		    file, strerror(errno));
	config = config_read(file, err);
	if (config == NULL)
		return NULL;
	path = config_control_path(&config->server);
	if (path == NULL)
		error_set(err, EX_CONFIG,
		    "%s: there is no control socket: set `socket` or `control` in [server], or give "
		    "--socket PATH",
		    file);
	config_destroy(&config);
	return path;
}

/* Scripts that ask for JSON get the reason as JSON, too. */
static void
print_error(const struct error *err)
{
	json_t *value = json_pack("{sb ss}", "ok", false, "error", err->text);

	json_dumpf(value, stdout, JSON_INDENT(2));
	printf("\n");
	json_decref(value);
}

/* --- the command line ------------------------------------------------------------------------- */

enum { COMMAND, ARGUMENT, DATA };

/* An option that is there, and not the command's; NULL: there is none. */
static const struct command_option *
find_stranger(const struct command_option *options, const char *own)
{
	static const char of_all[] = "csj";

	for (; options->name != NULL; options++) {
		bool is_there = options->value != NULL ? *options->value != NULL : *options->flag;

		if (is_there && strchr(of_all, options->letter) == NULL &&
		    strchr(own, options->letter) == NULL)
			return options;
	}
	return NULL;
}

/* Returns -1 if all is well, else the exit status after what is wrong was told. */
static int
check(const struct command_line *line, const struct command *command, const struct words *words)
{
	const struct command_option *stranger;
	char text[64];

	if (command == NULL)
		return command_line_mistake(
		    line, words->arguments[COMMAND], "there is no such command, see --help");
	if (command->needs == NULL && words->arguments[ARGUMENT] != NULL)
		return command_line_mistake(
		    line, words->arguments[ARGUMENT], "one command at a time");
	if (command->needs != NULL && words->arguments[ARGUMENT] == NULL) {
		snprintf(text, sizeof text, "%s is missing", command->needs);
		return command_line_mistake(line, command->name, text);
	}
	if (!command->takes_data && words->arguments[DATA] != NULL)
		return command_line_mistake(
		    line, words->arguments[DATA], "there are too many arguments");
	stranger = find_stranger(line->options, command->options);
	if (stranger == NULL)
		return -1;
	snprintf(text, sizeof text, "--%s is none of its options", stranger->name);
	return command_line_mistake(line, command->name, text);
}

/* Where no message is published, an app is the service of that name. */
static void
set_service(const struct command *command, struct words *words, char *name, size_t size)
{
	if (words->app == NULL || strcmp(command->name, "publish") == 0)
		return;
	snprintf(name, size, "app %s", words->app);
	words->service = name;
}

static int
run(const struct command *command, const struct words *words, struct error *err)
{
	char *socket = find_socket(words, err);
	struct daemons daemons;
	int status;

	if (socket == NULL)
		return -1;
	daemons_find(&daemons, socket);
	status = command->run(command, &daemons, words, err);
	daemons_clear(&daemons);
	free(socket);
	return status;
}

int
main(int argc, char **argv)
{
	struct words words = {.config = NULL};
	char service[200];
	const struct command_option options[] = {
	    {"config", 'c', &words.config, NULL},
	    {"socket", 's', &words.socket, NULL},
	    {"service", 'S', &words.service, NULL},
	    {"app", 'a', &words.app, NULL},
	    {"event", 'e', &words.event, NULL},
	    {"except", 'x', &words.except, NULL},
	    {"code", 'C', &words.code, NULL},
	    {"reason", 'r', &words.reason, NULL},
	    {"off", 'o', NULL, &words.is_off},
	    {"json", 'j', NULL, &words.as_json},
	    {NULL},
	};
	const struct command_line line = {
	    "sockjsctl", usage_text, options, words.arguments, WORDS_MAX};
	struct error err = ERROR_INIT;
	const struct command *command;
	int status = command_line_read(&line, argc, argv);

	if (status != -1)
		return status;
	if (words.arguments[COMMAND] == NULL)
		return command_line_mistake(&line, "COMMAND", "is missing: status, for instance");
	command = commands_find(words.arguments[COMMAND]);
	status = check(&line, command, &words);
	if (status != -1)
		return status;
	set_service(command, &words, service, sizeof service);
	status = run(command, &words, &err);
	if (status == -1 && words.as_json)
		print_error(&err);
	return status == -1 ? command_line_fail(&line, &err) : status;
}
