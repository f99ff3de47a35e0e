/*
 * See config_check.h. Called by config.c.
 */
#include "conf/config_check.h"

#include "sessiond/system/privileges.h"
#include "sessiond/system/socket_access.h"

#include <string.h>
#include <sysexits.h>

static const struct {
	const char *option;
	int (*check)(const char *option, const char *value, struct error *err);
} checks[] = {
    {"user", privileges_check_user},
    {"group", privileges_check_group},
    {"socket_group", privileges_check_group},
    {"socket_mode", socket_access_check_mode},
};

int
config_check_option(const char *option, const char *value, struct error *err)
{
	size_t i;

	for (i = 0; i < sizeof checks / sizeof checks[0]; i++)
		if (strcmp(checks[i].option, option) == 0)
			return checks[i].check(option, value, err);
	return 0;
}

int
config_check_server(const struct server_options *options, struct error *err)
{
	if (options->group != NULL && options->user == NULL)
		return error_set(err, EX_CONFIG,
		    "group says what group `user` is in: set user in [server] as well");
	return 0;
}
