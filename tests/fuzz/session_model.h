/*
 * The model of fuzz_session.c: what each connection's application was told and wrote, and what its
 * client has got. It knows sessions by their uuid alone, so that it goes on when the daemon does.
 * Whatever must not be ends the process.
 */
#ifndef TESTS_FUZZ_SESSION_MODEL_H
#define TESTS_FUZZ_SESSION_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* Not assert(): it has to hold in a build with NDEBUG as well. */
#define REQUIRE(condition)                                                                         \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);    \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

enum {
	CONNS_MAX = 48,
	MESSAGES_MAX = 512, /* of a connection */
	GROUPS = 2,
};

enum message_state {
	MESSAGE_OWED,	 /* queued, or on its way: it has to arrive */
	MESSAGE_GIVEN,	 /* on a stream, from which it arrives unless that breaks */
	MESSAGE_ARRIVED, /* once, and never again */
	MESSAGE_DROPPED, /* with its session: it may arrive if it was on its way */
	MESSAGE_UNSURE,	 /* a daemon died before it was stored: it may arrive once */
};

struct model_message {
	unsigned id, len;
	enum message_state state;
	const void *flight;	      /* the frame it is on its way with; NULL: it is queued */
	unsigned born;		      /* the turn in which it was written */
	bool is_stored, was_returned; /* as of the last commit; since then */
};

struct conn {
	char uuid[37];
	uint64_t handle; /* the application's; 0: it has none */
	bool is_listed;	 /* a client can ask again, and a store keeps it */

	/* What the application knows. */
	bool is_known, is_closed; /* it had the connection event, the close event */
	bool has_closed;	  /* it has closed, or queue_limit has */
	bool is_suspended;	  /* it was told the end; the next daemon begins anew */
	bool groups[GROUPS];

	/* What the client knows. */
	bool has_open, has_close;
	bool is_open_told; /* by a responder, whether it has the open frame: the store knows */

	/* What may end it. */
	bool close_sent;	 /* the close frame was given to a receiver */
	bool is_broken;		 /* a receiver broke, or the daemon ended it */
	uint64_t detached_since; /* the clock, when it last had a receiver */

	/* As of the last commit. */
	bool is_stored, stored_closed, stored_has_closed;
	bool is_expected; /* by the next daemon */

	struct model_message messages[MESSAGES_MAX];
	unsigned count, last; /* of the messages; behind the last that arrived */
	unsigned doubtful;    /* so many are not checked: a daemon died whose store had failed */
};

extern struct conn conns[CONNS_MAX];
extern unsigned conn_count;

/* Forgets everything. */
void model_clear(void);

/* The connection of that uuid, which may be new. NULL: there are too many. */
struct conn *model_conn(const char *uuid);

/* A text of at least len bytes that says which message it is. Returns its length. */
size_t model_text(unsigned id, size_t len, char *text, size_t size);

/* The application wrote it, and the connection took it. turn: the number of this turn. */
void model_wrote(struct conn *conn, unsigned id, size_t len, unsigned turn);

/* What is owed will not come: queue_limit, a ping without an answer, the end. */
void model_drop(struct conn *conn);

/* A frame of messages is on its way; `flight` is what names it. True if some were stored before. */
bool model_fly(struct conn *conn, const char *frame, size_t len, const void *flight);

/* That frame came back. */
void model_return(struct conn *conn, const void *flight);

/* The frame goes by another name from now on. */
void model_await(struct conn *conn, const void *flight, const void *name);

/* A frame was put on a stream, and may be lost with it alone. */
void model_give(struct conn *conn, const char *frame, size_t len);

/* What was given is lost with its stream, the open frame too. */
void model_lose_stream(struct conn *conn);

/* The close frame is given to a receiver. */
void model_close_sent(struct conn *conn);

/* Bytes of any frames arrived at the client. */
void model_arrive(struct conn *conn, const char *bytes, size_t len);

/*
 * The turn's changes are committed. is_alive: its session exists. is_stored: tells of a frame that
 * is on its way whether the store has it.
 */
void model_commit(struct conn *conn, bool is_alive,
    bool (*is_stored)(const struct conn *conn, const void *flight));

/* The daemon is gone. doubts: its last commit failed. */
void model_crash(struct conn *conn, bool doubts);

/* True if a message has to arrive still. */
bool model_is_owed(const struct conn *conn);

#endif
