/*
 * The end of a websocket: after its last frame has left, our side of the connection is shut down.
 * What the peer still sends is thrown away until it closes, or until WEBSOCKET_CLOSE_WAIT is over.
 * To close with unread input would reset the connection, which could take the last frames with it.
 */
#ifndef SESSIOND_WEBSOCKET_END_H
#define SESSIOND_WEBSOCKET_END_H

#include "sessiond/websocket/websocket.h"

#include <stddef.h>

/* Sends a close frame, and waits for the peer's if none came yet. Does nothing if it is closing. */
void
websocket_close(struct websocket *websocket, unsigned code, const char *reason, size_t reason_len);

/*
 * The peer broke the rules: its session, if any, is told that the connection broke. A close frame
 * with that code is sent, and the peer's is not waited for.
 */
void websocket_fail(struct websocket *websocket, unsigned code, const char *reason);

/* The session's part ends, after what its application has answered so far. */
void websocket_end_session(struct websocket *websocket);

#endif
