/*
 * See check.h. The order is that of server_run().
 */
#include "sessiond/check.h"

#include "common/log.h"
#include "conf/conf_doubt.h"
#include "conf/responder_options.h"
#include "sessiond/http/static_files.h"
#include "sessiond/modules/services.h"
#include "sessiond/program/program_exec.h"
#include "sessiond/redis/redis_check.h"
#include "sessiond/store/store_file.h"
#include "sessiond/system/listening_sockets.h"
#include "system/privileges.h"

#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* True if this process may do what a start may: it is root, or the user that the daemon becomes. */
static bool
is_who_starts(const struct server_options *options)
{
	const struct passwd *entry = options->user == NULL ? NULL : getpwnam(options->user);

	return geteuid() == 0 || entry == NULL || entry->pw_uid == geteuid();
}

/* What each of several daemons has of its own. Whether somebody listens there is no matter. */
static int
check_own_sockets(const struct listening_wish *wish, unsigned count, struct error *err)
{
	struct daemon_place place = {0, count};
	int status = 0;

	for (; count > 1 && place.index < count && status == 0; place.index++) {
		char *path = daemon_place_path(wish->path, &place);
		char *control = daemon_place_path(wish->control, &place);
		char taken[LISTENING_ADDRESS_SIZE];
		struct listening_wish own = *wish;
		bool is_served;

		own.addresses = NULL;
		own.beside = 0;
		own.path = path;
		own.control = control;
		status = listening_sockets_check(&own, &is_served, taken, err);
		free(path);
		free(control);
	}
	return status;
}

/* *is_served: somebody listens on `socket`. */
static int
check_sockets(const struct server_options *options, bool *is_served, struct error *err)
{
	char taken[LISTENING_ADDRESS_SIZE];
	struct listening_wish wish;
	char *control;
	int status = listening_wish_init(&wish, options, &control, err);

	if (status == 0)
		status = listening_sockets_check(&wish, is_served, taken, err);
	if (status == 0)
		status = check_own_sockets(&wish, options->daemons, err);
	free(control);
	if (status == -1)
		return -1;
	if (taken[0] != '\0' && !*is_served)
		fprintf(stderr,
		    "sockjs-sessiond: %s is in use; if not by this file's daemon, choose another\n",
		    taken);
	return 0;
}

static int
check_static(const struct server_options *options, struct error *err)
{
	struct static_files *files;

	if (options->static_folder == NULL)
		return 0;
	files = static_files_open(options->static_folder, err);
	if (files == NULL)
		return -1;
	static_files_close(&files);
	return 0;
}

static int
check_store(const char *path, bool is_served, struct error *err)
{
	pid_t holder;

	if (path == NULL)
		return 0;
	if (store_file_check(path, &holder, err) == -1)
		return -1;
	if (holder != 0 && !is_served)
		fprintf(stderr,
		    "sockjs-sessiond: process %ld has the store %s; if that is not "
		    "this file's daemon, choose another\n",
		    (long)holder, path);
	return 0;
}

/* Of each daemon. */
static int
check_stores(const struct server_options *options, bool is_served, struct error *err)
{
	struct daemon_place place = {0, options->daemons};
	int status = 0;

	for (; place.index < place.count && status == 0; place.index++) {
		char *path = daemon_place_path(options->store, &place);

		status = check_store(path, is_served, err);
		free(path);
	}
	return status;
}

/* A module's constructors run when it is loaded: never as root, if there is another user. */
static int
check_modules(const struct config *config, struct error *err)
{
	struct services services = {.count = 0};
	int status = services_load(&services, config, err);

	services_end(&services);
	services_clear(&services);
	return status;
}

/* What does not keep the daemon from starting, but its application. */
static void
look_at_program(const struct config *config, const struct config_section *section)
{
	const char *command = section->worker_options.program;
	char *folder = worker_options_folder(config->path);
	struct error err = ERROR_INIT;

	if (program_exec_check(&err) == -1 || program_exec_look(command, folder, &err) == -1)
		fprintf(
		    stderr, "sockjs-sessiond: %s:%u: %s\n", config->path, section->line, err.text);
	free(folder);
}

static void
look_at_programs(const struct config *config)
{
	size_t i;

	for (i = 0; i < config->section_count; i++)
		if (config->sections[i].worker_options.program != NULL)
			look_at_program(config, &config->sections[i]);
}

static const struct conf_option *
find_option(const char *section, const char *name)
{
	const struct conf_option *option;

	if (strcmp(section, "fcgi") == 0)
		return conf_find(fcgi_option_table, fcgi_option_count, name);
	option = conf_find(service_option_table, service_option_count, name);
	if (option == NULL)
		option = conf_find(worker_option_table, worker_option_count, name);
	return option != NULL ? option : conf_find(server_option_table, server_option_count, name);
}

/* Users may be made later, so this is no mistake yet. */
static void
look_at_names(const char *option, const char *names)
{
	char *nobody = config_find_nobody(names), quoted[CONF_QUOTED_SIZE];

	if (nobody == NULL)
		return;
	conf_quote(nobody[0] == '@' ? nobody + 1 : nobody, quoted);
	fprintf(stderr, "sockjs-sessiond: %s: there is no %s %s%s\n", option,
	    nobody[0] == '@' ? "group" : "user", quoted,
	    nobody[0] != '@' && getgrnam(nobody) != NULL ? "; a group has a @ before it" : "");
	free(nobody);
}

/* Unless systemd passes sockets, which nobody can see before. */
static void
look_for_address(const struct server_options *options)
{
	if (options->listen == NULL && options->socket == NULL)
		fprintf(stderr,
		    "sockjs-sessiond: nowhere to listen, if systemd passes no sockets: set `listen "
		    "= 127.0.0.1:8080` or `socket = PATH` in [server]\n");
}

static void
look_at_server(const struct server_options *options)
{
	look_for_address(options);
	look_at_names("socket_users", options->socket_users);
	look_at_names("control_users", options->control_users);
	look_at_names("publish_users", options->publish_users);
}

int
check_run(const struct config *config, struct error *err)
{
	const struct server_options *options = &config->server;
	bool is_served = false;

	conf_doubt("sockjs-sessiond", config->path, find_option);
	if (config_check_daemons(config, err) == -1)
		return -1;
	look_at_server(options);
	if (!is_who_starts(options)) {
		fprintf(stderr,
		    "sockjs-sessiond: sockets, static, store and programs are not looked at: that "
		    "takes root, or user %s\n",
		    options->user);
		return check_modules(config, err);
	}
	if (check_sockets(options, &is_served, err) == -1 ||
	    privileges_drop(options->user, options->group, err) == -1 ||
	    log_check_target(options->log, err) == -1 || check_static(options, err) == -1 ||
	    check_stores(options, is_served, err) == -1 || redis_check(options->engine, err) == -1)
		return -1;
	look_at_programs(config);
	return check_modules(config, err);
}
