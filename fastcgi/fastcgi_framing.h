/*
 * FastCGI's records, and the pairs of a name and a value that some of them hold.
 *
 * Pure. Source: the FastCGI specification 1.0, sections 3.3, 3.4, 5.5 and 8. Its constants are
 * libfcgi's.
 */
#ifndef FASTCGI_FRAMING_H
#define FASTCGI_FRAMING_H

#include "common/buffer.h"

#include <fastcgi.h>
#include <stddef.h>

struct fastcgi_header {
	unsigned version, type, id;
	size_t content;
	size_t size; /* of the record: header, content and padding */
};

/* Reads the FCGI_HEADER_LEN bytes at data. */
struct fastcgi_header fastcgi_read_header(const unsigned char *data);

/* Writes the header of a record without padding to `to`. content: at most FCGI_MAX_LENGTH. */
void
fastcgi_write_header(unsigned char to[FCGI_HEADER_LEN], unsigned type, unsigned id, size_t content);

/* Appends such a header. */
void fastcgi_append_header(struct buffer *out, unsigned type, unsigned id, size_t content);

/* Appends content[0..len) in as many records as it takes; none if there is none. */
void fastcgi_append_stream(
    struct buffer *out, unsigned type, unsigned id, const char *content, size_t len);

/* Neither a name nor a value has a NUL at its end. */
struct fastcgi_pair {
	const char *name, *value;
	size_t name_len, value_len;
};

/*
 * Reads the pair at *pos, and moves *pos behind it. Returns -1, and *pos stays, if there is none
 * before end, or not all of it. What is read borrows from there.
 */
int
fastcgi_read_pair(const unsigned char **pos, const unsigned char *end, struct fastcgi_pair *pair);

void fastcgi_append_pair(struct buffer *out, const struct fastcgi_pair *pair);

#endif
