/*
 * sockjs-sessiond: options, configuration, then server.c.
 */
#include "conf/conf.h"
#include "common/log.h"
#include "conf/config.h"
#include "sessiond/server.h"
#include "sessiond/supervise.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#define PROGRAM "sockjs-sessiond"

static const char usage_text[] =
    "Usage: sockjs-sessiond --config FILE [OPTION...]\n"
    "\n"
    "The session daemon of sockjs-fcgi: serves SockJS clients and runs the applications\n"
    "that FILE names. Stays in the foreground; prints a line `ready ADDRESS...` on standard\n"
    "output when it accepts connections. SIGTERM and SIGINT end it in good order; SIGHUP\n"
    "makes it read FILE again, without dropping a connection.\n"
    "Listening sockets that systemd passes to it (ListenStream=) are used.\n"
    "\n"
    "  -c, --config FILE       the configuration (sockjs.conf)\n"
    "  -l, --listen ADDR:PORT  listen there, in place of the file's `listen`\n"
    "  -s, --socket PATH       listen on a Unix socket, in place of the file's `socket`\n"
    "      --supervise         listen, and start the daemon as a process of its own, again\n"
    "                          when it dies: who connects meanwhile waits. SIGUSR2 restarts\n"
    "                          the daemon in good order, from the program's file as it is then\n"
    "  -n, --check             check the configuration and its modules, then exit\n"
    "  -v, --version           print the version\n"
    "  -h, --help              print this text\n"
    "\n"
    "Exit status: 0 after an orderly end; 64 for a mistake on the command line; 69 if an\n"
    "address cannot be had; 78 for a mistake in the configuration.\n";

enum { OPTION_SUPERVISE = 256 }; /* of the options without a letter */

static const struct option long_options[] = {
    {"config", required_argument, NULL, 'c'},
    {"listen", required_argument, NULL, 'l'},
    {"socket", required_argument, NULL, 's'},
    {"supervise", no_argument, NULL, OPTION_SUPERVISE},
    {"check", no_argument, NULL, 'n'},
    {"version", no_argument, NULL, 'v'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

struct command_line {
	const char *config, *listen, *socket;
	bool check, supervise;
};

/* Stands in argv where an option is that the daemon does not get from its supervisor. */
static char dropped[] = "";

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
	while ((c = getopt_long(argc, argv, ":c:l:s:nvh", long_options, NULL)) != -1) {
		switch (c) {
		case 'c':
			line->config = optarg;
			break;
		case 'l':
			line->listen = optarg;
			break;
		case 's':
			line->socket = optarg;
			break;
		case OPTION_SUPERVISE:
			line->supervise = true;
			argv[optind - 1] = dropped;
			break;
		case 'n':
			line->check = true;
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
	if (optind < argc)
		return usage_error(argv[optind], "there are no arguments beside options");
	if (line->config == NULL)
		return usage_error("--config FILE", "is missing");
	return -1;
}

static void
compact(char **argv)
{
	char **to = argv;

	for (; *argv != NULL; argv++)
		if (*argv != dropped)
			*to++ = *argv;
	*to = NULL;
}

/* SIGUSR1 and 2 are for supervisors; they end nothing else. */
static int
serve(struct config *config, struct error *err)
{
	signal(SIGUSR1, SIG_IGN);
	signal(SIGUSR2, SIG_IGN);
	return server_run(config, err);
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
	struct command_line line = {.config = NULL};
	struct error err = ERROR_INIT;
	struct config *config;
	int status = parse_command_line(argc, argv, &line);

	if (status != -1)
		return status;
	compact(argv);
	if (!line.supervise && supervised_begin(&err) == -1)
		return fail(&err);
	config = config_read(line.config, &err);
	if (config == NULL)
		return fail(&err);
	config_override(config, &(struct config_override){line.listen, line.socket});
	log_open(PROGRAM, (enum log_target)config->server.log, config_log_level(config));
	if (line.check)
		status = server_check(config, &err);
	else if (line.supervise)
		status = supervise_run(config, argv, &err);
	else
		status = serve(config, &err);
	config_destroy(&config);
	if (status == -1)
		return fail(&err);
	if (line.check)
		printf("%s: the configuration is fine\n", line.config);
	return status;
}
