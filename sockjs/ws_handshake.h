/*
 * What a WebSocket handshake computes: the accept key of RFC 6455 (section 4.2.2), header tokens
 * (RFC 9110 5.6.1), and the answer to the two keys of the obsolete
 * draft-hixie-thewebsocketprotocol-76 (its section 5.2). Pure; answering is the caller's.
 */
#ifndef SOCKJS_WS_HANDSHAKE_H
#define SOCKJS_WS_HANDSHAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	WS_KEY_LEN = 24,	 /* characters of a valid Sec-WebSocket-Key */
	WS_ACCEPT_SIZE = 29,	 /* bytes of a Sec-WebSocket-Accept with its NUL */
	HIXIE76_KEY3_LEN = 8,	 /* bytes that follow a hixie-76 request's head */
	HIXIE76_ANSWER_LEN = 16, /* bytes that follow the head of our answer */
};

/*
 * True if key is what RFC 6455 4.1 asks for: the base64 of exactly 16 bytes. Padding bits other
 * than 0 are let pass.
 */
bool ws_key_is_valid(const char *key);

/*
 * Writes the value of Sec-WebSocket-Accept for a key, NUL-terminated. Any string is accepted as
 * key.
 */
void ws_accept_key(const char *key, char out[WS_ACCEPT_SIZE]);

/*
 * True if the comma-separated list `value` has the element `token`, letter case ignored. A
 * parameter after `;` makes another element of it. NULL as value: false. For a header that came in
 * several lines, ask for each line.
 */
bool http_header_has_token(const char *value, const char *token);

/*
 * True if `list`, of sockjs.conf, has at least one name and names only: tokens (RFC 9110 5.6.2),
 * separated by blanks or commas.
 */
bool ws_protocols_are_valid(const char *list);

/*
 * Chooses the subprotocol (RFC 6455 4.2.2): the first of `list` (NULL: none) that `offered` has, a
 * value of Sec-WebSocket-Protocol (NULL: not sent). Names are compared as they are: a browser takes
 * no other spelling than its own. Returns where it stands in list, with its length in *len; NULL if
 * there is none.
 */
const char *ws_protocol_choose(const char *list, const char *offered, size_t *len);

/*
 * hixie-76: the number in Sec-WebSocket-Key1 or Key2, its digits divided by its count of spaces.
 * Returns 0, or -1 if the key has no digits, a number over 32 bits, no spaces, or the division
 * leaves a rest (the draft: abort the connection).
 */
int hixie76_key_number(const char *key, uint32_t *number);

/*
 * hixie-76: the 16 bytes (not a string) that answer the two numbers and the 8 bytes after the
 * request's head.
 */
void hixie76_answer(uint32_t number1, uint32_t number2, const char key3[HIXIE76_KEY3_LEN],
    char out[HIXIE76_ANSWER_LEN]);

#endif
