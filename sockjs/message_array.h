/*
 * Decoding: what clients send, a JSON array of strings (on a websocket also a single string), into
 * messages.
 *
 * The text is decoded in place and nothing is allocated. The result is a plain run of bytes, each
 * message followed by MESSAGE_ARRAY_END, which is never part of WTF-8 and so of no message; it can
 * be stored and sent on as it is.
 *
 * JSON is that of RFC 8259, strictly: the whole text is one value with nothing but space, \t, \n
 * and \r around it (a byte order mark is an error), and raw text is strictly valid UTF-8. \u
 * escapes give any code unit: a pair becomes its character, a lone surrogate stays as its three
 * bytes, and \u0000 is a NUL byte in the message. Values nest up to MESSAGE_ARRAY_MAX_DEPTH arrays
 * and objects; deeper is not accepted as JSON. Nothing recurses.
 */
#ifndef SOCKJS_MESSAGE_ARRAY_H
#define SOCKJS_MESSAGE_ARRAY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define MESSAGE_ARRAY_END	'\xff'
#define MESSAGE_ARRAY_MAX_DEPTH 2048

enum message_array_error {
	MESSAGE_ARRAY_BROKEN = -1, /* not JSON, or too deep */
	MESSAGE_ARRAY_PAYLOAD =
	    -2, /* JSON, but not an array of strings; or nothing at all (len 0) */
	MESSAGE_ARRAY_TOO_MANY = -3, /* more than max_messages; what follows was not looked at */
};

/* A single JSON string is one message (websocket). */
#define MESSAGE_ARRAY_ALLOW_STRING 1u

/*
 * Decodes text[0..len) (len <= SSIZE_MAX) in place; never reads or writes outside of it.
 * max_messages 0: no limit.
 *
 * Returns the number of bytes of the result, from text[0] on, less than len, and the number of
 * messages in *count; 0 bytes are 0 messages (`[]`). On an error returns an enum
 * message_array_error, *count is 0, and text is clobbered.
 */
ssize_t
message_array_decode(char *text, size_t len, unsigned flags, size_t max_messages, size_t *count);

/*
 * Walks a result: *cursor is at its first byte to begin with, end after its last. Sets *message
 * (borrowed from the result, not NUL-terminated) and *message_len, and moves *cursor on; false
 * after the last message (and at a remainder without an end byte, which message_array_decode never
 * makes).
 */
bool
message_array_next(const char **cursor, const char *end, const char **message, size_t *message_len);

#endif
