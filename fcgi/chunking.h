/*
 * `base/chunking_test` through FastCGI: its chunks at their times, as far as the web server passes
 * them on.
 */
#ifndef FCGI_CHUNKING_H
#define FCGI_CHUNKING_H

#include <uv.h>

struct chunking;
struct connection;

/* Writes the chunks, and so ends the response of connection (borrowed), whose head is written. */
struct chunking *chunking_create(uv_loop_t *loop, struct connection *connection);

/* Stops it. Sets *chunking NULL; takes NULL. */
void chunking_destroy(struct chunking **chunking);

#endif
