/*
 * Requests of sessiond's HTTP API, which are passed on whole: what is said of one to sessiond, and
 * its answer. Pure.
 *
 * Who asks signs, and asks again if there is no answer; so what may have been carried out is not
 * repeated here: an event would come twice, and nobody could tell. What only reads is repeated.
 */
#ifndef FCGI_ASK_H
#define FCGI_ASK_H

#include "common/buffer.h"
#include "fcgi/request_read.h"
#include "fcgi/routing.h"
#include "sockjs/reply.h"
#include "wire/wire_api.h"

#include <stdbool.h>

/* True if the request is not to be carried out twice. */
bool ask_is_once(const struct cgi_request *cgi);

/* Everything is borrowed. */
struct wire_ask
ask_of(const struct cgi_request *cgi, const struct routing *routing, const struct buffer *body);

/* Makes *reply the answer, from which it borrows. */
void ask_reply(const struct wire_answer *answer, struct reply *reply);

#endif
