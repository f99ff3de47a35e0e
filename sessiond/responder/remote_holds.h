/*
 * The requests that wait in processes which serve one request at a time (mod_fcgid): each occupies
 * one. So that what clients send finds a process that is free, not all may wait at once: the oldest
 * is answered early, with a heartbeat, and its client asks again; or with 503, if its module has
 * not let it in yet.
 *
 * None is answered so before it has waited a while. Else the clients of those that are too many
 * would poll without a pause, as fast as the network and the web server let them. While nobody may
 * be turned away yet, the requests that find no process wait in the web server, which then sees
 * that it has too few.
 *
 * How many may wait follows from the processes that are there: all but one. If more are needed, and
 * the web server may start more, it does so as soon as two clients ask at once. If it may not, one
 * free process is too few, and more are kept free.
 */
#ifndef SESSIOND_REMOTE_HOLDS_H
#define SESSIOND_REMOTE_HOLDS_H

#include "common/timer_queue.h"
#include "sessiond/responder/remote_request.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct peer;
struct sessions;

/* So many may wait even where fewer processes are seen: a web server starts more than these. */
#define REMOTE_HOLDS_LEAST 5

/* For so long each may wait, ms; some wait twice as long. */
#define REMOTE_HOLDS_LEAST_MS 50

struct remote_holds {
	struct remote_hold_list held;
	size_t processes; /* peers whose last request said that they serve one at a time */
	size_t most;	  /* that may wait; 0: it follows from the processes */
	struct sessions *sessions;
	unsigned daemons;
	struct timer_queue looks; /* for those that could not be turned away yet */
	struct timer look;
	/* Since `since`, ms: the requests that were turned away, and the processes there were. */
	uint64_t since;
	size_t turned_away, processes_before;
	uint64_t starving_until; /* ms; 0: there are enough */
};

/*
 * sessions: borrowed; whose limits count what was turned away. daemons: among which the processes
 * divide what they hold.
 */
void remote_holds_init(struct remote_holds *holds, struct sessions *sessions, unsigned daemons);

void remote_holds_clear(struct remote_holds *holds);

/* A request of the peer says whether its process serves one at a time. */
void remote_holds_see(struct remote_holds *holds, struct peer *peer, bool is_alone);

/* The peer is gone. */
void remote_holds_forget(struct remote_holds *holds, struct peer *peer);

/*
 * Adds a request, at `now` (ms), and turns away those that are too many. most: how many may wait;
 * 0: it follows from the processes.
 */
void remote_holds_add(
    struct remote_holds *holds, struct remote_request *request, size_t most, uint64_t now);

#endif
