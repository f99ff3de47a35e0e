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

struct incoming {
	struct buffer bytes; /* from the beginning of a request on */
	struct record_scan scan;
	bool is_cut; /* the request's body was too large: a part of it was thrown away */
};

/* Reads some of what has come. Returns 1; 0 if nothing is there now; -1 if nothing will be. */
int incoming_read(struct incoming *incoming, int fd);

/*
 * Looks for a whole request (never RECORD_MANAGEMENT). More than body_limit bytes of its standard
 * input are not kept. capacity: how many connections there may be, which a web server can ask for;
 * it is answered on fd. RECORD_BROKEN also if it does not read that answer, if the request's head
 * is too large, or if its parameters promise more than is there.
 */
enum record_progress
incoming_scan(struct incoming *incoming, int fd, size_t body_limit, size_t capacity);

/*
 * The request is RECORD_COMPLETE: appends its standard input to body. Returns the bytes that it has
 * then, from incoming->bytes on.
 */
size_t incoming_take_body(struct incoming *incoming, struct buffer *body);

/* Drops the request that is RECORD_COMPLETE; what is behind it begins another one. */
void incoming_next(struct incoming *incoming);

#endif
