/*
 * The daemons: one, or as many as [server] daemons says, which a daemon tells when it is greeted.
 * So it is configured nowhere else, and another number after a restart is learned in the same way.
 *
 * One is at `socket`. Of several, each is at a socket of its own, and has the calls of the sessions
 * that live in it (wire/wire_home.h); `socket` is whichever's, and is asked only how many there
 * are. What any daemon can answer goes to one that is there. Where one is away, its calls wait.
 */
#ifndef FCGI_DAEMON_BACKENDS_H
#define FCGI_DAEMON_BACKENDS_H

#include "conf/daemon_place.h"
#include "fcgi/daemon/backend.h"

#include <stdbool.h>
#include <stddef.h>

#define BACKENDS_REASON_SIZE 800

/* The members are private, but body_limit of the share. */
struct backends {
	struct backend_share share; /* first, so that it is found from there */
	struct backend *one;	    /* at `socket` */
	struct backend
	    *several[DAEMONS_MAX]; /* by index; those beyond count are retired, or NULL */
	unsigned count;		   /* of daemons */
	unsigned turn;		   /* of those that get what any can answer */
};

/* Begins to connect. Everything is borrowed. all is not to be moved before backends_stop. */
void backends_start(struct backends *all, const struct responder_config *config, struct loop *loop,
    struct timers *timers, const struct backend_calls *owner);

/* Closes all connections. No call may be listed. */
void backends_stop(struct backends *all);

/* Where there is one, nobody has to find out whose a request is. */
bool backends_are_several(const struct backends *all);

/*
 * The services that were told last by the daemon of that session (NULL: by any), as far as it has
 * told them; NULL: none has yet. Borrowed.
 */
struct known_services *
backends_services(const struct backends *all, const char *session, size_t session_len);

/* Why sessiond serves nobody now, a text without a line's end; NULL: a daemon does. Borrowed. */
const char *backends_unready(const struct backends *all);

/*
 * Why sessiond is not there, for the developer, a text without a line's end. "" unless
 * `show_reason` is on.
 */
void backends_away_reason(const struct backends *all, char reason[BACKENDS_REASON_SIZE]);

/* Lists a call with the daemon of its session, or with any (backend_add). */
void backends_add(struct backends *all, struct call *call);

/*
 * Tells a daemon of requests that were answered (request_counts.h); this leaves with the next
 * backends_flush. One that cannot be told does not want to know. Returns false if none is there.
 */
bool backends_tell_counts(struct backends *all, const struct wire_counts *counts);

/* Sends what is to be sent, as far as the sockets take it. */
void backends_flush(struct backends *all);

/* True if nothing is left to be sent. */
bool backends_are_flushed(const struct backends *all);

/* The responder stops: each daemon is asked to end what it holds for us. */
void backends_say_goodbye(struct backends *all);

#endif
