/*
 * Giving up root: `[server] user` and `group` of sockjs.conf. The daemon binds its sockets as whoever starts it, then becomes that
 * user, before it accepts a connection, opens its store, or loads a module.
 *
 * The process has threads of libuv only later, but the C library changes the ids of all of a process's threads in any case. After the
 * change the kernel lets nobody but root trace the process, and writes no core dump of it; a service manager that starts it as that
 * user in the first place (User= of systemd) has neither effect.
 */
#ifndef SESSIOND_PRIVILEGES_H
#define SESSIOND_PRIVILEGES_H

#include "common/error.h"

/* 0 if there is a user of that name. -1 and an error (EX_CONFIG) that begins with the option's name otherwise. */
int privileges_check_user(const char *option, const char *name, struct error *err);

/* The same for a group. */
int privileges_check_group(const char *option, const char *name, struct error *err);

/*
 * Becomes user, with its group (or `group`, unless that is NULL) and its further groups, for good: real, effective and saved ids; that
 * there is no way back is tried. The signal that comes when the parent dies (PR_SET_PDEATHSIG), which the kernel forgets when ids
 * change, is kept. user NULL: does nothing. A process that is not root stays who it is, and says so in the log unless it is that user
 * already. Returns 0, or -1 and an error: EX_CONFIG for an unknown name, EX_NOPERM if the system refuses; the process must then end.
 */
int privileges_drop(const char *user, const char *group, struct error *err);

#endif
