/*
 * One request of the responder: what libfcgi read, what it is in the protocol, and its answer, which is made here or by sessiond.
 */
#ifndef FCGI_REQUEST_H
#define FCGI_REQUEST_H

#include "common/buffer.h"
#include "wire/wire_messages.h"
#include "fcgi/daemon/suspects.h"
#include "sockjs/reply.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct connection;
struct known_service;
struct responder;

struct request {
	struct connection *connection;
	uint64_t id;		      /* among all of this process; what sessiond calls it */
	struct request *next, **link; /* of those that sessiond has, or has to get */
	bool is_listed;
	bool is_issued;	  /* sessiond got it, on the present connection */
	bool was_issued;  /* ... or on one before */
	bool is_answered; /* headers were written */
	bool body_too_large;
	char *path;    /* owned; percent-encoded, as the service's prefix is matched against */
	char *query;   /* owned; NULL: none */
	char **params; /* libfcgi's */
	struct request_head head;
	const struct known_service *service;
	size_t prefix_len;
	const struct endpoint *endpoint;
	const char *session_id;
	size_t session_id_len;
	char callback[TRANSPORT_CALLBACK_MAX + 1];
	struct reply reply;
	struct buffer body; /* of a send: then its decoded messages */
	size_t messages_len;
	uint64_t sequence; /* of a send */
	uint64_t
	    ended_by; /* the connection (backend_connection) whose sessiond wants to hear if its last frame was written; 0: none */
	struct buffer part; /* of a frame that comes in several messages, until the last is here */
	struct suspicion suspicion;
	char *cookie; /* that sessiond says to set, with jsessionid = module; NULL: none */
};

/* The largest body that any service takes, bytes. */
size_t request_body_limit(const struct responder *responder);

/* Takes the variables that libfcgi has parsed (borrowed). -1 if that cannot be used. */
int request_read(struct request *request, char **params);

/* Decides: answers it, or passes it on to sessiond; once sessiond's services are known. */
void request_begin(struct request *request, struct connection *connection);

/* Sends the request to sessiond, for the first time or again. */
void request_issue(struct request *request);

/* sessiond has not come back in time. */
void request_give_up(struct request *request);

/* It is found to make sessiond crash: so many connections were lost with it. */
void request_condemn(struct request *request, unsigned losses);

/* True if it sends messages to a session. */
bool request_is_send(const struct request *request);

/* The connection to sessiond is lost: the request is not issued any more, and waits to be issued again. */
void request_is_adrift(struct request *request);

/* The responder stops: a held poll ends with `h`. */
void request_stop(struct request *request);

/* What sessiond says to it. */
void request_frame(struct request *request, const struct wire_frame *frame);
void request_sent(struct request *request, enum wire_sent_result result);
void request_refused(struct request *request, const struct wire_refused *refused);
void request_cookie(struct request *request, const struct wire_cookie *cookie);

/* Its client is gone; or what was to be written could not be: sessiond is told, if it has the request, or has ended it. */
void request_lost(struct request *request);
void request_unwritten(struct request *request);

/* What is written next ends the response; or it did not take all of it. */
void request_ends(struct request *request);
void request_goes_on(struct request *request);

/* The response is written: tells sessiond, and frees what it has, for the connection's next request. */
void request_end(struct request *request);

/* As request_end, also safe on a request that never began. */
void request_clear(struct request *request);

#endif
