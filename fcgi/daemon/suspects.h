/*
 * Which request makes sessiond crash? When the connection to sessiond is lost, requests without an
 * answer are sent again. One that sessiond dies of would be sent again without end, and everybody's
 * requests with it.
 *
 * A call is suspected if it was issued less than SUSPECTS_WINDOW_MS before the connection was lost.
 * Each such loss in a row counts; a later one proves it innocent. After two, it is held back on the
 * next connection, and tried: sends before receives, first one alone, then two, four, ..., each
 * batch when the one before has lived for SUSPECTS_TRIAL_MS. One that is lost while it is tried
 * alone is guilty, with its third loss if it sends, with its fifth if it receives. It gets 503 and
 * a line in the log, and the others are cleared. A goodbye of sessiond is no loss.
 *
 * Why there is such a thing: doc/model/local-socket.pml, NO_SUSPECTS. A send that the daemon dies
 * of is sent again to every successor, so none lives and every session hangs. Why it is not
 * simpler: if a send that is lost three times within a second of its issue just got 503, the ten
 * others that waited beside it got 503 in all ten cases, which ends their sessions; and a poll of
 * which the daemon dies was not found at all, and killed forty daemons in two seconds.
 */
#ifndef FCGI_DAEMON_SUSPECTS_H
#define FCGI_DAEMON_SUSPECTS_H

#include "fcgi/daemon/calls.h"

#include <stdbool.h>
#include <uv.h>

enum {
	SUSPECTS_WINDOW_MS = 1000,
	SUSPECTS_TRIAL_MS = 200, /* a machine that is busy takes its time, to die too */
};

struct suspects;

/* issue is called with each call that is to be tried, and has it issued. calls is borrowed. */
struct suspects *suspects_create(struct calls *calls, uv_loop_t *loop,
    void (*issue)(struct call *call, void *context), void *context);

/* Sets *suspects NULL; takes NULL. */
void suspects_destroy(struct suspects **suspects);

/* True if the call has to wait for its trial. */
bool suspects_hold_back(const struct call *call);

/* sessiond is there again, and has what is not held back: begins the trials. */
void suspects_try(struct suspects *suspects);

/* The connection is not there any more: nothing is tried until suspects_try. */
void suspects_stop(struct suspects *suspects);

/*
 * The connection was lost, and the calls are still as they were issued: judges them. Returns the
 * guilty one and its losses; NULL: none is.
 */
struct call *suspects_judge(struct suspects *suspects, unsigned *losses);

#endif
