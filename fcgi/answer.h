/*
 * The head of an answer in the form that a web server takes from FastCGI: headers as CGI has them
 * (RFC 3875, section 6), ended by an empty line. And what sessiond says of a send, as an answer.
 * Pure.
 */
#ifndef FCGI_ANSWER_H
#define FCGI_ANSWER_H

#include "common/buffer.h"
#include "sockjs/reply.h"
#include "wire/wire_messages.h"

#include <stdbool.h>
#include <sys/types.h>

/*
 * Appends the head of reply, which answers head (its time set). service: whose options count; NULL:
 * no service's. body_len: bytes of the whole body; -1: not known.
 */
void answer_head(struct buffer *out, const struct reply *reply,
    const struct protocol_service *service, const struct request_head *head, ssize_t body_len);

/* Makes *reply, which is that of a success, the answer to a send. is_form: to jsonp_send. */
void answer_sent(enum wire_sent_result result, bool is_form, struct reply *reply);

#endif
