/*
 * Giving up root: `user` and `group` of sockjs.conf. Each program binds its sockets as whoever
 * starts it, then becomes that user, before it accepts a connection. The daemon does so before it
 * opens its store or loads a module, too.
 *
 * After the change the kernel lets nobody but root trace the process, and writes no core dump of
 * it. A service manager that starts the process as that user (User= of systemd) has neither effect.
 */
#ifndef SYSTEM_PRIVILEGES_H
#define SYSTEM_PRIVILEGES_H

#include "common/error.h"

#include <sys/types.h>

/*
 * Becomes user for good, with its group (or `group`, unless that is NULL) and its further groups:
 * real, effective and saved ids. That there is no way back is tried. The signal that comes when the
 * parent dies (PR_SET_PDEATHSIG), which the kernel forgets when ids change, is kept.
 *
 * user NULL: does nothing. A process that is not root stays who it is, and logs so unless it is
 * that user already. Returns 0, or -1 and an error: EX_CONFIG for an unknown name, EX_NOPERM if the
 * system refuses; the process must then end.
 */
int privileges_drop(const char *user, const char *group, struct error *err);

/* The id of that user; (uid_t)-1 for NULL and for an unknown name. */
uid_t privileges_uid(const char *user);

#endif
