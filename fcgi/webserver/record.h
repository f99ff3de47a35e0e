/*
 * Is a whole FastCGI request here? The loop collects a request's bytes as they come; this module
 * says when it is whole, and where what it carries is in them.
 *
 * Pure. Source: the FastCGI specification 1.0, sections 3.3, 5.1 to 5.4 and 8.
 */
#ifndef FCGI_RECORD_H
#define FCGI_RECORD_H

#include "common/buffer.h"

#include <stdbool.h>
#include <stddef.h>

enum { RECORD_PARAMS_MAX = 262144 }; /* bytes of a request's parameters, names and lengths too */

enum record_progress {
	RECORD_INCOMPLETE, /* more has to come */
	RECORD_MANAGEMENT, /* .last_begin to .at asks about the program, not the request */
	RECORD_COMPLETE,   /* the request is there, up to the end of its standard input */
	RECORD_BROKEN,	   /* it is no FastCGI, has too many parameters, or was given up */
};

/* How far a request was looked at; all zero at its start. */
struct record_scan {
	size_t at;	   /* bytes of whole records; after RECORD_COMPLETE the request's length */
	size_t params;	   /* bytes of parameters among them */
	size_t body;	   /* bytes of standard input among them */
	size_t last_begin; /* where the record before .at begins */
	bool last_is_body; /* that record is standard input, and not its end */
	bool is_kept;	   /* the web server wants to use the connection for more requests */
	bool has_params;   /* all of them: standard input is next */
	unsigned id;	   /* of the request; 0: its begin was not seen */
	size_t begin;	   /* where that is; before it, nothing is the request's */
};

/*
 * Looks on in data[0..len), the bytes since the request's first one. Stops after each record of
 * standard input (returns RECORD_INCOMPLETE; .last_is_body) and after each management record, so
 * that the caller can take it out; call again until .at does not move.
 *
 * What a responder is not asked is passed over: records of another id, and of other types.
 */
enum record_progress record_scan(struct record_scan *scan, const unsigned char *data, size_t len);

/* Appends the standard input of a request that is RECORD_COMPLETE to body. data: its bytes. */
void
record_append_body(const struct record_scan *scan, const unsigned char *data, struct buffer *body);

/*
 * Moves the content of the parameters' records together, if there are several; the records are void
 * then. Returns its bytes, which begin at *params.
 */
size_t record_join_params(
    const struct record_scan *scan, unsigned char *data, const unsigned char **params);

/*
 * True if data[0..len) begins with the head of the record by which the web server gives up the
 * request of that id.
 */
bool record_is_abort(const unsigned char *data, size_t len, unsigned id);

#endif
