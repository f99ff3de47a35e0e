/*
 * sockjs-sessiond: options, configuration, then server.c.
 */
#include "common/command_line.h"
#include "common/log.h"
#include "common/memory.h"
#include "conf/config_read.h"
#include "sessiond/check.h"
#include "sessiond/control/status_service.h"
#include "sessiond/pusher/pusher_app.h"
#include "sessiond/modules/module.h"
#include "sessiond/server.h"
#include "sessiond/supervise.h"
#include "sessiond/supervised.h"
#include "sessiond/worker/worker_module.h"
#include "system/privileges.h"

#include <signal.h>
#include <stdio.h>

#define PROGRAM "sockjs-sessiond"

static const char usage_text[] =
    "Usage: sockjs-sessiond --config FILE [OPTION...]\n"
    "\n"
    "The session daemon of sockjs-fcgi. It serves SockJS clients and runs the applications\n"
    "that FILE names. It stays in the foreground, and prints a line `ready ADDRESS...` on\n"
    "standard output when it accepts connections. SIGTERM and SIGINT end it in good order.\n"
    "SIGHUP makes it read FILE again, without dropping a connection. It also uses listening\n"
    "sockets that systemd passes to it (ListenStream=).\n"
    "\n"
    "  -c, --config FILE       the configuration (sockjs.conf)\n"
    "  -l, --listen ADDR:PORT  listen there instead of on the file's `listen`\n"
    "  -s, --socket PATH       listen on this Unix socket instead of the file's `socket`\n"
    "      --supervise         listen, run the daemon as a process of its own, and start it\n"
    "                          again when it dies. Clients that connect meanwhile wait.\n"
    "                          SIGUSR2 restarts the daemon in good order, from the program's\n"
    "                          file, which may be a new version\n"
    "  -n, --check             check whether a start would succeed, then exit\n"
    "  -v, --version           print the version\n"
    "  -h, --help              print this text\n"
    "\n"
    "Exit status: 0 after an orderly end; 64 for a mistake on the command line; 69 if it\n"
    "cannot listen on an address; 78 for a mistake in the configuration.\n";

/* The daemon that is supervised gets the same options, but for --supervise. */
static int
serve_supervised(struct config *config, char *program, const char *file, const char *address,
    const char *socket, struct error *err)
{
	char *argv[8] = {program, "--config", (char *)file};
	int n = 3;

	if (address != NULL) {
		argv[n++] = "--listen";
		argv[n++] = (char *)address;
	}
	if (socket != NULL) {
		argv[n++] = "--socket";
		argv[n++] = (char *)socket;
	}
	return supervise_run(config, argv, err);
}

/* Several daemons need somebody who holds what they share. */
static bool
is_supervisor(const struct config *config, bool supervise)
{
	return supervised_by()->supervisor == 0 && (supervise || config->server.daemons > 1);
}

/* SIGUSR1 and 2 are for supervisors; they end nothing else. */
static int
serve(struct config *config, struct error *err)
{
	memory_keep_freed();
	signal(SIGUSR1, SIG_IGN);
	signal(SIGUSR2, SIG_IGN);
	return server_run(config, err);
}

int
main(int argc, char **argv)
{
	const char *file = NULL, *address = NULL, *socket = NULL;
	bool check = false, supervise = false;
	const struct command_option options[] = {
	    {"config", 'c', &file, NULL},
	    {"listen", 'l', &address, NULL},
	    {"socket", 's', &socket, NULL},
	    {"supervise", 0, NULL, &supervise},
	    {"check", 'n', NULL, &check},
	    {NULL},
	};
	const struct command_line line = {PROGRAM, usage_text, options};
	struct error err = ERROR_INIT;
	struct config *config;
	int status = command_line_read(&line, argc, argv);

	if (status == -1 && file == NULL)
		status = command_line_mistake(&line, "--config FILE", "is missing");
	if (status != -1)
		return status;
	if (!supervise && supervised_begin(&err) == -1)
		return command_line_fail(&line, &err);
	module_add_own(&status_module);
	module_add_own(&pusher_module);
	worker_modules_add();
	config = config_read(file, &err);
	if (config == NULL)
		return command_line_fail(&line, &err);
	if (supervised_by()->socket[0] != '\0')
		config_override(config, &(struct config_override){NULL, supervised_by()->socket});
	config_override(config, &(struct config_override){address, socket});
	config_take_place(config, &supervised_by()->place);
	log_open(PROGRAM, config_log_level(config));
	log_set_target(
	    config->server.log, config->server.log_size, privileges_uid(config->server.user));
	if (check)
		status = check_run(config, &err);
	else if (is_supervisor(config, supervise))
		status = serve_supervised(config, argv[0], file, address, socket, &err);
	else
		status = serve(config, &err);
	config_destroy(&config);
	if (status == -1)
		return command_line_fail(&line, &err);
	if (check)
		printf("%s: the configuration is fine\n", file);
	return status;
}
