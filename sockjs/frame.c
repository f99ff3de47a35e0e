/*
 * See frame.h. Frames of messages are made in session/message.c, which keeps what it has encoded.
 */
#include "sockjs/frame.h"

#include "sockjs/json_string.h"

void
frame_append_close(struct buffer *out, int code, const char *reason, size_t len)
{
	buffer_printf(out, "c[%d,", code);
	json_string_append(out, reason, len, 0);
	buffer_append_char(out, ']');
}
