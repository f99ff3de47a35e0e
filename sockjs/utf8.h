/*
 * UTF-8: validation, whole and in pieces, and what is to be done about lone surrogates.
 *
 * Strict UTF-8 is that of RFC 3629 (Unicode, table 3-7): no overlong forms, no surrogates, nothing
 * above U+10FFFF. JavaScript strings may hold lone surrogates, and messages must keep them. Inside
 * the server such a message is WTF-8 as this project means it: strict UTF-8, except that a
 * surrogate may stand in its three-byte form (ED A0..BF 80..BF). A high one directly followed by a
 * low one (two messages joined, say) is let through too, and means the character of that pair.
 *
 * Pure functions; they keep nothing and allocate nothing but in the buffer given. `s` may be NULL
 * if len is 0.
 */
#ifndef SOCKJS_UTF8_H
#define SOCKJS_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buffer.h"

/* Where an incremental validation stands. Opaque: use the functions below. */
struct utf8_state {
	uint8_t needed;	   /* continuation bytes still to come; UTF8_BROKEN after an error */
	uint8_t low, high; /* what the next of them must lie between, inclusive */
};

/*
 * The length, 1..4, of the strictly valid sequence at s; 0 if there is none (invalid, or cut off by
 * len).
 */
size_t utf8_sequence(const char *s, size_t len);

/* The length of the longest strictly valid prefix of s, in bytes. */
size_t utf8_valid_prefix(const char *s, size_t len);

/* True if all of s is strictly valid. */
bool utf8_is_valid(const char *s, size_t len);

/* Makes valid of a text that may have been cut anywhere: of each byte that is not a `?`. */
void utf8_mask_invalid(char *text);

/* True if all of s is WTF-8 as defined above. */
bool utf8_is_valid_wtf8(const char *s, size_t len);

/*
 * Copies s, as memcpy. Returns true if it is all ASCII: it is valid then, and has no surrogates, at
 * the cost of no further pass.
 */
bool utf8_copy(char *to, const char *s, size_t len);

/*
 * Validates a text that comes in pieces, strictly. utf8_feed returns false as soon as no
 * continuation could make the text valid, even in the middle of a sequence, and from then on (RFC
 * 6455, 8.1). utf8_complete is true if what was fed is valid and does not end within a character.
 */
void utf8_init(struct utf8_state *state);
bool utf8_feed(struct utf8_state *state, const char *s, size_t len);
bool utf8_complete(const struct utf8_state *state);

/* True if there are surrogates in this WTF-8, which is no strict UTF-8 then. */
bool utf8_has_surrogate(const char *wtf8, size_t len);

/*
 * Appends WTF-8 as strict UTF-8: a surrogate becomes U+FFFD, a high one followed by a low one their
 * character. Never longer than the input. Input that is not WTF-8 is copied as it is outside the
 * surrogates; nothing past len is read.
 */
void utf8_append_wellformed(struct buffer *out, const char *wtf8, size_t len);

/* The units of UTF-16 that WTF-8 has: what a browser calls the length of a text. */
size_t utf8_utf16_length(const char *wtf8, size_t len);

#endif
