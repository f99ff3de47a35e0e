/*
 * For --check: whether the server of `engine` is there, and does what is asked of it.
 */
#ifndef SESSIOND_REDIS_CHECK_H
#define SESSIOND_REDIS_CHECK_H

#include "common/error.h"

/*
 * Connects and greets, and waits for that, for REDIS_TIMEOUT at most; does nothing for `memory`.
 * Returns -1 and an error (EX_UNAVAILABLE, EX_CONFIG) that says what is wrong, and what to do.
 */
int redis_check(const char *option, struct error *err);

#endif
