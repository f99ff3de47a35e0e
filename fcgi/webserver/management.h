/*
 * FastCGI's management records: what a web server asks of the program itself, not of a request.
 * Pure.
 *
 * Source: the FastCGI specification 1.0, sections 3.4 (names and values) and 4.
 */
#ifndef FCGI_MANAGEMENT_H
#define FCGI_MANAGEMENT_H

#include "common/buffer.h"

#include <stddef.h>

/*
 * Appends the answer to a record of id 0, which begins at record and whose content is there: for
 * FCGI_GET_VALUES those of its names that are known, each once (limit: connections, and as many
 * requests, since none shares its connection); else FCGI_UNKNOWN_TYPE.
 */
void management_answer(const unsigned char *record, size_t limit, struct buffer *out);

#endif
