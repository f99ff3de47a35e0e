/*
 * What to answer to a request, as far as it can be known without a session: the pages, info,
 * preflights, 404 and 405 whole; of everything else the status and headers of a successful answer.
 * Both programs answer from here.
 *
 * Pure: the head of the request comes in through a lookup function, the headers go out through a
 * sink. Source: sockjs-protocol 0.3.3; RFC 9110; the Fetch standard (CORS).
 */
#ifndef SOCKJS_REPLY_H
#define SOCKJS_REPLY_H

#include "common/buffer.h"
#include "sockjs/allowed_origins.h"
#include "sockjs/request_head.h"
#include "sockjs/route.h"
#include "sockjs/service_options.h"
#include "sockjs/session_cookie.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

/* A service as the protocol sees it: its options and what is made of them once. */
struct protocol_service {
	struct service_options options;
	struct buffer iframe;	     /* the iframe page */
	char iframe_etag[48];	     /* quoted */
	struct buffer iframe_policy; /* its Content-Security-Policy, a string; empty: none */
	struct allowed_origins origins;
	/*
	 * Of an app. Its clients may leave a stream or poll and open another one for the same
	 * session: one that breaks ends nothing, and a second one takes the place of the first.
	 * They leave a stream once they have more of it than TRANSPORT_CLIENT_BUFFER, and the end
	 * of one is to them the end of the connection.
	 */
	bool is_resumable;

	/*
	 * With jsessionid = module: writes the cookie's value, true if it did. context is
	 * jsessionid_context.
	 */
	bool (*jsessionid)(void *context, const char *cookie, char *value, size_t size);
	void *jsessionid_context;
};

/*
 * Prepares the pages and the origins from service->options, which the caller has filled and still
 * owns. A list of origins that cannot be read allows nobody (the configuration has checked it).
 */
void protocol_service_prepare(struct protocol_service *service);

/* Frees what protocol_service_prepare made. */
void protocol_service_clear(struct protocol_service *service);

/*
 * As route_find, for a service: a session id that is shorter than it wants makes no SockJS URL
 * (NULL), but is still told.
 */
const struct endpoint *reply_route(const struct protocol_service *service, const char *path,
    size_t len, const char **session, size_t *session_len);

#define REPLY_COOKIE_MAX SESSION_COOKIE_MAX

/*
 * With jsessionid = module: asks the service's callback for the value, cookies being the request's
 * Cookie header (NULL or "": none). False if none is to be set, or it is no cookie value. Behind
 * the value may stand attributes (session_cookie.h).
 */
bool reply_module_cookie(
    const struct protocol_service *service, const char *cookies, char value[REPLY_COOKIE_MAX]);

#define REPLY_TEXT_SIZE 2048

struct reply {
	int status;
	const char *content_type; /* NULL: no such header */
	const char *allow;	  /* for 405 */
	const char *preflight;	  /* Access-Control-Allow-Methods */
	const char *etag;
	/* Of JSESSIONID, if a module has made it elsewhere. "": none; NULL: ask the service. */
	const char *cookie_value;
	const char *policy; /* Content-Security-Policy */
	bool nosniff, cors, cookie, stream;
	bool is_forbidden; /* 403: allowed_origins does not let this page in */
	enum reply_cache {
		REPLY_CACHE_UNSAID,
		REPLY_CACHED,
		REPLY_REVALIDATED, /* kept, but asked for each time */
		REPLY_NOT_CACHED,
	} cache;
	const char *body; /* borrowed: constant, the service's, or `text` of this reply */
	size_t body_len;
	char *text; /* REPLY_TEXT_SIZE bytes for a short composed body; the caller's */
};

/*
 * Decides the answer to head at endpoint (NULL: no SockJS URL, that is 404). Returns true if *reply
 * is the whole answer; false if the session decides, *reply then being the answer of a success
 * without its body. Of *reply, text has to be set. entropy: 32 random bits for info.
 */
bool reply_decide(const struct protocol_service *service, const struct endpoint *endpoint,
    const struct request_head *head, uint32_t entropy, struct reply *reply);

/* For the log: the option that forbids. */
const char *reply_forbidding_option(const struct protocol_service *service);

/* For the log: where a request that is_forbidden says it comes from (origin_claim_describe). */
void reply_describe_claim(
    const struct endpoint *endpoint, const struct request_head *head, char text[ORIGIN_CLAIM_MAX]);

/*
 * True if the request's If-None-Match names the etag (quoted, not weak), in a list, as weak, or as
 * `*` (RFC 9110 13.1.2).
 */
bool reply_etag_is_known(const struct request_head *head, const char *etag);

/*
 * Turns *reply into an error: the status and a text/plain body (borrowed, constant). CORS and
 * cookie headers stay.
 */
void reply_set_error(struct reply *reply, int status, const char *text);

#define REPLY_DATE_SIZE 32

/* Writes the time as headers have it (RFC 9110 5.6.7). */
void reply_date(time_t when, char text[REPLY_DATE_SIZE]);

typedef void reply_sink(void *context, const char *name, const char *value);

/*
 * Gives each header of the reply to sink, but for Content-Length, Date and Connection. Values are
 * borrowed. service: NULL for a reply that is no service's.
 */
void reply_headers(const struct reply *reply, const struct protocol_service *service,
    const struct request_head *head, reply_sink *sink, void *context);

/*
 * Finds the `c` or `callback` parameter of the query and copies it decoded. Returns NULL and fills
 * callback, or the text of the error that a 500 carries.
 */
const char *reply_callback(const char *query, char callback[TRANSPORT_CALLBACK_MAX + 1]);

#endif
