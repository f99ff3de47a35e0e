/*
 * The supervisor: a small process that holds the listening sockets, starts the daemon with them,
 * and starts it again when it dies. Clients that connect meanwhile wait in the backlog. The
 * supervisor reads the configuration for the addresses and the number of daemons alone. It loads no
 * module, opens no other file, and reads nothing that a peer has sent.
 *
 *     SIGTERM, SIGINT   end the daemon in good order, then the supervisor; the second one hurries
 *     SIGUSR2           ends the daemon in good order and starts it anew, from the file as it is
 *     SIGHUP, SIGUSR1   are passed on to the daemon, once it is ready
 *
 * With [server] daemons it runs several. They share its sockets, and each has one beside `socket`
 * and one beside `control` to itself. Each is started again by itself when it dies. SIGUSR2 starts
 * one after the other anew; if the file has another number of them by then, all are ended, and
 * that number is started. SIGHUP goes to the first; once that has taken the file, so do the others.
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

/*
 * Supervises until it is told to end. argv: the daemon's arguments, borrowed, ended by NULL; the
 * program is the one that runs. config: as main has read it, borrowed. Returns the exit status,
 * which is the daemon's last one: 128 + N if signal N has killed it, 0 if that was the signal
 * passed on. Returns as well if a daemon exits with a failure before all have been ready once. -1
 * and an error if an address cannot be had.
 */
int supervise_run(const struct config *config, char **argv, struct error *err);

#endif
