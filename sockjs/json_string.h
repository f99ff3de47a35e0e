/*
 * Encoding: a message, or a whole frame, as a JSON string (RFC 8259, 7) that every client of the
 * protocol can take.
 *
 * Beyond what JSON asks, some characters are written as \uxxxx although JSON lets them stand,
 * because browsers and intermediaries are known to lose or change them: U+200C-200F, U+2028-202F,
 * U+2060-206F, U+FFF0-FFFF and all surrogates, so that whatever lies above U+FFFF becomes two
 * escapes. U+2028 and U+2029 would also end a string literal of older JavaScript, so the result is
 * good inside a script as well. Hexadecimal digits are lower-case; \n \r \t \b \f take the short
 * form. This is what sockjs-node writes, byte by byte.
 *
 * Pure; the only allocation is in the buffer given, so only buffer_failed(out) can go wrong.
 */
#ifndef SOCKJS_JSON_STRING_H
#define SOCKJS_JSON_STRING_H

#include <stddef.h>

#include "common/buffer.h"

/*
 * Write `<` as \u003c: the literal then neither ends the HTML script element that it stands in, nor
 * keeps it open, as "<!--<script" does (HTML, "restrictions for contents of script elements").
 */
#define JSON_STRING_IN_HTML 1u

/*
 * Appends `wtf8` as one JSON string, quotation marks included: at most 6 * len + 2 bytes, without
 * any of the characters above. The input must be WTF-8 (utf8_is_valid_wtf8): callers check what
 * comes from outside. On other input the result is unspecified, but nothing past len is read. A
 * frame (what is called with JSON_STRING_IN_HTML, and by jsonp) is just another text here: made by
 * this function it holds nothing of the list, so it comes out as JSON.stringify(frame) would.
 */
void json_string_append(struct buffer *out, const char *wtf8, size_t len, unsigned flags);

#endif
