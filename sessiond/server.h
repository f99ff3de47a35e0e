/*
 * The daemon: configuration, loop, acceptors, sessions, and the order of what happens in a turn of
 * the loop.
 */
#ifndef SESSIOND_SERVER_H
#define SESSIOND_SERVER_H

#include "common/error.h"
#include "conf/config.h"

/*
 * Runs the daemon until SIGTERM or SIGINT. Prints one line `ready ADDRESS...` on standard output
 * when it accepts connections. config is borrowed. Returns 0 after an orderly end, -1 and an error
 * (code: exit status) if it cannot start.
 */
int server_run(struct config *config, struct error *err);

#endif
