/*
 * See privileges.h. setresuid and setresgid of the C library change the ids of all threads of the
 * process.
 */
#include "system/privileges.h"

#include "common/log.h"
#include "conf/option_checks.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/types.h>
#include <sysexits.h>
#include <unistd.h>

static int
refused(const char *what, const char *user, struct error *err)
{
	return error_set(
	    err, EX_NOPERM, "cannot become user \"%s\": %s: %s", user, what, strerror(errno));
}

/* All three ids are the new ones, and the old ones cannot be had back. */
static int
verify(uid_t uid, gid_t gid, const char *user, struct error *err)
{
	uid_t u[3];
	gid_t g[3];

	if (getresuid(&u[0], &u[1], &u[2]) == -1 || getresgid(&g[0], &g[1], &g[2]) == -1)
		return refused("getresuid", user, err);
	if (u[0] != uid || u[1] != uid || u[2] != uid || g[0] != gid || g[1] != gid ||
	    g[2] != gid || setuid(0) != -1 || seteuid(0) != -1)
		return error_set(
		    err, EX_NOPERM, "cannot become user \"%s\": root is still within reach", user);
	return 0;
}

/* Sets PR_SET_PDEATHSIG again. If the parent has died meanwhile, raises the signal itself. */
static int
watch_parent(int number, pid_t parent, const char *user, struct error *err)
{
	if (number == 0)
		return 0;
	if (prctl(PR_SET_PDEATHSIG, (unsigned long)number) == -1)
		return refused("prctl", user, err);
	if (getppid() != parent)
		raise(number);
	return 0;
}

static int
become(const struct passwd *entry, gid_t gid, struct error *err)
{
	const char *user = entry->pw_name;
	pid_t parent = getppid();
	uid_t uid = entry->pw_uid;
	int number = 0;

	prctl(PR_GET_PDEATHSIG, &number);
	if (initgroups(user, gid) == -1)
		return refused("initgroups", user, err);
	if (setresgid(gid, gid, gid) == -1)
		return refused("setresgid", user, err);
	if (setresuid(uid, uid, uid) == -1)
		return refused("setresuid", user, err);
	if (uid != 0 && verify(uid, gid, user, err) == -1)
		return -1;
	return watch_parent(number, parent, user, err);
}

int
privileges_drop(const char *user, const char *group, struct error *err)
{
	const struct passwd *entry;
	const struct group *group_entry;

	if (user == NULL)
		return 0;
	entry = getpwnam(user);
	if (entry == NULL)
		return option_check_user("user", user, err);
	if (geteuid() != 0) {
		if (geteuid() != entry->pw_uid)
			log_info(
			    "user = %s has no effect: only root can become somebody else", user);
		return 0;
	}
	if (group == NULL)
		return become(entry, entry->pw_gid, err);
	group_entry = getgrnam(group);
	if (group_entry == NULL)
		return option_check_group("group", group, err);
	return become(entry, group_entry->gr_gid, err);
}

uid_t
privileges_uid(const char *user)
{
	const struct passwd *entry = user == NULL ? NULL : getpwnam(user);

	return entry == NULL ? (uid_t)-1 : entry->pw_uid;
}
