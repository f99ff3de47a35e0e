/*
 * The life of a session as a table: in each state, what each event leads to.
 *
 * Nothing is done here: session.c carries the actions out.
 */
#ifndef SESSIOND_SESSION_STATE_H
#define SESSIOND_SESSION_STATE_H

#include "sessiond/service/service.h"

enum session_state {
	SESSION_NEW,		  /* nothing was sent yet */
	SESSION_ATTACHED,	  /* open, with a receiver */
	SESSION_DETACHED,	  /* open, between two receivers */
	SESSION_CLOSING_ATTACHED, /* the application closed; what is queued still goes out */
	SESSION_CLOSING_DETACHED, /* the same, no receiver there */
	SESSION_LINGERING,	  /* over; its close frame is repeated to whoever asks */
	SESSION_ENDED,		  /* to be freed */
	SESSION_WAITING,	  /* as new, until its module lets its client in */
	SESSION_STATE_COUNT,
};

enum session_event {
	SESSION_RECEIVER_ARRIVES, /* a receiving request or websocket */
	SESSION_RECEIVER_ENDS, /* we ended it: a poll is answered, a stream has reached its limit */
	SESSION_RECEIVER_BREAKS, /* its connection is gone, or a websocket's peer closed */
	SESSION_APP_CLOSES,
	SESSION_CLOSE_SENT,	    /* the close frame went to the receiver */
	SESSION_CLOSE_SENT_TO_LAST, /* the same, to a websocket: no other receiver will ask */
	SESSION_MESSAGE,	    /* from the client */
	SESSION_TIMES_OUT,	    /* disconnect_delay without a receiver */
	SESSION_MUST_WAIT,	    /* its module answers later */
	SESSION_MAY_ENTER,	    /* ... and has */
	SESSION_EVENT_COUNT,
};

/* What to do, in this order, the state being the next one already. */
enum session_action {
	SESSION_REFUSE =
	    1 << 0, /* answer the newcomer with c[2010,"Another connection still open"] */
	SESSION_REPEAT_CLOSE = 1 << 1,	/* answer the newcomer with the close frame */
	SESSION_TAKE = 1 << 2,		/* the newcomer is the receiver; its heartbeat begins */
	SESSION_OPEN = 1 << 3,		/* send `o`, then tell the application of the connection */
	SESSION_RELEASE = 1 << 4,	/* the receiver is let go */
	SESSION_START_TIMEOUT = 1 << 5, /* disconnect_delay begins */
	SESSION_FLUSH = 1 << 6,	  /* what is queued has somewhere to go, or the close frame has */
	SESSION_DELIVER = 1 << 7, /* give the message to the application */
	SESSION_TELL_CLOSE = 1 << 8, /* the application's close event */
	SESSION_END = 1 << 9,	     /* the session is forgotten */
};

struct session_transition {
	enum session_state next;
	unsigned actions; /* of enum session_action */
};

/* Every state and event has its cell. */
const struct session_transition *
session_transition(enum session_state state, enum session_event event);

/* The state in which the next daemon finds the session: the same without its receiver. */
enum session_state session_lasting_state(enum session_state state);

/* What its application sees of it. */
enum sockjs_ready_state session_state_seen(enum session_state state);

const char *session_state_name(enum session_state state);
const char *session_event_name(enum session_event event);

#endif
