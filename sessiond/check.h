/*
 * --check: what would keep a start from succeeding.
 */
#ifndef SESSIOND_CHECK_H
#define SESSIOND_CHECK_H

#include "common/error.h"
#include "conf/config.h"

/*
 * Looks at what a start would need: sockets, the user, `static`, the store, and each module, which
 * is loaded but not started; and the server of `engine`, which is asked. Nothing is changed. Gives
 * up root for good, as a start does.
 *
 * What is in use is no error: the daemon of this very file may run. If it does not seem to be that
 * one, a line on standard error says so. Returns 0, or -1 and an error (code: exit status).
 */
int check_run(const struct config *config, struct error *err);

#endif
