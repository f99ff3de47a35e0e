/*
 * See socket_access.h. Called by config.c (the check), and by whoever binds: server.c and its acceptors.
 */
#include "sessiond/system/socket_access.h"

#include "sessiond/system/privileges.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

int
socket_access_check_mode(const char *option, const char *text, struct error *err)
{
	char quoted[CONF_QUOTED_SIZE];
	size_t len = strlen(text);

	if (len >= 3 && len <= 4 && strspn(text, "01234567") == len &&
	    strtoul(text, NULL, 8) <= 0777)
		return 0;
	return error_set(
	    err, EX_CONFIG, "%s: %s is no octal mode, as 0660", option, conf_quote(text, quoted));
}

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
			return privileges_check_user("user", options->user, err);
		access->owner = user->pw_uid;
	}
	if (options->socket_group != NULL) {
		group = getgrnam(options->socket_group);
		if (group == NULL)
			return privileges_check_group("socket_group", options->socket_group, err);
		access->group = group->gr_gid;
	}
	return 0;
}

int
socket_access_apply(const struct socket_access *access, const char *path, struct error *err)
{
	static const struct socket_access everybody = {0666, (uid_t)-1, (gid_t)-1};
	bool given;

	if (access == NULL)
		access = &everybody;
	given = access->owner != (uid_t)-1 || access->group != (gid_t)-1;
	if (given && chown(path, access->owner, access->group) == -1)
		return error_set(err, EX_NOPERM, "%s: cannot give it to another group: %s%s", path,
		    strerror(errno),
		    geteuid() == 0 ? "" : " (socket_group must be one that this user is in)");
	if (chmod(path, access->mode) == -1)
		return error_set(err, EX_NOPERM, "%s: %s", path, strerror(errno));
	return 0;
}
