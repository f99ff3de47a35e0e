/*
 * One HTTP request, from its first line to the end of its response: read by libmicrohttpd, decided here.
 */
#ifndef SESSIOND_HTTP_REQUEST_H
#define SESSIOND_HTTP_REQUEST_H

#include "common/buffer.h"
#include "sessiond/persistence/persistence.h"
#include "sessiond/session/receiver.h"
#include "sessiond/service/service.h"
#include "sockjs/reply.h"

#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct chunking_probe;
struct connection_info;
struct connection_source;
struct http_connection;
struct http_server;
struct in_flight;
struct http_upgrade_offer;

enum http_request_phase {
	HTTP_REQUEST_HEAD,	/* the handler was not called yet */
	HTTP_REQUEST_BODY,	/* the body is arriving */
	HTTP_REQUEST_DECIDING,	/* being decided, within the handler */
	HTTP_REQUEST_WAITING,	/* suspended: the answer is to come */
	HTTP_REQUEST_ANSWERING, /* the response is queued */
};

struct http_request {
	struct receiver
	    receiver; /* of receiving requests; first, so that a receiver is a request */
	struct http_connection *connection;
	struct http_server *server;
	enum http_request_phase phase;
	char *uri;   /* owned; path and query point into it */
	char *query; /* NULL: none */
	char method[16];
	struct request_head head;
	struct sockjs_service *service; /* NULL: outside every service */
	struct sockjs_service
	    *fallback; /* that is there for it, should nothing else be; else NULL */
	size_t prefix_len;
	const struct endpoint *endpoint; /* NULL: no SockJS URL */
	const char *session_id;		 /* not NUL-terminated; NULL on other URLs */
	size_t session_id_len;
	struct reply reply;
	struct buffer body;
	bool body_too_large, is_http10;
	char callback[TRANSPORT_CALLBACK_MAX + 1];
	struct MHD_Response *response; /* ready to be queued; owned until then */
	struct buffer out;	       /* of a stream: frames on their way */
	size_t streamed;	       /* bytes of frames, for response_limit */
	bool out_ended;		       /* nothing follows what is in out */
	bool is_suspended, is_gone;
	struct in_flight *in_flight; /* of an answered poll: what it carries; NULL: nothing */
	struct http_request *next_waiting, **link_waiting; /* of http_server.waiting */
	struct chunking_probe *chunking;
	struct http_upgrade_offer *offer; /* of a handshake that was accepted */
	struct connection_info *info;	  /* of a request that the fallback has; else NULL */
	uint64_t handle;		  /* what the fallback knows it by; 0: it does not */
	uint64_t began;			  /* ms */
	unsigned status;
};

/* Callbacks of libmicrohttpd; cls is the struct http_server. */
void *http_request_begin(void *cls, const char *uri, struct MHD_Connection *mhd);
enum MHD_Result
http_request_handle(void *cls, struct MHD_Connection *mhd, const char *url, const char *method,
    const char *version, const char *upload_data, size_t *upload_data_size, void **context);
void http_request_completed(
    void *cls, struct MHD_Connection *mhd, void **context, enum MHD_RequestTerminationCode code);

/* The client of a suspended request hung up. */
void http_request_hung_up(struct http_request *request);

/* What the turn changed is stored, or could not be: a send that waited for that is answered. Takes it off http_server.waiting. */
void http_request_committed(struct http_request *request, enum commit_result committed);

/* The daemon stops: the request is answered with nothing. */
void http_request_give_up(struct http_request *request);

/* For those who answer a request: the whole response is ready, or something was added to a stream's out. */
void
http_request_respond(struct http_request *request, struct MHD_Response *response, unsigned status);
void http_request_wake(struct http_request *request);

/* A response with the headers of request->reply and a copy of body. NULL without memory. */
struct MHD_Response *
http_request_make_response(struct http_request *request, const char *body, size_t len);

/* Answers with request->reply, whole. */
void http_request_respond_reply(struct http_request *request);

/* Makes the response a stream of what is put into request->out, beginning with what is there. */
void http_request_start_stream(struct http_request *request);

/* What the session layer wants to know of where it comes from. */
void http_request_source(struct http_request *request, struct connection_source *source);

/* The receivers of HTTP: one frame a response, or many. */
extern const struct receiver_ops http_poll_receiver, http_stream_receiver;

#endif
