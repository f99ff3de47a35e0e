/*
 * Messages on their way: taken off a session's queue and given, as one frame, to a receiver whose owner will tell whether the frame
 * was written to the client's web server or connection. Until then the session sends nothing else, so that what comes back is
 * still the next in order.
 *
 * A session has one frame in flight at most. Its owner (a remote request, an HTTP request) has the only pointer beside the session's; the
 * session may end before it is told, and clears that pointer then.
 */
#ifndef SESSIOND_IN_FLIGHT_H
#define SESSIOND_IN_FLIGHT_H

#include "common/buffer.h"
#include "common/timer_queue.h"
#include "sessiond/session/message.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct session;
struct sessions;

/* What only its responder knows, of a responder whose connection broke: it is asked, if it comes back in this time. */
#define IN_FLIGHT_GRACE 2000 /* ms */

struct in_flight {
	struct session *session;
	struct in_flight **owner; /* where its owner has it; NULL: it awaits its responder's word */
	/* The frame is the index-th on the local socket's link of that id; 0: it went over this daemon's own HTTP. */
	uint64_t link_id, index;
	uint64_t first; /* position of the first message */
	bool is_open;	/* the open frame, which has no messages */
	bool is_fresh;	/* was taken in this turn */
	bool
	    must_store; /* although it was delivered in the turn in which its messages were written */
	struct timer timer;
	struct in_flight *next, **link; /* of those that await */
	uint32_t count;
	struct message *messages[];
};

/* Takes the whole queue, which is not empty, for *owner, which is NULL. NULL without memory. The session has none in flight. */
struct in_flight *in_flight_take(struct session *session, struct in_flight **owner);

/* The same for the open frame: while it is on its way, the session exists for its client or does not. */
struct in_flight *in_flight_take_open(struct session *session, struct in_flight **owner);

/* One that a former daemon had: the first count messages of the queue; the open frame if count is 0. It awaits. */
void in_flight_restore(struct session *session, uint32_t count, uint64_t link_id, uint64_t index);

/* The frame has arrived. Sets *owner NULL; takes NULL. */
void in_flight_confirm(struct in_flight **owner);

/* It has not: what it carried is the next again. Sets *owner NULL; takes NULL. */
void in_flight_put_back(struct in_flight **owner);

/* Its responder is gone, and cannot be asked before it comes back. Sets *owner NULL; takes NULL. */
void in_flight_await(struct in_flight **owner);

/*
 * The daemon stops, and the session goes on with the next one: that asks the responder what became of it. What went over this daemon's own
 * HTTP, and has not arrived by now, will not.
 */
void in_flight_leave(struct session *session);

/* A responder is back: of what was in flight on that link, the first `frames` frames have arrived. */
void in_flight_resolve(struct sessions *sessions, uint64_t link_id, uint64_t frames);

/* The session ends. */
void in_flight_drop(struct session *session);

/* Callback of the timer queue of those that await; ctx is the struct sessions. */
void in_flight_grace_fire(struct timer *timer, void *ctx);

#endif
