/*
 * sockjs.fcgi: options, configuration, the listening socket, then responder.c.
 */
#include "common/log.h"
#include "fcgi/webserver/listen.h"
#include "conf/responder_options.h"
#include "fcgi/responder.h"

#include <getopt.h>
#include <limits.h>
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
    "The FastCGI responder of sockjs-fcgi: answers SockJS's polling transports and pages\n"
    "behind a web server, and passes messages to sockjs-sessiond. A web server starts it,\n"
    "with its socket as descriptor 0; or it runs as a service of its own, with --listen.\n"
    "\n"
    "  -c, --config FILE      the configuration (sockjs.conf), the same as sockjs-sessiond's.\n"
    "                         Without it: $SOCKJS_CONF, sockjs.conf beside the program,\n"
    "                         or " CONF_FILE "\n"
    "  -l, --listen ADDRESS   serve FastCGI there: a path of a Unix socket, or ADDR:PORT\n"
    "  -m, --mode MODE        permissions of the Unix socket, octal (0660)\n"
    "  -s, --socket PATH      where sockjs-sessiond listens, in place of the file's `socket`\n"
    "  -v, --version          print the version\n"
    "  -h, --help             print this text\n"
    "\n"
    "With --listen it prints a line `ready ADDRESS` when it accepts requests. SIGTERM ends\n"
    "it once what it holds is answered.\n"
    "\n"
    "Exit status: 0 after an orderly end; 64 for a mistake on the command line; 69 if an\n"
    "address cannot be had; 78 for a mistake in the configuration.\n";

static const struct option long_options[] = {
    {"config", required_argument, NULL, 'c'},
    {"listen", required_argument, NULL, 'l'},
    {"mode", required_argument, NULL, 'm'},
    {"socket", required_argument, NULL, 's'},
    {"version", no_argument, NULL, 'v'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

struct command_line {
	const char *config, *listen, *mode, *socket;
};

static int
usage_error(const char *word, const char *mistake)
{
	fprintf(stderr, PROGRAM ": %s: %s\nTry `" PROGRAM " --help`.\n", word, mistake);
	return EX_USAGE;
}

/* Returns -1 to go on, else the exit status. */
static int
parse_command_line(int argc, char **argv, struct command_line *line)
{
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, ":c:l:m:s:vh", long_options, NULL)) != -1) {
		switch (c) {
		case 'c':
			line->config = optarg;
			break;
		case 'l':
			line->listen = optarg;
			break;
		case 'm':
			line->mode = optarg;
			break;
		case 's':
			line->socket = optarg;
			break;
		case 'v':
			printf(PROGRAM " (sockjs-fcgi) " PACKAGE_VERSION "\n");
			return EX_OK;
		case 'h':
			fputs(usage_text, stdout);
			return EX_OK;
		case ':':
			return usage_error(argv[optind - 1], "this option needs a value");
		default:
			return usage_error(argv[optind - 1], "unknown option");
		}
	}
	return optind < argc ? usage_error(argv[optind], "there are no arguments beside options")
			     : -1;
}

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
	*option = strdup(value);
	if (*option == NULL)
		abort();
}

static int
fail(const struct error *err)
{
	fprintf(stderr, PROGRAM ": %s\n", err->text);
	return err->code;
}

int
main(int argc, char **argv)
{
	struct command_line line = {NULL, NULL, NULL, NULL};
	struct responder_config config;
	struct error err = ERROR_INIT;
	char path[PATH_MAX];
	int fd, status = parse_command_line(argc, argv, &line);

	if (status != -1)
		return status;
	if (line.config == NULL)
		find_config(path);
	if (responder_config_read(
		line.config == NULL ? path : line.config, &config, line.socket, &err) == -1)
		return fail(&err);
	override(&config.options.listen, line.listen);
	override(&config.options.mode, line.mode);
	log_open(PROGRAM, (enum log_target)config.options.log,
	    (enum log_severity)config.options.log_level);
	fd = listen_open(config.options.listen, config.options.mode, &err);
	if (fd == -1) {
		responder_config_clear(&config);
		return fail(&err);
	}
	status = responder_run(&config, fd, &err);
	listen_remove(config.options.listen);
	responder_config_clear(&config);
	return status == -1 ? fail(&err) : EX_OK;
}
