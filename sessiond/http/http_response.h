/*
 * The answer to a request: whole, or a stream of frames. Whoever answers puts it here, now or
 * later; it leaves through libmicrohttpd, which asks for it.
 *
 * A request that cannot be answered yet is suspended, and resumed when its response or more of its
 * stream is there. What a session answers waits in the same way until the turn is committed, if
 * there is something to commit.
 */
#ifndef SESSIOND_HTTP_RESPONSE_H
#define SESSIOND_HTTP_RESPONSE_H

#include "common/buffer.h"
#include "sessiond/persistence/persistence.h"
#include "sessiond/session/receiver.h"
#include "sockjs/reply.h"

#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

struct http_connection;
struct in_flight;
struct sessions;

/* What all responses share. */
struct http_responses {
	struct sessions *sessions;
	LIST_HEAD(, http_response) waiting; /* may leave once the turn is committed */
};

/* What those hear whose stream is no session's. */
struct http_stream_calls {
	void (*drained)(struct http_response *response); /* its peer has taken all that there was */
	void (*ended)(struct http_response *response);	 /* the request is over; the last call */
};

struct http_response {
	struct receiver receiver; /* of receiving requests */
	struct http_responses *all;
	struct http_connection *connection;
	struct request_head *head;		 /* of the request */
	const struct protocol_service *protocol; /* whose headers are added; NULL: of none */
	bool concerns_session; /* leaves only when what its turn changed is stored */
	bool acknowledges;     /* says that messages are kept: an error if they cannot be stored */
	bool is_broken;	       /* nothing can be answered any more: the connection is to end */
	bool is_queued;	       /* libmicrohttpd has it */
	bool closes;	       /* past libmicrohttpd: the connection ends with it */
	unsigned status;
	struct MHD_Response *ready;	 /* owned until it is queued; NULL: not yet */
	LIST_ENTRY(http_response) entry; /* of waiting, while is_waiting */
	bool is_waiting;
	struct in_flight *in_flight; /* of an answered poll: what it carries; NULL: nothing */
	char callback[TRANSPORT_CALLBACK_MAX + 1];

	/* Of a stream. */
	bool is_http10;	   /* it has no chunks */
	bool is_open;	   /* its head has left */
	bool out_ended;	   /* nothing follows what is in out */
	struct buffer out; /* frames on their way */
	size_t counted;	   /* bytes of out that count among what waits for all clients */
	size_t streamed;   /* bytes of frames so far, for response_limit */
	size_t units;	   /* of UTF-16, which the client of an app has in its buffer */
	const struct http_stream_calls *calls; /* NULL: a session has it */
	void *owner;			       /* theirs */

	struct reply reply;
};

/* A response to a request with that head, which stays where it is. Everything given is borrowed. */
void http_response_init(struct http_response *response, struct http_responses *all,
    struct http_connection *connection, struct request_head *head);

/* Frees what it holds. Safe at every stage. */
void http_response_clear(struct http_response *response);

/* The response is `ready`, which it takes, with that status. NULL: there was no memory for it. */
void http_response_set(struct http_response *response, struct MHD_Response *ready, unsigned status);

/* The response is response->reply, whole; its body is copied. */
void http_response_reply(struct http_response *response);

/* The response is an error with that status and text (constant). */
void http_response_error(struct http_response *response, int status, const char *text);

/* The response is that text (copied), which no cache keeps. */
void http_response_text(struct http_response *response, int status, const char *content_type,
    const char *text, size_t len);

/* The response is 503: the store cannot be written. */
void http_response_refuse_storing(struct http_response *response);

/* The response is a stream of what is put into response->out, beginning with what is there. */
void http_response_stream(struct http_response *response);

/*
 * A chunk of a stream is put into response->out between these two. begin_chunk returns where it
 * begins, end_chunk takes that, and returns its size.
 */
size_t http_response_begin_chunk(struct http_response *response);
size_t http_response_end_chunk(struct http_response *response, size_t begin);

/* Nothing follows what is in out. */
void http_response_end_stream(struct http_response *response);

/*
 * Something was added to out, or out_ended was set, or the peer takes more: it is written when what
 * the turn changed is stored.
 */
void http_response_flush(struct http_response *response);

/* Adds the headers of response->reply to one that is being made. */
void http_response_add_headers(struct http_response *response, struct MHD_Response *made);

/*
 * The request cannot be answered: its connection ends, its session hears that its receiver broke.
 */
void http_response_break(struct http_response *response);

/*
 * Gives libmicrohttpd the response if it is ready and may leave; else suspends the connection until
 * it is. To be called within libmicrohttpd's handler, again after each resumption; returns what the
 * handler does, MHD_NO for a request that cannot be answered.
 */
enum MHD_Result http_response_leave(struct http_response *response);

/*
 * What the turn changed is stored, or could not be: the responses that waited for that leave, and
 * what streams have.
 */
void http_responses_committed(struct http_responses *all, enum commit_result committed);

/* libmicrohttpd is through with it: all of it was written (has_arrived), or not. */
void http_response_completed(struct http_response *response, bool has_arrived);

/* The receivers of HTTP: one frame a response, or many. */
extern const struct receiver_ops http_poll_receiver, http_stream_receiver;

#endif
