/*
 * Is a whole FastCGI request here? libfcgi reads a connection by blocking reads; so the loop collects a request's bytes as they
 * come, this says when it is whole, and libfcgi reads it then without waiting for anybody.
 *
 * Pure. Source: the FastCGI specification 1.0, sections 3.3, 5.1 to 5.3 and 8.
 */
#ifndef FCGI_RECORD_H
#define FCGI_RECORD_H

#include <stdbool.h>
#include <stddef.h>

enum record_progress {
	RECORD_INCOMPLETE, /* more has to come */
	RECORD_MANAGEMENT, /* the record from last_begin to `at` is about the program, not the request */
	RECORD_COMPLETE, /* from its begin to the end of its standard input */
	RECORD_BROKEN,	 /* no FastCGI, or the web server gave the request up */
};

/* How far a request was looked at; all zero at its start. */
struct record_scan {
	size_t
	    at; /* bytes of records that are whole; after RECORD_COMPLETE the length of the request */
	size_t body;	   /* bytes of standard input among them */
	size_t last_begin; /* where the record before `at` begins */
	bool last_is_body; /* it is standard input that is not its end */
	unsigned id;	   /* of the request; 0: its begin was not seen */
};

/*
 * Looks on in data[0..len), the bytes since the request's first one. Stops after each record of standard input (returns
 * RECORD_INCOMPLETE; .last_is_body) and after each management record, so that the caller can take it out; call again until .at does
 * not move.
 */
enum record_progress record_scan(struct record_scan *scan, const unsigned char *data, size_t len);

/* True if data[0..len) begins with the head of the record by which the web server gives up the request of that id. */
bool record_is_abort(const unsigned char *data, size_t len, unsigned id);

#endif
