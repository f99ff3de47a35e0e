/*
 * Mistakes in the [server] section that only the system can tell, or several options together.
 */
#ifndef SESSIOND_CONFIG_CHECK_H
#define SESSIOND_CONFIG_CHECK_H

#include "common/error.h"
#include "conf/config.h"

/* After the option was read: 0, or -1 and an error (EX_CONFIG), without its place, if there is no such user, group or mode. */
int config_check_option(const char *option, const char *value, struct error *err);

/* When the whole section was read: 0, or -1 and an error (EX_CONFIG) without its place. */
int config_check_server(const struct server_options *options, struct error *err);

#endif
