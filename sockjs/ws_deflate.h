/*
 * permessage-deflate (RFC 7692), the server's side, on zlib: the negotiation, and contexts that
 * inflate and deflate messages.
 *
 * Memory: an inflater costs about 7 KiB plus its window (up to 32 KiB), a deflater up to 268 KiB
 * (window 15; 2^(bits+3) bytes or so). Both take it at the first message; without context takeover
 * they give it back after each message.
 */
#ifndef SOCKJS_WS_DEFLATE_H
#define SOCKJS_WS_DEFLATE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/buffer.h"

enum {
	WS_DEFLATE_BITS_MIN = 9, /* smallest window zlib can deflate with; RFC 7692 allows 8 */
	WS_DEFLATE_BITS_MAX = 15,
};

/* What the server wants. Bits: WS_DEFLATE_BITS_MIN to WS_DEFLATE_BITS_MAX. */
struct ws_deflate_policy {
	bool server_no_context_takeover; /* of our own accord; always done when the client asks */
	bool client_no_context_takeover; /* of every client; always agreed to when offered */
	unsigned char server_max_window_bits; /* what we deflate with, at most */
	unsigned char client_max_window_bits; /* what a client may use, where it lets us say */
};

#define WS_DEFLATE_POLICY_INIT                                                                     \
	{                                                                                          \
		false, false, WS_DEFLATE_BITS_MAX, WS_DEFLATE_BITS_MAX                             \
	}

/* What was agreed. */
struct ws_deflate_params {
	bool server_no_context_takeover;
	bool client_no_context_takeover;
	unsigned char server_window_bits; /* 9..15: we deflate with this window */
	unsigned char client_window_bits; /* 9..15: we inflate with this window */
};

/*
 * Chooses among the offers in a Sec-WebSocket-Extensions header: the client's first that is valid
 * and can be served. Several header lines are joined with commas by the caller. NULL is an empty
 * header. Returns
 *   1   agreed: *agreed is filled, and the value of the answer's Sec-WebSocket-Extensions header is
 *       appended to *answer;
 *   0   none of the offers is for permessage-deflate, or each has to be declined (RFC 7692 7.1):
 *       the connection goes on without;
 *   -1  the header breaks the grammar of RFC 6455 9.1: fail the handshake (400).
 * *answer is unchanged unless 1 is returned; the caller checks buffer_failed(answer).
 */
int ws_deflate_negotiate(const char *header, const struct ws_deflate_policy *policy,
    struct ws_deflate_params *agreed, struct buffer *answer);

struct ws_inflater;
struct ws_deflater;

/*
 * Create a context for one connection; copy the parameters. Small; abort when out of memory. level:
 * zlib's, 0..9.
 */
struct ws_inflater *ws_inflater_create(const struct ws_deflate_params *agreed);
struct ws_deflater *ws_deflater_create(const struct ws_deflate_params *agreed, int level);

/* Free a context and set *p to NULL; *p may be NULL. Safe in the middle of a message. */
void ws_inflater_destroy(struct ws_inflater **p);
void ws_deflater_destroy(struct ws_deflater **p);

enum { WS_INFLATE_INPUT_MAX = 1 << 20 }; /* bytes of one piece */

/*
 * Inflates a piece of a message, at most WS_INFLATE_INPUT_MAX bytes, and appends the result to
 * *out, `most` (> 0) bytes of it at once. `last` says that the message ends here (len may be 0).
 * Returns
 *   0      the piece is done;
 *   1      there is more: ws_inflate_more goes on. data is not needed any more;
 * or -(close code), after which the connection must be closed and every later call fails likewise:
 *   -1009  the message inflates to more than max_size bytes (at most about max_size + 1 bytes were
 *          appended);
 *   -1007  the data is not deflate data, or ends in the middle of a block;
 *   -1011  out of memory.
 * A text message is then the caller's to check for UTF-8. A message of no bytes at all is taken as
 * empty.
 */
int ws_inflate(struct ws_inflater *inflater, const char *data, size_t len, bool last,
    size_t max_size, size_t most, struct buffer *out);

/* Goes on after a 1, by `most` bytes more. Returns as ws_inflate does. */
int ws_inflate_more(struct ws_inflater *inflater, size_t max_size, size_t most, struct buffer *out);

/*
 * Deflates one whole message and appends the payload for a frame with RSV1 to *out. Returns 0, or
 * -1 without memory: *out then has what it had before, and the context cannot be used any more,
 * since the client would lack a part of it.
 */
int ws_deflate(struct ws_deflater *deflater, const char *data, size_t len, struct buffer *out);

/*
 * As ws_deflate, without any context: one result can go to every receiver whose agreement has
 * server_no_context_takeover and server_window_bits >= window_bits. (It may also be sent to one
 * with context takeover, if everything that one is sent is compressed this way.) window_bits:
 * WS_DEFLATE_BITS_MIN to WS_DEFLATE_BITS_MAX. A short message uses a smaller window and less memory
 * of itself.
 */
int ws_deflate_shared(
    unsigned window_bits, int level, const char *data, size_t len, struct buffer *out);

#endif
