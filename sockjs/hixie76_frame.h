/*
 * Framing of draft-hixie-thewebsocketprotocol-76 (its section 5.3), the server's side, pure. Text
 * only: 0x00, UTF-8, 0xFF. It reports the events of ws_frame.h, so that a connection handles both
 * protocols alike. It never needs a byte twice: nothing is kept between calls but struct
 * hixie76_parser.
 */
#ifndef SOCKJS_HIXIE76_FRAME_H
#define SOCKJS_HIXIE76_FRAME_H

#include "sockjs/ws_frame.h"

/*
 * What stands around a text message, and the closing handshake, in both directions. A close has no
 * code and no reason.
 */
#define HIXIE76_TEXT_BEGIN "\x00"
#define HIXIE76_TEXT_END   "\xff"
#define HIXIE76_CLOSE	   "\xff\x00"
enum { HIXIE76_CLOSE_LEN = 2 };

/* The state between calls. Private to hixie76_frame.c. */
struct hixie76_parser {
	uint64_t remaining; /* SKIP_LENGTH: the length so far, or what is left to skip */
	uint64_t message;   /* bytes of the current frame so far */
	struct utf8_state text;
	unsigned char state;
	unsigned char type; /* first byte of the current frame */
	bool begun;	    /* a piece of the current message was reported */
};

/* Makes p ready for the first byte after the 8 bytes of the third key. Needs no counterpart. */
void hixie76_parser_init(struct hixie76_parser *p);

/*
 * As ws_parse, but 0 is returned only for len 0. Events: WS_EVENT_NONE, WS_EVENT_DATA (opcode
 * WS_TEXT), WS_EVENT_CLOSE (code WS_CODE_NO_STATUS, no reason), WS_EVENT_IGNORED. Frames of another
 * type are skipped, as the draft says. Errors, where the draft's answer is to close:
 * -WS_CODE_INVALID_DATA (text that is not UTF-8), -WS_CODE_TOO_BIG (a frame of any type over
 * limits->message bytes).
 */
ssize_t hixie76_parse(struct hixie76_parser *p, char *data, size_t len,
    const struct ws_limits *limits, struct ws_event *event);

#endif
