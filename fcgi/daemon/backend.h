/*
 * The responder's connection to one daemon, for all requests that it gets. When it breaks, calls
 * stay listed and are issued again once it is back, but for those that are to be carried out once:
 * of these, only such stay as sessiond cannot have carried out. They had not been sent to it, or it
 * had said goodbye: it does so when all that it has done is answered. What is called the owner here
 * is told three things. Which backends there are, and which of them gets a call, is backends.h.
 */
#ifndef FCGI_DAEMON_BACKEND_H
#define FCGI_DAEMON_BACKEND_H

#include "common/loop.h"
#include "common/timer_queue.h"
#include "conf/responder_options.h"
#include "fcgi/daemon/calls.h"
#include "fcgi/daemon/exchange.h"
#include "fcgi/daemon/known_services.h"

#include <stdbool.h>
#include <stddef.h>

/* Why sessiond does not answer a call. */
enum backend_loss {
	BACKEND_AWAY,	   /* it has not come back within backend_timeout */
	BACKEND_STOPPED,   /* the responder stops */
	BACKEND_GUILTY,	   /* sessiond crashes of the call (suspects.h) */
	BACKEND_NO_MEMORY, /* for the frame that came */
	BACKEND_UNSURE,	   /* it was lost with the call, which it may have carried out */
};

struct backend_calls {
	/*
	 * sessiond is there: the call is to be issued (backend_receive, backend_send,
	 * backend_ask), or forgotten.
	 */
	void (*there)(struct call *call);
	/*
	 * The call is not listed any more: it has no answer, or not the rest of one. losses: of
	 * BACKEND_GUILTY.
	 */
	void (*lost)(struct call *call, enum backend_loss why, unsigned losses);
	/*
	 * EXCHANGE_FRAME (a whole one), _SENT, _ANSWER, _REFUSED or _COOKIE came. The call is not
	 * listed any more, unless it is a cookie or a frame that does not end the response.
	 */
	void (*answer)(struct call *call, const struct exchange_news *news);
};

enum backend_state {
	BACKEND_RETIRED,  /* not connected, nor to be */
	BACKEND_IS_AWAY,  /* not connected; the pause runs */
	BACKEND_GREETING, /* connected; its services are awaited */
	BACKEND_THERE,
};

struct backend;

/* What the backends of a process share. Its owner sets the first seven. */
struct backend_share {
	const struct responder_config *config;
	struct loop *loop;
	const struct backend_calls *owner;
	uint64_t instance; /* random, for the life of the process */
	/*
	 * A daemon has greeted and told its services, and is there: it is that one of so many. The
	 * backend may be retired in the call.
	 */
	void (*placed)(struct backend_share *share, const struct wire_daemons *daemons);
	/* The daemon is not there, and is not soon. */
	void (*missed)(struct backend_share *share);
	size_t
	    body_limit; /* bytes of the largest body that any service takes, as far as is known */
	struct timer_queue patience; /* of calls that wait for a daemon to be there */
	struct timer_queue confirms; /* of confirmations (confirmations.h) */
};

#define BODY_LIMIT_UNKNOWN (4u << 20) /* bytes, until sessiond has told its services' limits */

/*
 * A backend that is retired: nothing is connected before backend_resume. path: of its socket;
 * taken, to be freed by free(3). Everything else is borrowed.
 */
struct backend *backend_create(struct backend_share *share, char *path);

/*
 * Closes the connection. No call may be listed. Sets *backend NULL; takes NULL. The loop has to run
 * until its handles are closed.
 */
void backend_destroy(struct backend **backend);

/* Begins to connect. Does nothing to one that is not retired. */
void backend_resume(struct backend *backend);

/* Closes the connection, and connects no more. Calls stay listed, as if it had broken. */
void backend_retire(struct backend *backend);

enum backend_state backend_state(const struct backend *backend);

/* True if the last attempt to connect has failed: writes why, a text without a line's end. */
bool backend_failure(const struct backend *backend, char *text, size_t size);

/* The services that sessiond told last; NULL: never yet. Borrowed. */
struct known_services *backend_services(const struct backend *backend);

/* Why sessiond serves nobody now, a text without a line's end; NULL: it does. Borrowed. */
const char *backend_unready(const struct backend *backend);

/* Calls fn with each call that is listed. It may move it, or list others. */
void backend_each_call(
    struct backend *backend, void (*fn)(struct call *call, void *context), void *context);

/* Gives a call that is listed with another backend, and not issued, to this one. */
void backend_adopt(struct backend *backend, struct call *call);

/*
 * Lists a call. As soon as sessiond is there, maybe at once, the owner is told to issue it. If that
 * takes longer than backend_timeout, the call is lost. calls_remove takes it off the list.
 */
void backend_add(struct backend *backend, struct call *call);

/*
 * Issues a call, for the first time or again. What is sent leaves with the next backend_flush. Each
 * returns 0; -1 if it is too large to be sent: the call is then not listed any more.
 */
int backend_receive(struct backend *backend, struct call *call, const struct wire_receive *receive,
    const struct connection_source *source);
int backend_send(struct backend *backend, struct call *call, struct wire_send *send);
int backend_ask(struct backend *backend, struct call *call, const struct wire_ask *ask);

/*
 * What becomes of the answer to a call. sessiond is told on the connection that the answer came by,
 * or not at all.
 *
 * backend_note_last_write: the write that follows completes it; if this process dies after that,
 * sessiond finds the note. backend_unnote_last_write: that write did not take all.
 * backend_confirm: all of it was written; sessiond hears of it with what is sent next, or (urgent)
 * with the next backend_flush. backend_abort: its client is gone, or (unwritten) a frame that has
 * come did not reach it; the call is not listed any more.
 *
 * backend: that of the call; NULL if it was listed with none.
 */
void backend_note_last_write(struct backend *backend, const struct call *call);
void backend_unnote_last_write(struct backend *backend, const struct call *call);
void backend_confirm(struct backend *backend, struct call *call, bool is_urgent);
void backend_abort(struct backend *backend, struct call *call, bool unwritten);

/*
 * Tells sessiond of requests that were answered; this leaves with the next backend_flush. A
 * sessiond that cannot be told does not want to know. Returns false if it is not there.
 */
bool backend_tell_counts(struct backend *backend, const struct wire_counts *counts);

/*
 * Sends what is to be sent, as far as the socket takes it; but if that is nothing but
 * confirmations, not before it is urgent.
 */
void backend_flush(struct backend *backend);

/* True if nothing is left to be sent. */
bool backend_is_flushed(const struct backend *backend);

/* The responder stops: sessiond is asked to end what it holds for us. */
void backend_say_goodbye(struct backend *backend);

#endif
