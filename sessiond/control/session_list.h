/*
 * GET /control/sessions: which connections there are, in pages (control_answer.h).
 *
 *     {"sessions": [{"id": UUID, "service": "/echo", "transport": "websocket", "address": "::1",
 *       "state": "attached", "queued_bytes": 0, "age_seconds": 7}, ...], "next": 1000}
 *
 * id is what modules know the connection by (sockjs_id). The session id of its URL is its client's
 * secret, and told nobody. address is the client's of the last request, as modules get it. The
 * states are session_state.h's. The age counts from the daemon's start if the session is older.
 *
 * Who is there while all pages are asked for is told once.
 */
#ifndef SESSIOND_SESSION_LIST_H
#define SESSIOND_SESSION_LIST_H

struct http_request;
struct services;

void session_list_answer(struct http_request *request, const struct services *services);

#endif
