/*
 * Who may have a session, and who may send to one. A new one needs room (sessions_refusal), a
 * request of which not too much is to be kept (headers_limit), and the word of the service's module
 * (authorize in sockjs.h). Of one that is refused nothing remains, and its module gets no event.
 *
 * An address that has guessed too often (guesses_per_minute) reaches sessions of other addresses no
 * more, and opens none where the module would have to judge.
 */
#ifndef SESSIOND_ADMISSION_H
#define SESSIOND_ADMISSION_H

#include "sessiond/service/service.h"
#include "sessiond/session/session.h"
#include "wire/connection_info.h"

#include <stddef.h>

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
 * given its receiver (session_arrive). NULL and *refusal: it gets none. Everything is borrowed.
 */
struct session *admission_obtain(struct sockjs_service *service, const char *id, size_t id_len,
    const struct transport *transport, const struct connection_source *source,
    struct admission_refusal *refusal);

/* The same for a websocket, whose session nobody else can find. */
struct session *
admission_open_websocket(struct sockjs_service *service, const struct transport *transport,
    const struct connection_source *source, struct admission_refusal *refusal);

#endif
