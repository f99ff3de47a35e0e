/*
 * libfcgi, which reads a request from a descriptor and writes its response to one, and waits for
 * both. All calls of it are made here, on a file in memory or on a socket with enough room, so that
 * none waits.
 *
 * A struct libfcgi has one request at a time: libfcgi_read begins it, libfcgi_end ends it.
 */
#ifndef FCGI_WEBSERVER_LIBFCGI_H
#define FCGI_WEBSERVER_LIBFCGI_H

#include "common/buffer.h"
#include "common/error.h"

#include <stdbool.h>
#include <stddef.h>

struct libfcgi;

/* Once in a process. Returns 0, or -1 and an error (code: exit status). */
int libfcgi_start(struct error *err);

/* Never NULL. */
struct libfcgi *libfcgi_create(void);

/* Drops its request, should it have one. Sets *libfcgi NULL; takes NULL. */
void libfcgi_destroy(struct libfcgi **libfcgi);

/*
 * Reads the records of a request, which are whole in data[0..len) but for the content of its
 * standard input (record_take_body). Returns 0, or -1 if the request is broken.
 */
int libfcgi_read(struct libfcgi *libfcgi, const char *data, size_t len);

/* True if the web server wants to use the connection for more requests than the one read last. */
bool libfcgi_is_kept(const struct libfcgi *libfcgi);

/*
 * The request's variables, valid until its end, the last one first: where a web server sends one
 * twice (nginx, with a line behind an included file), the last one counts.
 */
char **libfcgi_params(const struct libfcgi *libfcgi);

/* The value of a variable among params; NULL: it is not there. */
const char *libfcgi_param(const char *name, char *const *params);

/*
 * Where the response is written from now on: a socket (borrowed), which has to have room for it; or
 * memory, from which libfcgi_take_memory appends it to *to. Only one response at a time is in
 * memory: it has to be taken before another one is written. Both return 0 or -1.
 */
void libfcgi_write_to(struct libfcgi *libfcgi, int socket);
int libfcgi_write_to_memory(struct libfcgi *libfcgi);
int libfcgi_take_memory(struct buffer *to);

/*
 * Adds bytes to the response. They are written by libfcgi_flush or libfcgi_end, or earlier if they
 * are many. Each returns 0, or -1 if something could not be written.
 */
int libfcgi_put(struct libfcgi *libfcgi, const char *bytes, size_t len);
int libfcgi_flush(struct libfcgi *libfcgi);

/* Ends the response, and the request with it, also if -1 is returned. */
int libfcgi_end(struct libfcgi *libfcgi);

#endif
