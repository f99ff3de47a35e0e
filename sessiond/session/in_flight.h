/*
 * A frame on its way: its messages, taken off a session's queue and given to a receiver whose owner
 * will tell whether the frame reached the client's web server or connection. What is done with it
 * is delivery.h's; here is what it holds.
 *
 * A session has one in flight at most. Beside the session only one other has a pointer to it: the
 * request that carries the frame (owner), or, once that is gone, the list of those that await a
 * responder's word.
 *
 * Without it (doc/model/local-socket.pml, NO_IN_FLIGHT): the daemon forgets a message when it gives
 * it to a responder; that one dies before it writes, and an acknowledged message is lost.
 */
#ifndef SESSIOND_IN_FLIGHT_H
#define SESSIOND_IN_FLIGHT_H

#include "common/timer_queue.h"
#include "sessiond/session/message.h"

#include <stdbool.h>
#include <stdint.h>

#include <sys/queue.h>

struct session;

struct in_flight {
	struct session *session;
	struct in_flight **owner;    /* where its request has it; NULL: it awaits */
	LIST_ENTRY(in_flight) await; /* while it awaits */
	struct timer timer;	     /* the same */
	/* The index-th frame on the link of that id; 0: it went over this daemon's own HTTP. */
	uint64_t link_id, index;
	uint64_t first;	 /* position of the first message */
	bool is_open;	 /* the open frame, which has no messages */
	bool is_fresh;	 /* was taken in this turn */
	bool must_store; /* even if its messages were written in the turn that delivers them */
	uint32_t count;
	size_t bytes; /* that the messages take in the store */
	struct message *messages[];
};

LIST_HEAD(in_flight_list, in_flight);

/*
 * Takes the first count messages off the queue, which has as many; 0: the open frame. The caller
 * gives it a session and an owner, or a list to await in. NULL without memory, and nothing is
 * taken.
 */
struct in_flight *in_flight_create(struct message_queue *queue, uint32_t count);

/* Takes it from its owner; it awaits in that list. Its timer is the caller's to start. */
void in_flight_await(struct in_flight *flight, struct in_flight_list *list);

/* Puts its messages before the first of the queue, and destroys it. Sets *flight NULL. */
void in_flight_put_back(struct in_flight **flight, struct message_queue *queue);

/*
 * Its owner, or the list, has it no more; its messages are dropped. Sets *flight NULL; takes NULL.
 */
void in_flight_destroy(struct in_flight **flight);

#endif
