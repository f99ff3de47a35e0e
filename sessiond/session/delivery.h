/*
 * Frames whose arrival is told: a poll's answer, or one frame that a responder writes. Until its
 * fate is known the session sends nothing else, so that what comes back is still the next in order.
 *
 * A responder whose link broke has SESSION_GRACE_DELAY to come back and to say what it took.
 * Without that (doc/model/local-socket.pml, NO_GRACE): the daemon dies while a frame is on its way,
 * and the next one puts it back at once; the responder had taken it, and it arrives twice.
 *
 * `owner` is the pointer in which a request keeps its frame (in_flight.h); NULL there: it has none.
 * A session that ends clears it.
 */
#ifndef SESSIOND_DELIVERY_H
#define SESSIOND_DELIVERY_H

#include "common/timer_queue.h"
#include "sessiond/session/in_flight.h"

#include <stdint.h>

struct session;
struct sessions;

/*
 * Takes the session's whole queue, which is not empty, for *owner, which is NULL. The session has
 * nothing in flight. NULL without memory, and the queue is as it was.
 */
struct in_flight *delivery_take(struct session *session, struct in_flight **owner);

/* The same for the open frame: while it is on its way, its client knows the session or does not. */
struct in_flight *delivery_take_open(struct session *session, struct in_flight **owner);

/*
 * A frame of a former daemon: the first count messages of the queue, or the open frame if count is
 * 0. It awaits the responder's word for SESSION_GRACE_DELAY. Aborts without memory.
 */
void delivery_restore(struct session *session, uint32_t count, uint64_t link_id, uint64_t index);

/* The frame has arrived. Sets *owner NULL; takes NULL. */
void delivery_confirm(struct in_flight **owner);

/* It has not: what it carried is the next again. Sets *owner NULL; takes NULL. */
void delivery_put_back(struct in_flight **owner);

/*
 * Its responder is gone, and can be asked only once it is back: the frame counts as lost after
 * SESSION_GRACE_DELAY. Sets *owner NULL; takes NULL.
 */
void delivery_await(struct in_flight **owner);

/*
 * The daemon stops, and the session goes on with the next one, which asks the responder what became
 * of its frame. What went over this daemon's own HTTP, and has not arrived by now, will not.
 */
void delivery_leave(struct session *session);

/*
 * A responder is back: the first `frames` frames on its link of that id have arrived, and no more.
 */
void delivery_resolve(struct sessions *sessions, uint64_t link_id, uint64_t frames);

/* For sessions_init. */
void delivery_grace_fire(struct timer *timer, void *ctx);

#endif
