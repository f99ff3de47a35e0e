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

enum { CONTROL_MODE = 0660, CONTROL_MODE_FOR_OTHERS = 0666 };

/* Whom the sockets belong to, and its group: root makes them for `user`. */
static int
find_owner(const char *user, uid_t *owner, gid_t *group, struct error *err)
{
	const struct passwd *entry;

	*owner = (uid_t)-1;
	*group = (gid_t)-1;
	if (user == NULL || geteuid() != 0)
		return 0;
	entry = getpwnam(user);
	if (entry == NULL)
		return option_check_user("user", user, err);
	*owner = entry->pw_uid;
	*group = entry->pw_gid;
	return 0;
}

static int
find_group(const char *option, const char *name, gid_t *group, struct error *err)
{
	const struct group *entry = getgrnam(name);

	if (entry == NULL)
		return option_check_group(option, name, err);
	*group = entry->gr_gid;
	return 0;
}

int
socket_access_resolve(const char *user, const char *group, const char *mode,
    struct socket_access *access, struct error *err)
{
	gid_t own;

	access->mode = (mode_t)strtoul(mode, NULL, 8);
	access->group = (gid_t)-1;
	if (find_owner(user, &access->owner, &own, err) == -1)
		return -1;
	return group == NULL ? 0 : find_group("socket_group", group, &access->group, err);
}

int
socket_access_resolve_control(const char *user, const char *group, bool has_users,
    struct socket_access *access, struct error *err)
{
	access->mode = has_users ? CONTROL_MODE_FOR_OTHERS : CONTROL_MODE;
	if (find_owner(user, &access->owner, &access->group, err) == -1)
		return -1;
	if (access->owner == (uid_t)-1 || group == NULL)
		return 0;
	return find_group("group", group, &access->group, err);
}
