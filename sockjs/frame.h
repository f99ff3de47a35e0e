/*
 * SockJS frames, server to client: `o`, `h`, `a["m1","m2"]`, `c[3000,"Go away!"]`. Unwrapped;
 * transport.h wraps them. Source: sockjs-protocol 0.3.3, "Framing".
 */
#ifndef SOCKJS_FRAME_H
#define SOCKJS_FRAME_H

#include "common/buffer.h"

#include <stddef.h>

#define FRAME_OPEN	"o"
#define FRAME_HEARTBEAT "h"

/* Appends a close frame. reason is WTF-8 of len bytes. */
void frame_append_close(struct buffer *out, int code, const char *reason, size_t len);

#endif
