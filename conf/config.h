/*
 * sockjs.conf as sessiond has read it (config_read.h): parsed sections and nothing else. What is
 * made of them is sessiond/modules/services.h's.
 */
#ifndef CONF_CONFIG_H
#define CONF_CONFIG_H

#include "common/error.h"
#include "common/log.h"
#include "conf/config_options.h"
#include "conf/config_section.h"
#include "conf/daemon_place.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* What the command line says in place of the file. NULL: nothing. */
struct config_override {
	const char *listen, *socket;
};

struct config {
	char *path; /* of the file, as given */
	struct config_override command_line;
	struct daemon_place place; /* {0, 1} until its owner says more */
	struct server_options server;
	struct service_options defaults; /* of the [server] section */
	struct config_section *sections; /* in the order of the file; one fallback at most */
	size_t section_count, section_room;
};

/*
 * A configuration whose options have their defaults, and which has no sections. Copies path. NULL
 * and an error if the tables of options are broken.
 */
struct config *config_create(const char *path, struct error *err);

/*
 * Adds a section that has the options of config->defaults. name: of a service; NULL: the fallback.
 * Returns it; the next section that is added may move it.
 */
struct config_section *config_add_section(struct config *config, const char *name, unsigned line);

/*
 * The command line overrides the file. Its strings are borrowed, and copied to where the file's
 * were.
 */
void config_override(struct config *config, const struct config_override *command_line);

/*
 * Makes it the configuration of one daemon of several: its place, and its part of each limit of the
 * whole. To be called once, after what may change the values. Changes
 * nothing where there is one daemon.
 */
void config_take_place(struct config *config, const struct daemon_place *place);

/* True if the channels of several daemons are one another's: an engine beside them has them. */
bool config_shares_channels(const struct server_options *options);

/*
 * What several daemons need and the file does not say: -1 and an error (EX_CONFIG). 0 if all is
 * well, or if there is one daemon.
 */
int config_check_daemons(const struct config *config, struct error *err);

/* The most talkative log_level of all sections: what the log as a whole has to let through. */
enum log_severity config_log_level(const struct config *config);

/* Descriptors that the daemon needs for its applications in other processes, when all run. */
size_t config_worker_descriptors(const struct config *config);

/*
 * True if processes of that user may speak the local socket's protocol: root, this process's own
 * user, and socket_users; everybody if that option is not set.
 */
bool config_allows_user(const struct config *config, uid_t user);

/*
 * True if that user may use the control socket: root, this process's own user, and control_users.
 */
bool config_allows_control(const struct config *config, uid_t user);

/*
 * The first of a list as publish_users has it (NULL: none) that the system does not know, such as
 * "@nosuchgroup"; the caller frees it. NULL: it knows all.
 */
char *config_find_nobody(const char *names);

/* True if that user may publish there: those, and publish_users. */
bool config_allows_publishing(const struct config *config, uid_t user);

/*
 * The path of the control socket, to be freed: the option, else control.sock in the folder of
 * `socket`. NULL: there is none.
 */
char *config_control_path(const struct server_options *options);

/* Frees *config and sets it NULL; takes NULL. */
void config_destroy(struct config **config);

#endif
