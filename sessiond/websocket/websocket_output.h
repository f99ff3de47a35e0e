/*
 * What websockets send. It is made in one buffer, that of all, and written at the end of the turn
 * (turn_flush): first everybody's messages, then one `send` behind the other. In between the kernel
 * would push the program out of the processor's caches each time, and the program the kernel.
 *
 * What a peer does not take is kept, and goes on when its socket takes more.
 */
#ifndef SESSIOND_WEBSOCKET_OUTPUT_H
#define SESSIOND_WEBSOCKET_OUTPUT_H

#include "sessiond/websocket/websocket.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Adds a message, or a control frame, for websocket_post, websocket_push or websocket_close, one of
 * which follows before anything else is sent. Messages are compressed if that was agreed; a long
 * one that is not leaves at once, behind what was added before it. One that is not open takes no
 * message.
 */
void websocket_add_message(struct websocket *websocket, bool binary, const char *data, size_t len);
void websocket_add_control(
    struct websocket *websocket, enum ws_opcode opcode, const char *data, size_t len);

/* What was added leaves at the end of the turn, or before. Only for a receiver's messages. */
void websocket_post(struct websocket *websocket);

/* Writes all that was added, as far as the peers take it. */
void websocket_push(struct websocket *websocket);

/* The same, for sessions_write: all is a struct websockets. */
void websocket_output_write(void *all);

/*
 * Breaks the connection. The session hears of it in a later turn, when the loop finds the socket
 * shut. So a receiver's op may call this.
 */
void websocket_drop(struct websocket *websocket);

/* Bytes the peer did not take yet. */
size_t websocket_backlog(const struct websocket *websocket);

/* True while so much is unsent that nothing more should be added. */
bool websocket_is_congested(const struct websocket *websocket);

/* The socket takes more: writes what is left. */
void websocket_write_backlog(struct websocket *websocket);

/* Our side is finished, if everything is said and has left. */
void websocket_end_output(struct websocket *websocket);

#endif
