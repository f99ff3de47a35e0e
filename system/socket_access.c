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
socket_access_resolve(const char *user, const char *group, const char *mode,
    struct socket_access *access, struct error *err)
{
	const struct passwd *user_entry;
	const struct group *group_entry;

	*access = (struct socket_access){.owner = (uid_t)-1, .group = (gid_t)-1};
	access->mode = (mode_t)strtoul(mode, NULL, 8);
	if (user != NULL && geteuid() == 0) {
		user_entry = getpwnam(user);
		if (user_entry == NULL)
			return option_check_user("user", user, err);
		access->owner = user_entry->pw_uid;
	}
	if (group != NULL) {
		group_entry = getgrnam(group);
		if (group_entry == NULL)
			return option_check_group("socket_group", group, err);
		access->group = group_entry->gr_gid;
	}
	return 0;
}
