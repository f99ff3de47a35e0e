/*
 * The session URLs of HTTP: receiving requests (polls and streams) and sends.
 */
#ifndef SESSIOND_HTTP_SESSION_H
#define SESSIOND_HTTP_SESSION_H

struct http_request;

/*
 * Joins the request to its session, which is made if it is new; the session answers, now or later.
 */
void http_session_receive(struct http_request *request);

/* Gives the messages in the body to the session, and answers. */
void http_session_send(struct http_request *request);

#endif
