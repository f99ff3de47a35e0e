/*
 * sockjsctl: one command to the daemon, and what comes of it.
 */
#include "common/command_line.h"
#include "common/memory.h"
#include "conf/config_read.h"
#include "sessiond/ctl/control_client.h"
#include "sessiond/ctl/metrics_read.h"
#include "sessiond/ctl/publish.h"
#include "sessiond/ctl/status.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

enum {
	OK = 200,
	UNAVAILABLE = 503,
};

static const char usage_text[] =
    "Usage: sockjsctl [OPTION...] COMMAND\n"
    "\n"
    "Asks sockjs-sessiond, over its control socket, which `control` of sockjs.conf names.\n"
    "\n"
    "  status                  what it does, and whom it serves\n"
    "  metrics                 everything that it counts, as Prometheus reads it\n"
    "  reload                  have it read its configuration again, and say if it was refused\n"
    "  restart                 have its supervisor start it anew, unless the configuration\n"
    "                          would be refused\n"
    "  publish                 with CHANNEL [DATA]: publish a message to a channel; without DATA,\n"
    "                          or with - as DATA, it is what standard input has\n"
    "\n"
    "  -c, --config FILE       the configuration that names the socket (" CONF_FILE ")\n"
    "  -s, --socket PATH       the control socket, instead of the one that FILE names\n"
    "  -S, --service PREFIX    publish: the service whose channel it is, if there are several\n"
    "  -e, --event NAME        publish: what it is about, for subscribers that get an envelope\n"
    "  -x, --except ID         publish: a connection that does not get it\n"
    "  -j, --json              print JSON\n"
    "  -v, --version           print the version\n"
    "  -h, --help              print this text\n"
    "\n"
    "Exit status: 0 if it was done; 1 if the daemon runs, but serves nobody (status); 64 for a\n"
    "mistake on the command line; 69 if the daemon does not answer; 75 if it cannot do it now; 76 if something else does;\n"
    "77 if this user may not ask; 78 if the daemon refuses, or the configuration cannot be read.\n";

/* --- what is printed -------------------------------------------------------------------------- */

static void
print_json(json_t *value)
{
	json_dumpf(value, stdout, JSON_INDENT(2));
	printf("\n");
}

/* What was asked for, and the answer to it. */
struct reply {
	bool as_json;
	struct buffer body; /* NUL-terminated */
};

static int
print_status(const struct reply *reply, struct error *err)
{
	json_t *metrics = metrics_read(reply->body.data), *status;
	bool is_ready;

	if (metrics == NULL)
		return error_set(err, EX_PROTOCOL, "the daemon's metrics cannot be read");
	status = status_of(metrics);
	is_ready = status_is_ready(status);
	if (reply->as_json)
		print_json(status);
	else
		status_print(status, stdout);
	json_decref(status);
	json_decref(metrics);
	return is_ready ? EX_OK : 1;
}

static int
print_metrics(const struct reply *reply, struct error *err)
{
	json_t *metrics;

	if (!reply->as_json) {
		fputs(reply->body.data, stdout);
		return EX_OK;
	}
	metrics = metrics_read(reply->body.data);
	if (metrics == NULL)
		return error_set(err, EX_PROTOCOL, "the daemon's metrics cannot be read");
	print_json(metrics);
	json_decref(metrics);
	return EX_OK;
}

static int
print_done(const struct reply *reply, struct error *err)
{
	(void)err;
	if (reply->as_json)
		printf("{\n  \"ok\": true\n}\n");
	else
		fputs(reply->body.data, stdout);
	return EX_OK;
}

static int
print_published(const struct reply *reply, struct error *err)
{
	json_t *position = json_loads(reply->body.data, 0, NULL);
	json_int_t offset;
	const char *epoch;

	if (json_unpack(position, "{sI ss}", "offset", &offset, "epoch", &epoch) == -1) {
		json_decref(position);
		return error_set(err, EX_PROTOCOL, "the daemon's answer cannot be read");
	}
	if (reply->as_json)
		print_json(position);
	else if (offset == 0)
		printf("published; nobody has subscribed\n");
	else
		printf("published, offset %lld of epoch %s\n", (long long)offset, epoch);
	json_decref(position);
	return EX_OK;
}

/* --- commands --------------------------------------------------------------------------------- */

static const struct command {
	const char *name, *method, *path;
	/* Returns the exit status, or -1 and an error. */
	int (*print)(const struct reply *reply, struct error *err);
} commands[] = {
    {"status", "GET", "/metrics", print_status},
    {"metrics", "GET", "/metrics", print_metrics},
    {"reload", "POST", "/control/reload", print_done},
    {"restart", "POST", "/control/restart", print_done},
    {"publish", "POST", "/publish", print_published},
};

static const struct command *
find_command(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof commands / sizeof commands[0]; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

/* The path of the socket, to be freed; NULL and an error if there is none. */
static char *
find_socket(const char *file, const char *given, struct error *err)
{
	struct config *config;
	char *path;

	if (given != NULL)
		return xstrdup(given);
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

static int
refuse(int status, const struct reply *reply, struct error *err)
{
	return error_set(err, status == UNAVAILABLE ? EX_TEMPFAIL : EX_CONFIG, "%.*s",
	    (int)strcspn(reply->body.data, "\n"), reply->body.data);
}

static int
run(const struct command *command, const char *socket, const char *body, struct reply *reply,
    struct error *err)
{
	int status = control_ask(socket, command->method, command->path, body, &reply->body, err);

	if (status == -1)
		return -1;
	return status == OK ? command->print(reply, err) : refuse(status, reply, err);
}

/* Scripts that ask for JSON get the reason as JSON, too. */
static void
print_error(const struct error *err)
{
	json_t *value = json_object();

	json_object_set_new(value, "ok", json_false());
	json_object_set_new(value, "error", json_string(err->text));
	print_json(value);
	json_decref(value);
}

/* Asks, with the body that the command has (NULL: none). Returns as print does. */
static int
ask(const struct command *command, const char *file, const char *given, const char *body,
    struct reply *reply, struct error *err)
{
	char *socket = find_socket(file, given, err);
	int status = socket == NULL ? -1 : run(command, socket, body, reply, err);

	free(socket);
	return status;
}

enum { COMMAND, CHANNEL, DATA, ARGUMENTS };

int
main(int argc, char **argv)
{
	const char *file = CONF_FILE, *given = NULL, *words[ARGUMENTS] = {NULL};
	struct publish_words publish = {NULL};
	struct reply reply = {.body = BUFFER_INIT};
	const struct command_option options[] = {
	    {"config", 'c', &file, NULL},
	    {"socket", 's', &given, NULL},
	    {"service", 'S', &publish.service, NULL},
	    {"event", 'e', &publish.event, NULL},
	    {"except", 'x', &publish.except, NULL},
	    {"json", 'j', NULL, &reply.as_json},
	    {NULL},
	};
	const struct command_line line = {"sockjsctl", usage_text, options, words, ARGUMENTS};
	struct error err = ERROR_INIT;
	const struct command *command;
	int status = command_line_read(&line, argc, argv);
	bool publishes;
	char *body = NULL;

	if (status != -1)
		return status;
	if (words[COMMAND] == NULL)
		return command_line_mistake(&line, "COMMAND", "is missing: status, for instance");
	command = find_command(words[COMMAND]);
	if (command == NULL)
		return command_line_mistake(&line, words[COMMAND],
		    "there is no such command: status, metrics, reload, restart or publish");
	publishes = strcmp(command->name, "publish") == 0;
	if (!publishes && words[CHANNEL] != NULL)
		return command_line_mistake(&line, words[CHANNEL], "one command at a time");
	publish.channel = words[CHANNEL];
	publish.data = words[DATA];
	if (publishes)
		body = publish_body(&publish, &err);
	if (!publishes || body != NULL)
		status = ask(command, file, given, body, &reply, &err);
	free(body);
	buffer_free(&reply.body);
	if (status == -1 && reply.as_json)
		print_error(&err);
	return status == -1 ? command_line_fail(&line, &err) : status;
}
