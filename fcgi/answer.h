/*
 * A request's answer in the form that a web server takes from FastCGI: headers as CGI has them (RFC 3875, section 6), then the body.
 */
#ifndef FCGI_ANSWER_H
#define FCGI_ANSWER_H

#include <sys/types.h>

struct request;

/*
 * Adds the headers of request->reply to the response, which begins with them. body_len: bytes of the whole body; -1: not known.
 * A 503 says when to try again.
 */
void answer_head(struct request *request, ssize_t body_len);

/* Writes request->reply, headers and body, as the whole response. The request may be ended and freed by it. */
void answer_reply(struct request *request);

/* Likewise an error; text (borrowed until it is written) is its body. */
void answer_error(struct request *request, int status, const char *text);

#endif
