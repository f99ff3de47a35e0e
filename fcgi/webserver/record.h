/*
 * Is a whole FastCGI request here? libfcgi reads a connection by blocking reads. So the loop
 * collects a request's bytes as they come, this module says when it is whole and takes its body
 * out, and libfcgi then reads the rest without waiting for anybody.
 *
 * Pure. Source: the FastCGI specification 1.0, sections 3.3, 3.4, 5.1 to 5.3 and 8.
 */
#ifndef FCGI_RECORD_H
#define FCGI_RECORD_H

#include "common/buffer.h"

#include <stdbool.h>
#include <stddef.h>

enum record_progress {
	RECORD_INCOMPLETE, /* more has to come */
	RECORD_MANAGEMENT, /* .last_begin to .at asks about the program, not the request */
	RECORD_COMPLETE,   /* the request is there, up to the end of its standard input */
	RECORD_BROKEN,	   /* it is no FastCGI, or the web server gave the request up */
};

/* How far a request was looked at; all zero at its start. */
struct record_scan {
	size_t at;	   /* bytes of whole records; after RECORD_COMPLETE the request's length */
	size_t body;	   /* bytes of standard input among them */
	size_t last_begin; /* where the record before .at begins */
	bool last_is_body; /* that record is standard input, and not its end */
	unsigned id;	   /* of the request; 0: its begin was not seen */
};

/*
 * Looks on in data[0..len), the bytes since the request's first one. Stops after each record of
 * standard input (returns RECORD_INCOMPLETE; .last_is_body) and after each management record, so
 * that the caller can take it out; call again until .at does not move.
 */
enum record_progress record_scan(struct record_scan *scan, const unsigned char *data, size_t len);

/*
 * Moves the standard input of a request that is RECORD_COMPLETE out of it: appends its content to
 * body and closes the gaps in data[0..scan->at). Returns the bytes that the request has then, from
 * data on; what is behind them, up to scan->at, is void.
 */
size_t record_take_body(const struct record_scan *scan, unsigned char *data, struct buffer *body);

/*
 * False if the parameters of a request that is RECORD_COMPLETE promise bytes that are not in data,
 * its bytes from the first one on: libfcgi would allocate what they promise, up to 4 GB.
 */
bool record_params_fit(const struct record_scan *scan, const unsigned char *data);

/*
 * True if data[0..len) begins with the head of the record by which the web server gives up the
 * request of that id.
 */
bool record_is_abort(const unsigned char *data, size_t len, unsigned id);

#endif
