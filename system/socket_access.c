/*
 * See socket_access.h. The names were checked when the file was read, but users and groups may have
 * gone since.
 */
#include "system/socket_access.h"

#include "conf/option_checks.h"

#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

int
socket_access_resolve(
    const struct server_options *options, struct socket_access *access, struct error *err)
{
	const struct passwd *user = NULL;
	const struct group *group = NULL;

	*access = (struct socket_access){.owner = (uid_t)-1, .group = (gid_t)-1};
	access->mode = (mode_t)strtoul(options->socket_mode, NULL, 8);
	if (options->user != NULL && geteuid() == 0) {
		user = getpwnam(options->user);
		if (user == NULL)
			return option_check_user("user", options->user, err);
		access->owner = user->pw_uid;
	}
	if (options->socket_group != NULL) {
		group = getgrnam(options->socket_group);
		if (group == NULL)
			return option_check_group("socket_group", options->socket_group, err);
		access->group = group->gr_gid;
	}
	return 0;
}
