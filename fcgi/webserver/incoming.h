/*
 * The bytes that came on a FastCGI connection and are no request yet.
 *
 * What is not for a request is taken out of them at once: management records are answered, and a
 * body that is too large is thrown away.
 */
#ifndef FCGI_WEBSERVER_INCOMING_H
#define FCGI_WEBSERVER_INCOMING_H

#include "common/buffer.h"
#include "fcgi/webserver/record.h"

#include <stdbool.h>
#include <stddef.h>

struct params;

struct incoming {
	struct buffer bytes; /* from the beginning of a request on */
	struct record_scan scan;
	bool is_cut; /* the request's body was too large: a part of it was thrown away */
	/* Nothing is there but what was read; the owner takes it back when more has come. */
	bool is_drained;
};

/*
 * Reads some of what has come. Returns 1; 0 if nothing is there now; -1 if nothing will be. To see
 * the end, it has to be asked again once the socket was drained.
 */
int incoming_read(struct incoming *incoming, int fd);

/*
 * Looks for a whole request (never RECORD_MANAGEMENT). More than body_limit bytes of its standard
 * input are not kept. capacity: how many connections there may be, which a web server can ask for;
 * it is answered on fd. RECORD_BROKEN also if it does not read that answer, or if what is kept of
 * the request is too large.
 */
enum record_progress
incoming_scan(struct incoming *incoming, int fd, size_t body_limit, size_t capacity);

/*
 * The request is RECORD_COMPLETE: appends its standard input to body, and returns its variables
 * (params.h), which are the caller's to free. NULL: they are broken, or there is no memory. Then
 * only incoming_next is left to do.
 */
struct params *incoming_take(struct incoming *incoming, struct buffer *body);

/* Drops the request that is RECORD_COMPLETE; what is behind it begins another one. */
void incoming_next(struct incoming *incoming);

#endif
