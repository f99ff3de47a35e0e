/*
 * What is done to connections, by the id that modules know them by. Bodies are JSON objects.
 *
 *     POST /control/close    {"id": UUID, "service": "/chat", "code": 3000, "reason": "Go away!"}
 *     POST /control/send     {"id": UUID, "service": "/chat", "data": "text"}
 *
 * Only data and id have to be there, and for close, "all": true may stand for the id. A service
 * that is named is that of the connection. Codes and reasons are those that sockjs_close takes;
 * clients that are asked in vain may be told theirs only when they poll again. data that is no
 * string is sent as the JSON that it is.
 *
 * close answers {"closed": 1}; with all, it closes page by page: "after" and "limit" are members of
 * the body then, and the answer is {"closed": 500, "next": 1000} (control_answer.h). send answers
 * {"queued_bytes": 5}. Both answer when what they did is stored. Else a text with a status: 400 the
 * body is wrong, 404 there is no such open connection or service, 413 data is longer than
 * publish_limit, 503 the store cannot be written, or the client does not read.
 *
 * To find an id all sessions are looked at, as for /metrics.
 */
#ifndef SESSIOND_SESSION_COMMANDS_H
#define SESSIOND_SESSION_COMMANDS_H

#include <stddef.h>

struct http_request;
struct services;

void session_close_answer(struct http_request *request, const struct services *services);

/* limit: bytes of data. */
void
session_send_answer(struct http_request *request, const struct services *services, size_t limit);

#endif
