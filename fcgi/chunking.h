/*
 * `base/chunking_test` through FastCGI: its chunks at their times, as far as the web server passes them on.
 */
#ifndef FCGI_CHUNKING_H
#define FCGI_CHUNKING_H

struct connection;

/* Begins to add the chunks to a response whose headers are written. */
void chunking_start(struct connection *connection);

/* Stops, should it run. */
void chunking_stop(struct connection *connection);

#endif
