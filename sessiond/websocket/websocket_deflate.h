/*
 * permessage-deflate of one websocket: compresses what it sends, inflates what it receives (RFC
 * 7692).
 */
#ifndef SESSIOND_WEBSOCKET_DEFLATE_H
#define SESSIOND_WEBSOCKET_DEFLATE_H

#include "common/buffer.h"
#include "sockjs/ws_deflate.h"
#include "sockjs/ws_frame.h"

#include <stdbool.h>
#include <stddef.h>

struct websocket_deflate;

/* For a connection that agreed on params (copied). Aborts without memory. */
struct websocket_deflate *websocket_deflate_create(const struct ws_deflate_params *params);

/* Frees *deflate and sets it NULL; takes NULL. */
void websocket_deflate_destroy(struct websocket_deflate **deflate);

/*
 * Appends a message to out as one compressed frame. Returns false, and appends nothing, if it is
 * better sent as it is: too short to gain, or no memory for it.
 */
bool websocket_deflate_append(struct websocket_deflate *deflate, struct buffer *out, bool binary,
    const char *data, size_t len);

/*
 * Inflates a piece of a compressed message and appends it to message, `most` (> 0) bytes at once;
 * with the last one, text is checked for UTF-8. Returns 0 when the piece is done; 1 if there is
 * more to do, by websocket_deflate_more; or -(close code) to fail with: 1009 over limit bytes, 1007
 * broken, 1011 no memory.
 */
int websocket_deflate_receive(struct websocket_deflate *deflate, const struct ws_event *event,
    size_t limit, size_t most, struct buffer *message);

/* Goes on with the piece, by `most` bytes more. Returns as websocket_deflate_receive does. */
int websocket_deflate_more(
    struct websocket_deflate *deflate, size_t limit, size_t most, struct buffer *message);

/* True while there is more to do. */
bool websocket_deflate_is_busy(const struct websocket_deflate *deflate);

/* What the piece said that was inflated last. */
bool websocket_deflate_ends_message(const struct websocket_deflate *deflate);
bool websocket_deflate_is_binary(const struct websocket_deflate *deflate);

#endif
