/*
 * Which SockJS URL a path is: the table of protocol endpoints, and the lookup of a path in it.
 *
 * Paths are as they came, still percent-encoded: a session id is compared by its bytes. Source:
 * sockjs-protocol 0.3.3.
 */
#ifndef SOCKJS_ROUTE_H
#define SOCKJS_ROUTE_H

#include "sockjs/transport.h"

#include <stdbool.h>
#include <stddef.h>

enum endpoint_id {
	ENDPOINT_GREETING,
	ENDPOINT_IFRAME,
	ENDPOINT_INFO,
	ENDPOINT_CHUNKING_TEST,
	ENDPOINT_WEBSOCKET_RAW,
	ENDPOINT_WEBSOCKET,
	ENDPOINT_RECEIVE, /* a polling or streaming transport: which, says .transport */
	ENDPOINT_SEND,	  /* xhr_send, jsonp_send */
};

/* What requests are counted by: an enum endpoint_id, or one of these. */
enum {
	ENDPOINT_UNKNOWN = ENDPOINT_SEND + 1, /* below a service, but no URL of SockJS */
	ENDPOINT_OUTSIDE = ENDPOINT_SEND + 2, /* of every service */
	ENDPOINT_KINDS = ENDPOINT_SEND + 3,
};

struct endpoint {
	enum endpoint_id id;
	const char *path;      /* after the prefix, or after /<server>/<session> */
	bool in_session;       /* the path has the form prefix/<server>/<session>/path */
	const char *method;    /* the one method that does something */
	const char *allow;     /* for 405 */
	const char *preflight; /* Access-Control-Allow-Methods; NULL: OPTIONS is no method here */
	unsigned transports;   /* served if one of 1 << enum transport_id is enabled; 0: always */
	int transport;	       /* enum transport_id, -1 where none applies */
	const char *content_type; /* of a successful answer; NULL: none */
	bool form;		  /* a send whose body may be a form */
	bool nosniff;		  /* X-Content-Type-Options: nosniff */
	bool cors;		  /* CORS headers */
	bool uncached;		  /* the not-cached headers */
	/* With allowed_origins: served too if the request does not say what page it is from. */
	bool origin_optional;
};

/*
 * Looks up path[0..len), what follows the service's prefix. Returns NULL if it is no SockJS URL. On
 * an endpoint with .in_session, *session and *session_len are the session id, a part of path; else
 * they are NULL and 0.
 */
const struct endpoint *
route_find(const char *path, size_t len, const char **session, size_t *session_len);

/*
 * The endpoint with .in_session that a path ends with, and its session, whichever service it
 * belongs to: the last three segments of path[0..len) say it. NULL, and *session too: there is
 * none.
 */
const struct endpoint *
route_session(const char *path, size_t len, const char **session, size_t *session_len);

/* The one of a request. endpoint NULL: none was found. in_service: the path is a service's. */
unsigned endpoint_kind(const struct endpoint *endpoint, bool in_service);

/*
 * Writes path as the log may have it, cut to size: who knows a session id can speak in another's
 * name, so of every part that may be one there is only the beginning. Where an endpoint was found
 * that is its id (NULL: it has none), and else all parts behind the service's prefix (without a
 * service, behind the first part) that name no endpoint.
 */
void route_log_path(const char *path, size_t prefix_len, const struct endpoint *endpoint,
    const char *session, size_t session_len, char *to, size_t size);

#endif
