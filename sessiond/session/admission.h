/*
 * Who may have a session. A new one needs room (sessions_refusal), a request of which not too much
 * is to be kept (headers_limit), and the word of the service's module (authorize in sockjs.h). Of
 * one that is refused nothing remains, and its module gets no event.
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
