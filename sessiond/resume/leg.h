/*
 * A leg: the session of a transport that carries a resumable session, from one break of the network
 * to the next. To its own session it is the application; of the one that it carries it is the
 * receiver.
 *
 * Messages stay in the queue of the carried session until the client has confirmed them; the leg
 * knows how many of these it has sent. What it owes to its client it sends once the turn is
 * committed: a client has, and is told, nothing that a daemon which is killed would not know.
 */
#ifndef SESSIOND_LEG_H
#define SESSIOND_LEG_H

#include "common/timer_queue.h"
#include "sessiond/session/receiver.h"
#include "sessiond/session/session_set.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sys/queue.h>

enum {
	LEG_HELLO_DELAY = 10000, /* ms for a client's first message, and for its last ones */
	LEG_ACK_DELAY = 1000,	 /* ms that a message waits to be acknowledged */
	LEG_ACK_MESSAGES = 32,	 /* ... or until there are so many */
	LEG_ACK_BYTES = 32768,
	LEG_WINDOW = 65536, /* bytes that wait on a leg, over which it is given no more */
};

/* With these a leg is closed, and its client does not come again. Others: it does. */
enum {
	LEG_CODE_BROKEN = 2020,	 /* a message that is none */
	LEG_CODE_GONE = 2021,	 /* there is no such session any more */
	LEG_CODE_TAKEN = 2022,	 /* another leg carries it */
	LEG_CODE_REFUSED = 2023, /* not let in */
};

enum leg_state {
	LEG_SILENT,  /* its first message is awaited */
	LEG_WAITING, /* until its client is let in */
	LEG_BEGINS,  /* is to be told its key */
	LEG_RESUMES, /* is to be told what has arrived */
	LEG_OPEN,
	LEG_ENDING, /* its client was told of the close, and is to say that it knows */
	LEG_CLOSED,
};

struct connection_source;
struct services;

/* What all legs share. */
struct legs {
	struct sessions *sessions;
	const struct services *services; /* NULL: a leg's is the only one */
	LIST_HEAD(, leg) owing;		 /* something to send, once the turn is committed */
	struct timer_queue hellos, acks;
};

struct leg {
	struct receiver receiver; /* of the session that it carries */
	struct legs *all;
	struct session *session; /* its own */
	uint64_t carried;	 /* the handle of the other; 0: none was found yet */
	LIST_ENTRY(leg) owing;
	struct timer hello, ack; /* of those queues */
	enum leg_state state;
	uint64_t told;	     /* as many of its messages the client knows to have arrived */
	size_t untold;	     /* bytes of those that it does not */
	uint32_t sent;	     /* messages of the queue's front that it was sent */
	bool is_owing;	     /* in that list */
	bool must_ack, asks; /* to tell, or to be told, what has arrived */
	bool is_asked;	     /* has asked, and has no answer yet */
};

/* Both are borrowed. */
void legs_init(struct legs *all, struct sessions *sessions, const struct services *services);
void legs_clear(struct legs *all);

/* All that is owed is sent: the turn was committed. */
void legs_send(struct legs *all);

/* Of that session, which is a leg's. Waits for the client's first message. */
struct leg *leg_create(struct legs *all, struct session *session);

/* Its session is over: the carried one waits for another leg. Sets *leg NULL; takes NULL. */
void leg_destroy(struct leg **leg);

/* Carries a session from now on: one that was admitted (source NULL), or one that goes on. */
void leg_join(struct leg *leg, struct session *carried, const struct connection_source *source);

/* The session that it carries has something for its client, or the leg itself has. */
void leg_owe(struct leg *leg);

/* A message of the client's was handed on. */
void leg_note_received(struct leg *leg, size_t len);

/*
 * The client has had as many messages since the session began: they are forgotten. Fewer than it
 * said before change nothing. False: as many were never sent to it.
 */
bool leg_confirm(struct leg *leg, struct session *carried, uint64_t count);

/* Ends the leg; what it carries waits for another. reason: copied, up to the end of its line. */
void leg_close(struct leg *leg, int code, const char *reason);

#endif
