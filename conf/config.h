/*
 * sockjs.conf as sessiond reads it: the [server] section, and one service for each [service ...] section.
 */
#ifndef SESSIOND_CONFIG_H
#define SESSIOND_CONFIG_H

#include "conf/conf.h"
#include "common/error.h"
#include "common/log.h"
#include "sessiond/service/service.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct server_options {
	char *listen;	    /* "ADDR:PORT ...", NULL: none */
	char *socket;	    /* path of a Unix socket, NULL: none */
	char *socket_mode;  /* octal, checked */
	char *socket_group; /* NULL: none */
	char *user,
	    *group; /* whom a daemon that root starts becomes, NULL: nobody; the user's group */
	char *static_folder; /* NULL: no files are served */
	char *module_path;  /* folder; NULL: beside the program, then where modules are installed */
	char *store;	    /* path of the session store; NULL: none */
	int store_sync;	    /* enum store_sync */
	size_t store_limit; /* bytes of the whole store */
	int log;	    /* enum log_target */
	char *
	    socket_users; /* names that may use the local socket; NULL: whom the file's permissions let */
	uint32_t fcgid_max_held; /* polls held by processes that serve one request at a time */
	uint32_t connection_limit;
	uint32_t session_limit;
	uint32_t sessions_per_address; /* 0: no limit */
	uint64_t request_timeout;      /* ms for a whole request to arrive */
	uint64_t keepalive_timeout;    /* ms between two requests of a connection */
	size_t
	    connection_memory; /* bytes libmicrohttpd has for one connection: the limit of a request's head */
};

/* What the command line says in place of the file. NULL: nothing. */
struct config_override {
	const char *listen, *socket;
};

/* A name that a service has or had, by whose place responders call it. */
struct service_number {
	char *name;
	struct sockjs_service *service; /* that has it now; NULL: none, but for retired ones */
};

struct config {
	char *path; /* of the file, as given */
	struct config_override command_line;
	struct server_options server;
	struct service_options defaults; /* of the [server] section */
	struct sockjs_service **services;
	size_t service_count;
	struct sockjs_service *fallback; /* of the [fallback] section; NULL: none */
	struct sockjs_service **retired; /* see succession.h */
	size_t retired_count;
	struct service_number *numbers; /* one for each name that a service ever had */
	size_t number_count;
};

/* The tables of options, for the reader and for the documentation's test. */
extern const struct conf_option server_option_table[], service_option_table[];
extern const size_t server_option_count, service_option_count;

/*
 * Reads the file. Returns a configuration the caller frees, or NULL and an error (EX_CONFIG) that begins with the place. Relative
 * paths in it are made relative to the file's folder.
 */
struct config *config_read(const char *path, struct error *err);

/* All sections that name a module, by index: the services, then the fallback. */
size_t config_section_count(const struct config *config);
struct sockjs_service *config_section(const struct config *config, size_t index);

/* The command line overrides the file: its strings are borrowed, and copied to where the file's were. */
void config_override(struct config *config, const struct config_override *command_line);

/* The most talkative log_level of all sections: what the log as a whole has to let through. */
enum log_severity config_log_level(const struct config *config);

/* True if processes of that user may speak the local socket's protocol: root, this process's own user, socket_users. */
bool config_allows_user(const struct config *config, uid_t user);

/* Frees one of its services, as config_destroy does. Sets *service NULL. */
void config_destroy_service(struct sockjs_service **service);

/* Frees *config with its services, retired ones too, which must have no sessions left. Sets it NULL; takes NULL. */
void config_destroy(struct config **config);

#endif
