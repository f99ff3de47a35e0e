/*
 * The websocket URLs: the handshake (RFC 6455 section 4.2, hixie-76), and the socket's way from
 * libmicrohttpd to a websocket.
 */
#ifndef SESSIOND_HTTP_UPGRADE_H
#define SESSIOND_HTTP_UPGRADE_H

struct http_request;
struct http_upgrade_offer;

/* Answers a handshake: 101 and a websocket with its session, 400, or why it gets none. */
void http_upgrade_start(struct http_request *request);

/* Frees what a handshake has agreed on. Sets *offer NULL; takes NULL. */
void http_upgrade_offer_destroy(struct http_upgrade_offer **offer);

#endif
