/*
 * The websocket URLs: the handshake (RFC 6455 section 4.2, hixie-76), and the socket's way from libmicrohttpd to a websocket.
 */
#ifndef SESSIOND_HTTP_WEBSOCKET_H
#define SESSIOND_HTTP_WEBSOCKET_H

struct http_request;
struct websocket_offer;

/* Answers a handshake: 101 and a websocket with its session, or 400. */
void http_websocket_upgrade(struct http_request *request);

/* Frees what a handshake has agreed on. Sets *offer NULL; takes NULL. */
void http_websocket_free_offer(struct websocket_offer **offer);

#endif
