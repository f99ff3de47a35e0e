/*
 * The supervisor: a small process that holds the listening sockets, starts the daemon with them, and starts it again when it dies. Who
 * connects meanwhile waits in the backlog. It reads the configuration once, for the addresses, loads no module, opens no other file, and
 * reads nothing that a peer has sent.
 *
 *     SIGTERM, SIGINT   end the daemon in good order, then the supervisor; a second one is in more of a hurry
 *     SIGUSR2           the daemon ends in good order and is started again: from the program's file as it is then
 *     SIGHUP, SIGUSR1   are passed on to the daemon, once it is ready
 *
 * A daemon that dies is started again: at once, or if it lived for less than a second, the second time in a row after 100 ms, then after
 * twice as long each time, up to 5 s. SIGTERM to the daemon itself is an orderly end, after which it is started again too.
 * A daemon that is told to end has 30 s.
 *
 * The daemon gets the sockets as from systemd (inherited_sockets.h), and SIGTERM when its supervisor dies, however that happens. It is in
 * a process group of its own: what a terminal sends to the group reaches it by its supervisor, once.
 */
#ifndef SESSIOND_SUPERVISE_H
#define SESSIOND_SUPERVISE_H

#include "common/error.h"
#include "conf/config.h"

/*
 * Supervises until it is told to end. argv: the daemon's arguments, borrowed, ended by NULL; the program is the one that runs. Returns the
 * exit status: the daemon's last one (128 + N if signal N has killed it, 0 if that was the signal passed on), also when the first daemon
 * exits with a failure before it is ready. -1 and an error if an address cannot be had.
 */
int supervise_run(const struct config *config, char **argv, struct error *err);

/*
 * In the daemon, first of all: if a supervisor has started this process, ties its life to the supervisor's, and sends events
 * (notify.h) there. Without one, does nothing. -1 and an error (EX_UNAVAILABLE) if the supervisor has ended already.
 */
int supervised_begin(struct error *err);

/* The tie again, for a daemon that has changed its user, which undoes it. -1 and an error as above. */
int supervised_tie(struct error *err);

#endif
