/*
 * What comes from a websocket: reads the socket, cuts frames, puts messages together, and hands
 * them to the receiver's kind. Everything a peer can make the daemon do is counted here.
 */
#ifndef SESSIOND_WEBSOCKET_INPUT_H
#define SESSIOND_WEBSOCKET_INPUT_H

#include "sessiond/websocket/websocket.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * What one websocket may cost in a turn of the loop, before all others have their turn: bytes that
 * are read, inflated, put together, or queued in answer to a message, where a frame or a message
 * counts as WEBSOCKET_WORK_ITEM beside its bytes. Who takes more waits until it is made up for.
 */
#define WEBSOCKET_WORK	    262144
#define WEBSOCKET_WORK_ITEM 1024

/* For websockets_init. */
extern const struct websocket_calls websocket_calls;

/*
 * In each turn: lets those go on whose service takes messages again. While it refuses them
 * (service_refuse_sends), a websocket is not read, so that nothing is lost: its peer keeps what
 * does not fit into the sockets. Not even its end is seen then.
 */
void websockets_go_on(struct websockets *all);

/* Handles bytes that came with the handshake, as if they had been read now. */
void websocket_feed(struct websocket *websocket, const char *data, size_t len);

/*
 * Gives a message to the session, if there is one. It counts, and so does what the application
 * queues for this client in answer.
 */
void websocket_receive(struct websocket *websocket, const char *data, size_t len, bool binary);

#endif
