/*
 * FastCGI as a web server speaks it: the records of a request, and what comes back. (The other
 * side, what an application reads, is fcgi/webserver/record.h.)
 *
 * A connection has one request, of id 1, whose application is to close the connection.
 *
 * Pure. Source: the FastCGI specification 1.0, sections 3.3, 3.4, 5 and 8; RFC 3875, section 6,
 * for the head of the response.
 */
#ifndef SESSIOND_FASTCGI_RECORD_H
#define SESSIOND_FASTCGI_RECORD_H

#include "common/buffer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fastcgi_param {
	const char *name, *value; /* value NULL: it is left out */
};

/* Appends a whole request for a responder: its parameters, then body[0..len) as its input. */
void fastcgi_append_request(struct buffer *out, const struct fastcgi_param *params, size_t count,
    const char *body, size_t len);

enum fastcgi_error {
	FASTCGI_MORE = 0,
	FASTCGI_BAD_VERSION = -1, /* it is no FastCGI */
	FASTCGI_BAD_ID = -2,	  /* a record of another request */
	FASTCGI_BAD_TYPE = -3,	  /* ... that no application sends unasked */
	FASTCGI_BAD_END = -4,	  /* an end that is too short */
	FASTCGI_TOO_LONG = -5,	  /* more than the limit */
	FASTCGI_NO_MEMORY = -6,
	FASTCGI_BAD_HEAD = -7, /* no lines NAME: VALUE with an empty one behind them */
	FASTCGI_BAD_STATUS = -8,
};

/* For people, to be put behind "the answer "; of errors only. */
const char *fastcgi_error_text(enum fastcgi_error error);

/* What protocol_status is in the record that ends a request. */
enum fastcgi_refusal {
	FASTCGI_DONE = 0, /* it was not refused */
	FASTCGI_CANT_MPX_CONN = 1,
	FASTCGI_OVERLOADED = 2,
	FASTCGI_UNKNOWN_ROLE = 3,
};

/* What has come. Zero but for the limit at first; its buffers are freed by fastcgi_answer_free. */
struct fastcgi_answer {
	size_t limit;	      /* bytes of all its records */
	size_t received;      /* of them */
	struct buffer out;    /* standard output */
	struct buffer errors; /* standard error; the caller takes it out */
	bool is_over;	      /* its end has come: these two are known */
	uint32_t app_status;
	unsigned refusal; /* an enum fastcgi_refusal, or what the peer invents */
};

/*
 * Takes one record off data[0..len): returns its bytes, FASTCGI_MORE if it is not whole, or an
 * error. Nothing is to be given to an answer that is over.
 */
int fastcgi_answer_take(struct fastcgi_answer *answer, const char *data, size_t len);

struct fastcgi_response {
	unsigned status;  /* 100..599; 200 if its head names none, 302 with a Location */
	const char *body; /* body_len bytes of the answer's output */
	size_t body_len;
};

/* Reads the output of an answer that is over. Returns 0 or an error. */
enum fastcgi_error
fastcgi_answer_read(const struct fastcgi_answer *answer, struct fastcgi_response *response);

/* Takes an answer that was zeroed only, too. */
void fastcgi_answer_free(struct fastcgi_answer *answer);

#endif
