/*
 * The head of an answer in the form that a web server takes from FastCGI: headers as CGI has them
 * (RFC 3875, section 6), ended by an empty line. Pure.
 */
#ifndef FCGI_ANSWER_H
#define FCGI_ANSWER_H

#include "common/buffer.h"
#include "sockjs/reply.h"

#include <sys/types.h>

/*
 * Appends the head of reply, which answers head (its time set). service: whose options count; NULL:
 * no service's. body_len: bytes of the whole body; -1: not known.
 */
void answer_head(struct buffer *out, const struct reply *reply,
    const struct protocol_service *service, const struct request_head *head, ssize_t body_len);

#endif
