/*
 * The variables of a request: a list as `environ` has it, "NAME=VALUE" each, ended by NULL. The
 * last one that came is first: where a web server sends one twice (nginx, with a line behind an
 * included file), the last one counts.
 *
 * Pure.
 */
#ifndef FCGI_PARAMS_H
#define FCGI_PARAMS_H

#include <stddef.h>

/*
 * Makes the list of FastCGI's pairs in data[0..len), to be freed by free(): it is one piece. NULL:
 * they promise more than is there, or there is no memory.
 */
char **params_read(const unsigned char *data, size_t len);

/* The value of a variable; NULL: it is not there. */
const char *params_find(char *const *params, const char *name);

/* The value of HTTP_NAME, name being that of a header in any case. */
const char *params_find_header(char *const *params, const char *name);

#endif
