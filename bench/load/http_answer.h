/*
 * Where an HTTP/1.1 answer ends (RFC 9112, 6.3).
 */
#ifndef LOAD_HTTP_ANSWER_H
#define LOAD_HTTP_ANSWER_H

#include <stdbool.h>
#include <stddef.h>

struct http_answer {
	int status;
	size_t head_len; /* bytes before the body, the empty line included */
	size_t len;	 /* of head and body, as they came */
	bool closes;	 /* the server closes the connection after it */
};

/* The value of a header: *len bytes of head at the pointer returned, or NULL. name: "Etag". */
const char *http_header(const char *head, size_t head_len, const char *name, size_t *len);

/*
 * Looks for the end of the answer that begins at data. Returns 1 and fills *answer, 0 if more is
 * needed, -1 if it is none or has no end but the connection's.
 */
int http_answer_find(const char *data, size_t len, struct http_answer *answer);

#endif
