/*
 * What the parts of fuzz_session.c share: the input, the daemon's objects, and what is around them.
 */
#ifndef TESTS_FUZZ_SESSION_WORLD_H
#define TESTS_FUZZ_SESSION_WORLD_H

#include "common/buffer.h"
#include "sessiond/api/api.h"
#include "sessiond/persistence/persistence.h"
#include "sessiond/session/session.h"
#include "sessiond/session/session_set.h"
#include "tests/fuzz/session_model.h"

enum {
	HEARTBEAT_DELAY = 25000,
	DISCONNECT_DELAY = 5000,
	QUEUE_LIMIT = 1000,
	DRAIN_MARK = 200,
	RECEIVERS = 32,
};

/* The input's next byte, below n; 0 when it is at its end. */
unsigned choose(unsigned n);

struct world {
	struct sessions sessions;
	struct persistence persistence;
	struct sockjs_service *service;
	struct store *store; /* NULL: none */
	const struct sockjs_module *application;
	sockjs_group *groups[GROUPS];
	uint64_t now;
	unsigned turn;
	bool is_dying;	   /* the daemon: what it still does nobody sees */
	bool is_stopping;  /* it suspends its connections */
	bool has_returned; /* a frame, from the responder, since the last commit */
	bool is_refused;   /* by the application: the client that has just come */
	bool is_settling;  /* the input is at its end */
	bool is_traced;
};

extern struct world world;

/* Says what happens, for people. */
#define TRACE(...)                                                                                 \
	do {                                                                                       \
		if (world.is_traced) {                                                             \
			fprintf(stderr, "%llu: ", (unsigned long long)world.now);                  \
			fprintf(stderr, __VA_ARGS__);                                              \
			fprintf(stderr, "\n");                                                     \
		}                                                                                  \
	} while (0)

/* The responder. A link that broke is told of in the next HELLO, and until that is answered. */
struct responder {
	uint64_t id, frames;	/* of this link, and how many were sent on it */
	uint64_t left;		/* of these, have left the daemon */
	uint64_t arrived;	/* the last that it has shown to have taken */
	uint64_t told_id, told; /* of the link that broke: what it took */
	bool is_broken, must_return, is_unanswered;
};

extern struct responder responder;

/* --- the application -------------------------------------------------------------------------- */

extern const struct sockjs_module plain_application, lasting_application;

/* Does something, mostly to that connection, as a module may at any time. */
void act_once(struct conn *conn);

void app_close(struct conn *conn);

/* --- receivers -------------------------------------------------------------------------------- */

enum kind { POLL, STREAM, REMOTE_POLL, REMOTE_STREAM, WEBSOCKET, KINDS };

struct fake {
	struct receiver receiver; /* first, so that one's address is the other's */
	enum kind kind;
	struct conn *conn;	  /* NULL: free */
	struct in_flight *flight; /* of its frame */
	struct buffer out;	  /* lines that have not left, or of the frame in flight */
	uint64_t index;		  /* of its last frame on the link */
	uint64_t link_id;	  /* that the frame in flight, or what it was, went on */
	unsigned serial;	  /* of them all; not 0 */
	unsigned frames_left, flight_turn;
	bool has_left, has_arrived; /* the frame in flight: from the daemon; at the client */
	bool must_store;	    /* it, by what the model knows */
	bool is_congested, is_dead, is_refused, is_over, pinged;
	size_t backlog;
	uint64_t pinged_at;
};

extern struct fake fakes[RECEIVERS];

extern const char awaiting; /* its address stands for a frame of which a responder will tell */

/* A new one, which its caller gives a connection. NULL: there are too many. */
struct fake *fake_create(enum kind kind);

/* Its owner has let go of it: no session, nothing in flight. */
void fake_destroy(struct fake *fake);

/* The nth of those in use; NULL: none is. */
struct fake *fake_pick(unsigned n);

/* The earliest that came after *serial, which becomes its own; NULL: none did. */
struct fake *fake_after(unsigned *serial);

/* False if it is not in use, too. */
bool fake_is_remote(const struct fake *fake);

/* True if it takes all that is queued as one frame, of which its owner tells. */
bool fake_takes_all(const struct fake *fake);

/* Takes notice of a ping that had no answer in time: what is queued is dropped. */
void fake_note_unanswered(struct conn *conn);

/* True if nobody will hear of it again. */
bool fake_is_done(const struct fake *fake);

/* --- the daemon ------------------------------------------------------------------------------- */

enum { SENDS = 8 }; /* without an answer: no more than the daemon knows the ids of */

/* Sends of this turn, and those whose responder lost the daemon before the answer. */
struct send {
	struct conn *conn; /* NULL: none */
	uint64_t sequence;
	bool is_delivered, is_committed, is_lost;
};

extern struct send sends[SENDS];
extern bool has_sends; /* in this turn */

/* Of a connection that the application has; NULL: it is gone. */
struct session *session_of(const struct conn *conn);

/* The turn's commit, without what follows. */
enum commit_result commit(void);

/* The turn's end as the loop has it: frames, commit, and what waited for it leaves. */
void end_turn(void);

/* The first daemon begins; the last ends, and has no sessions. */
void begin_daemon(void);
void end_daemon(void);

/* The responder's link is broken. What it took before that is at its clients. */
void lose_daemon(void);

/*
 * The daemon is gone, and what it had not committed; another begins. doubts: its last commit
 * failed.
 */
void replace_daemon(bool doubts);

#endif
