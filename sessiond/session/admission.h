/*
 * Who may have a session, and who may send to one. A new one needs room (sessions_refusal), a
 * request of which not too much is to be kept (headers_limit), and the word of the service's module
 * (authorize in sockjs.h). Of one that is refused nothing remains, and its module gets no event.
 *
 * A module may give its word later (SOCKJS_LATER). Until then the session is SESSION_WAITING: it
 * counts among all, but nobody can send to it, it is not stored, and a second receiver is answered
 * as by any session that has one. The end of a turn tells its receiver what was decided, so that
 * the module is not called from within its own call. Its wait ends with 503 after
 * authorize_timeout, when the daemon drains or stops, and when its service is retired. However it
 * ends without being let in, the module gets its close event, and no other.
 *
 * An address that has guessed too often (guesses_per_minute) reaches sessions of other addresses no
 * more, and opens none where the module would have to judge.
 */
#ifndef SESSIOND_ADMISSION_H
#define SESSIOND_ADMISSION_H

#include "sessiond/service/service.h"
#include "sessiond/session/session.h"
#include "wire/connection_info.h"

#include <stdbool.h>
#include <stddef.h>

struct receiver;
struct sessions;

/*
 * How the id of a session begins that is a leg, in a service with resume: whoever is the set's
 * `legs` hears of it in the application's place (resume/). Ids that sockjs-client makes have no
 * hyphen.
 */
#define SESSION_LEG_PREFIX "resume-"

/* What the client is answered instead. */
struct admission_refusal {
	int status;	  /* of HTTP, 400 to 599 */
	const char *text; /* constant */
};

/*
 * The session of that id, for a client at that address (NULL: unknown) that sends to it. NULL and
 * *refusal: there is none, or it is not to be found.
 */
struct session *admission_find(struct sockjs_service *service, const char *id, size_t id_len,
    const struct sockaddr *client, struct admission_refusal *refusal);

/*
 * The session of that id, or a new one for the client that source tells of, which is then to be
 * given its receiver (session_arrive), unless that must wait (admission_must_wait). NULL and
 * *refusal: it gets none. Everything is borrowed.
 */
struct session *admission_obtain(struct sockjs_service *service, const char *id, size_t id_len,
    const struct transport *transport, const struct connection_source *source,
    struct admission_refusal *refusal);

/* The same for a websocket, whose session nobody else can find. */
struct session *
admission_open_websocket(struct sockjs_service *service, const struct transport *transport,
    const struct connection_source *source, struct admission_refusal *refusal);

/* --- modules that answer later ---------------------------------------------------------------- */

/*
 * For the session that one of the two has given: true if it is new, and its module answers later.
 * The receiver, which has a transport and at least ops->decided, waits then. That is called once,
 * unless the receiver breaks before (session_receiver_broke) or the daemon stops.
 */
bool admission_must_wait(struct session *session, struct receiver *receiver);

/* True if that is what a module can answer: 0, or 400 to 599. */
bool admission_is_answer(int status);

/* The module's answer, which is told at the end of the turn. False: nobody waits for one. */
bool admission_decide(struct session *session, int status);

/* At the end of a turn: tells those for whom it was decided. True if there was one. */
bool admission_tell(struct sessions *sessions);

/*
 * Refuses, with 503 and that text (constant), the client of a session that waits. False: it does
 * not.
 */
bool admission_end(struct session *session, const char *text);

/* The same for all that wait, or (retired) for those whose service is retired; text: constant. */
void admission_end_all(struct sessions *sessions, const char *text);
void admission_end_retired(struct sessions *sessions);

#endif
