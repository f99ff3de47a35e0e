/*
 * The variables of a request, to be found by their names. Where a web server sends one twice
 * (nginx, with a line behind an included file), the last one counts.
 *
 * Pure.
 */
#ifndef FCGI_PARAMS_H
#define FCGI_PARAMS_H

#include <stddef.h>

struct params;

/*
 * Copies FastCGI's pairs in data[0..len) into one piece of memory, to be freed by free(). NULL:
 * they promise more than is there, or there is no memory.
 */
struct params *params_read(const unsigned char *data, size_t len);

/* The value of a variable; NULL: it is not there. */
const char *params_find(const struct params *params, const char *name);

/* The value of HTTP_NAME, name being that of a header in any case. */
const char *params_find_header(const struct params *params, const char *name);

#endif
