/*
 * One HTTP request as it was asked: its head, the service and the SockJS URL it is for, its body.
 * Its answer is the response in it. http_dispatch.c reads requests and decides who answers them.
 */
#ifndef SESSIOND_HTTP_REQUEST_H
#define SESSIOND_HTTP_REQUEST_H

#include "common/buffer.h"
#include "sessiond/http/http_counts.h"
#include "sessiond/http/http_handler.h"
#include "sessiond/http/http_response.h"
#include "sessiond/service/service.h"
#include "sockjs/net_address.h"
#include "sockjs/route.h"

#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <uv.h>

struct chunking_probe;
struct connection_info;
struct connection_source;
struct hixie76_handshakes;
struct http_connections;
struct http_fields;
struct http_upgrade_offer;
struct service_options;
struct services;
struct static_files;
struct trusted_proxies;
struct websockets;

#define HTTP_LARGE_BODY	 1024	 /* bytes; a shorter one waits for a turn after HTTP_TURN_WORK */
#define HTTP_TURN_BODIES 65536	 /* bytes */
#define HTTP_TURN_WORK	 1048576 /* bytes */

TAILQ_HEAD(http_request_queue, http_request);

/* What all requests share. */
struct http_requests {
	uv_loop_t *loop;
	const struct services *services;
	const struct service_options *defaults; /* of requests outside every service */
	struct sessions *sessions;
	struct websockets *websockets;
	struct hixie76_handshakes *handshakes;
	struct static_files *files;	 /* NULL: none */
	struct trusted_proxies *trusted; /* NULL: nobody */
	/* Of what is outside every service; ended by one without a table. NULL: none. */
	const struct http_handlers *handlers;
	struct http_counts *counts; /* of requests that were answered */
	struct http_responses responses;
	bool is_stopping;			/* no request is handled any more */
	struct http_request_queue small, large; /* whose bodies wait for a turn */
	size_t handled;				/* bytes of large bodies and answers in this turn */
	/* Of all replies: a composed body is copied before the next one is composed. */
	char text[REPLY_TEXT_SIZE];
};

enum http_request_phase {
	HTTP_REQUEST_HEAD,    /* the head is all there is */
	HTTP_REQUEST_BODY,    /* the body is arriving */
	HTTP_REQUEST_DECIDED, /* its response is there, or will be */
};

struct http_request {
	struct http_requests *all;
	enum http_request_phase phase;
	struct http_fields *fields; /* owned; NULL: libmicrohttpd has them */
	char *target;		    /* owned, or theirs; the next three point into it */
	char *uri;		    /* the path */
	char *authority;	    /* of an absolute target, which stands for Host; else NULL */
	char *query;		    /* NULL: none */
	char method[16];
	bool is_http10;
	struct request_head head;
	union net_address client;
	struct sockjs_service *service; /* held; NULL: outside every service */
	/* Held: has it, should nothing else answer it; NULL: nobody does. */
	struct sockjs_service *fallback;
	size_t prefix_len;
	const struct endpoint *endpoint; /* NULL: no SockJS URL */
	const char *session_id;		 /* not NUL-terminated; NULL on other URLs */
	size_t session_id_len;
	struct buffer body; /* of those who want it */
	size_t body_seen;   /* bytes that came, kept or not */
	bool body_too_large;
	struct http_request_queue *queue; /* in which its body waits; NULL: it does not */
	bool is_next;			  /* it has waited, and its turn is this one */
	TAILQ_ENTRY(http_request) queue_entry;
	size_t input;	/* bytes of body that are taken from the cap of all */
	bool is_file;	/* it is answered with a static file, whose path it is */
	uint64_t began; /* ms */

	/* What those who answer have with it; each file frees its own. */
	struct chunking_probe *chunking;
	struct http_upgrade_offer *offer; /* of a handshake that was accepted */
	struct connection_info *info;	  /* of a request that the fallback has; else NULL */
	uint64_t handle;		  /* what the fallback knows it by; 0: it does not */

	struct http_response response;
};

/* A turn begins: lets those go on whose bodies have room in it. */
void http_requests_turn(struct http_requests *all);

/*
 * A turn handles HTTP_TURN_BODIES bytes of large bodies, or one that is larger: their messages may
 * be many. What the application answers counts, too: once that is HTTP_TURN_WORK, no request with a
 * body goes on, however short. Returns true if the request has to wait for another turn;
 * http_requests_turn resumes it, those with short bodies first.
 */
bool http_request_waits(struct http_request *request);

/* A request begins on that connection; the target uri is copied. Aborts without memory. */
struct http_request *
http_request_create(struct http_requests *all, struct http_connection *connection, const char *uri);

/* The same for one that passes libmicrohttpd by. Takes the fields. */
struct http_request *http_request_create_of(
    struct http_requests *all, struct http_connection *connection, struct http_fields *fields);

/* Frees *request and what it holds, but what those have who answer. Sets it NULL; takes NULL. */
void http_request_destroy(struct http_request **request);

/* Takes the head, once it has arrived, and finds out what it is for. */
void http_request_read_head(struct http_request *request, const char *method, const char *version);

/* Finds the service and the SockJS URL. Again if the service was retired while the body came. */
void http_request_route(struct http_request *request);

/* The value of a header of the request, NULL if it was not sent. */
const char *http_request_header(const struct http_request *request, const char *name);

/* Fills *source (borrowed from the request): what the session layer wants to know of its origin. */
void http_request_source(struct http_request *request, struct connection_source *source);

/* Writes to the log that the page it comes from is not let in. */
void http_request_log_forbidden(const struct http_request *request);

/* Writes its line to the log. */
void http_request_log(const struct http_request *request);

#endif
