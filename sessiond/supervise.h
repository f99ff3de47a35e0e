/*
 * The supervisor: a small process that holds the listening sockets, starts the daemon with them,
 * and starts it again when it dies. Clients that connect meanwhile wait in the backlog. The
 * supervisor reads the configuration once, for the addresses. It loads no module, opens no other
 * file, and reads nothing that a peer has sent.
 *
 *     SIGTERM, SIGINT   end the daemon in good order, then the supervisor; the second one hurries
 *     SIGUSR2           ends the daemon in good order and starts it anew, from the file as it is
 *     SIGHUP, SIGUSR1   are passed on to the daemon, once it is ready
 *
 * A daemon that dies is started again at once. If it lived for less than a second, it is started
 * again at once the first time, after 100 ms the second time in a row, and after twice as long each
 * time, up to 5 s. SIGTERM to the daemon itself is an orderly end, after which it is started again
 * too. A daemon that is told to end has 30 s.
 *
 * The daemon gets the sockets as from systemd (inherited_sockets.h), and SIGTERM when its
 * supervisor dies, however that happens. It is in a process group of its own: what a terminal sends
 * to the group reaches it through its supervisor, once.
 */
#ifndef SESSIOND_SUPERVISE_H
#define SESSIOND_SUPERVISE_H

#include "common/error.h"
#include "conf/config.h"

#include <sys/types.h>

/*
 * Supervises until it is told to end. argv: the daemon's arguments, borrowed, ended by NULL; the
 * program is the one that runs. Returns the exit status, which is the daemon's last one: 128 + N if
 * signal N has killed it, 0 if that was the signal passed on. Returns as well if the first daemon
 * exits with a failure before it is ready. -1 and an error if an address cannot be had.
 */
int supervise_run(const struct config *config, char **argv, struct error *err);

/*
 * The daemon calls it first of all. If a supervisor has started this process, it ends with the
 * supervisor, and events (notify.h) go there. Does nothing without a supervisor. -1 and an error
 * (EX_UNAVAILABLE) if the supervisor has ended already.
 */
int supervised_begin(struct error *err);

/* In the daemon: the process of its supervisor, 0 if it has none. */
pid_t supervised_by(void);

/* In the daemon: how many daemons its supervisor has started anew before, or with, this one. */
unsigned supervised_restarts(void);

#endif
