/*
 * What a daemon has from the supervisor (supervise.h) that has started it: its place, and somebody
 * who hears of its events. It passes through the environment.
 */
#ifndef SESSIOND_SUPERVISED_H
#define SESSIOND_SUPERVISED_H

#include "common/error.h"
#include "conf/daemon_place.h"

#include <stdbool.h>
#include <sys/types.h>

enum { SUPERVISION_PATH_SIZE = 108 }; /* what a sockaddr_un has room for */

struct supervision {
	pid_t supervisor;  /* 0: none */
	int events;	   /* where the daemon's go (notify.h) */
	int shares;	   /* what accept_share_map takes; -1: none */
	unsigned restarts; /* of the daemon at this place, this start included */
	struct daemon_place place;
	bool
	    is_first; /* no other daemon runs, nor did one since they all were ended or not begun */
	/*
	 * `socket` as the supervisor has it, whatever the file says by now. "": as the file says.
	 */
	char socket[SUPERVISION_PATH_SIZE];
};

/* In the child that becomes the daemon: makes it part of the environment. 0, or -1 with errno. */
int supervised_pass(const struct supervision *supervision);

/*
 * The daemon calls it first of all. If a supervisor has started this process, it ends with the
 * supervisor, and events go there. Does nothing without a supervisor. -1 and an error
 * (EX_UNAVAILABLE) if the supervisor has ended already.
 */
int supervised_begin(struct error *err);

/* In the daemon, borrowed for good. Without a supervisor: {0, -1, -1, 0, {0, 1}, true, ""}. */
const struct supervision *supervised_by(void);

/* -1 and an error (EX_UNAVAILABLE) without a supervisor, which would start the daemon again. */
int supervised_require(struct error *err);

/* Sends a signal to the supervisor; without one, to this process. -1 and an error (EX_OSERR). */
int supervised_tell(int signal, struct error *err);

#endif
