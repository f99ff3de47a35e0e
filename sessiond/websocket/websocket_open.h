/*
 * The start of a websocket, once its handshake is done: a connection, its session, and the
 * application told of it.
 */
#ifndef SESSIOND_WEBSOCKET_OPEN_H
#define SESSIOND_WEBSOCKET_OPEN_H

#include "sessiond/service/service.h"
#include "sessiond/websocket/websocket.h"

#include <stddef.h>
#include <stdint.h>

/* What the handshake settled; everything borrowed. */
struct websocket_plan {
	struct websockets *all;
	struct sockjs_service *service;
	const struct transport *transport;	 /* websocket or websocket-raw */
	const struct ws_deflate_params *deflate; /* NULL: none */
	uint64_t session; /* its handle: the session was admitted, and may have ended since */
	struct limit *deflate_place;   /* of which one is taken for it; NULL: none */
	struct address_entry *address; /* taken: its place among its address's connections */
	uint64_t client;	       /* the address_count_number of its address */
};

/*
 * Takes fd, and closes it if the session is gone. extra: bytes that came behind the request's head;
 * they are handled before this returns.
 */
void websocket_open(const struct websocket_plan *plan, int fd, const char *extra, size_t extra_len);

/* The same over hixie-76. */
void websocket_open_hixie76(
    const struct websocket_plan *plan, int fd, const char *extra, size_t extra_len);

/* The handshake failed: ends the session, if it is there, and gives its places back. */
void websocket_abandon(const struct websocket_plan *plan);

#endif
