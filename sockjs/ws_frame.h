/*
 * WebSocket framing, the server's side (RFC 6455 section 5), pure: no descriptor, no clock, no log,
 * no allocation.
 *
 * The connection reads its socket into a buffer that all connections share and gives that buffer to
 * ws_parse, which unmasks in place and reports one event a call. Payload is reported as it arrives,
 * so nothing is kept but what ws_parse did not consume: part of a frame header or of a control
 * frame, less than WS_KEEP_MAX bytes. An idle connection costs one struct ws_parser.
 *
 *	while (len > 0 && (n = ws_parse(&parser, data, len, &limits, &event)) > 0) {
 *		handle(&event);
 *		data += n, len -= n;
 *	}
 *	n < 0: send a close frame with code -n and close; otherwise keep the len bytes at data for
 *	the next call.
 */
#ifndef SOCKJS_WS_FRAME_H
#define SOCKJS_WS_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "sockjs/utf8.h"

enum {
	WS_HEADER_MAX = 10,   /* bytes of an unmasked frame header */
	WS_CONTROL_MAX = 125, /* bytes of a control frame's payload (RFC 6455 5.5) */
	WS_KEEP_MAX = 2 + 4 + WS_CONTROL_MAX, /* ws_parse never leaves this many bytes unconsumed */
};

/* Opcodes on the wire (RFC 6455 5.2). */
enum ws_opcode {
	WS_CONTINUATION = 0,
	WS_TEXT = 1,
	WS_BINARY = 2,
	WS_CLOSE = 8,
	WS_PING = 9,
	WS_PONG = 10,
};

/* Close codes that this code itself uses (RFC 6455 7.4.1). */
enum ws_close_code {
	WS_CODE_NORMAL = 1000,
	WS_CODE_GOING_AWAY = 1001,
	WS_CODE_PROTOCOL = 1002,
	WS_CODE_NO_STATUS = 1005, /* never on the wire: the close frame had no code */
	WS_CODE_INVALID_DATA = 1007,
	WS_CODE_POLICY = 1008,
	WS_CODE_TOO_BIG = 1009,
	WS_CODE_INTERNAL = 1011,
	WS_CODE_TRY_AGAIN = 1013,
};

struct ws_limits {
	size_t message; /* most payload bytes of a message, all its frames; SIZE_MAX: no limit */
	bool deflate;	/* permessage-deflate was agreed: a message may be compressed */
};

enum ws_event_type {
	WS_EVENT_NONE, /* bytes were consumed, there is nothing to report */
	WS_EVENT_DATA, /* a piece of a message */
	WS_EVENT_PING, /* to be answered by a pong with the same payload */
	WS_EVENT_PONG,
	WS_EVENT_CLOSE,	  /* the peer's close frame; reported once */
	WS_EVENT_IGNORED, /* bytes after a close frame or after an error; swallowed */
};

/*
 * One event. `data` points into the buffer given to ws_parse (writable: a decoder may work in
 * place; it may overwrite these `len` bytes and no others) and is valid until that buffer is
 * reused.
 */
struct ws_event {
	enum ws_event_type type;
	enum ws_opcode opcode; /* DATA: WS_TEXT or WS_BINARY, in every piece of the message */
	bool first;	       /* DATA: this piece begins a message */
	bool last;	       /* DATA: this piece ends the message; its len may be 0 */
	bool compressed;       /* DATA: permessage-deflate, in every piece of the message */
	unsigned code;	       /* CLOSE: the peer's code, WS_CODE_NO_STATUS if it gave none */
	char *data;	       /* the payload; CLOSE: the reason, valid UTF-8 */
	size_t len;
};

/* The state between calls. Private to ws_frame.c, here so that a connection can embed it. */
struct ws_parser {
	uint64_t remaining;    /* payload bytes of the current data frame still to come */
	uint64_t message;      /* payload bytes announced by the current message's frames */
	unsigned char mask[4]; /* of the current data frame, rotated to the next byte */
	struct utf8_state text;
	unsigned char opcode; /* of the current message; 0 between messages */
	bool in_frame;	      /* a data frame's header was consumed and its end was not yet */
	bool fin;	      /* the current data frame is the last of its message */
	bool begun;	      /* a piece of the current message was reported */
	bool compressed;
	bool done; /* a close frame arrived, or an error was returned */
};

/* Makes p ready for the first byte after the handshake. Needs no counterpart. */
void ws_parser_init(struct ws_parser *p);

/*
 * Parses what the peer sent, from the first byte that no call has consumed. Returns
 *   > 0  so many bytes were consumed and *event is filled (its type may be WS_EVENT_NONE);
 *   0    more bytes are needed: the caller keeps all `len` (< WS_KEEP_MAX) bytes, unchanged, and
 *        gives them again with more;
 *   < 0  -(close code): the peer broke the protocol. Nothing more is reported: later calls swallow
 *        their input.
 * Errors: -WS_CODE_PROTOCOL, -WS_CODE_INVALID_DATA (text or a close reason that is not UTF-8, as
 * early as that can be known), -WS_CODE_TOO_BIG (as soon as a header says so).
 *
 * A message in one frame that is wholly in the buffer is one event with first and last set. An
 * empty fragment is not reported unless it ends its message. Text is checked for UTF-8 unless it is
 * compressed: then the caller checks what it inflated. The limit of a compressed message is on its
 * inflated size (ws_inflate); here a little more than limits->message compressed bytes are let
 * through, as deflating may enlarge.
 */
ssize_t ws_parse(struct ws_parser *p, char *data, size_t len, const struct ws_limits *limits,
    struct ws_event *event);

/*
 * Writes the header of a server's frame (unmasked, the shortest length form) and returns its size,
 * 2 to WS_HEADER_MAX. payload_len < 2^63. rsv1 marks the first frame of a compressed message.
 */
size_t ws_header(
    char out[WS_HEADER_MAX], enum ws_opcode opcode, bool rsv1, bool fin, uint64_t payload_len);

/*
 * Writes the payload of a close frame and returns its size, 0 to WS_CONTROL_MAX. The reason is cut,
 * at a character, to what fits and is UTF-8. A code that may not be on the wire (WS_CODE_NO_STATUS
 * among them) gives an empty payload.
 */
size_t
ws_close_payload(char out[WS_CONTROL_MAX], unsigned code, const char *reason, size_t reason_len);

/*
 * True if the code may be in a close frame: 1000-1003, 1007-1014, 3000-4999 (RFC 6455 7.4 and the
 * IANA registry).
 */
bool ws_close_code_is_valid(unsigned code);

/*
 * XORs data with the mask, beginning with mask[0], and rotates the mask so that it is right for the
 * byte after data (RFC 6455 5.3). Returns how many bytes at the beginning of data are ASCII, as far
 * as that shows in the same pass: it counts whole blocks.
 */
size_t ws_unmask(char *data, size_t len, unsigned char mask[4]);

#endif
