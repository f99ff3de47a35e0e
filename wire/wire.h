/*
 * The local socket between sockjs.fcgi and sockjs-sessiond: how messages are framed and their
 * fields encoded. Which messages there are is below, what is in each is wire_messages.h, what they
 * mean is doc/local-socket.md.
 *
 * A message is a header of WIRE_HEADER_SIZE bytes, {payload length u32, type u16, flags u16,
 * request id u64}, and its payload. Numbers are big-endian. Pure: no descriptor, no clock, no log.
 *
 *	while ((got = wire_parse_header(data, len, max_payload, &header)) > 0 &&
 *	    wire_check(&header, peer_role) == 0) {
 *		handle(&header, data + WIRE_HEADER_SIZE);
 *		data += WIRE_HEADER_SIZE + header.length, len -= WIRE_HEADER_SIZE + header.length;
 *	}
 */
#ifndef WIRE_WIRE_H
#define WIRE_WIRE_H

#include "common/buffer.h"
#include "sockjs/net_address.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	WIRE_MAJOR = 2,
	WIRE_MINOR = 3,
	WIRE_MINOR_COUNTS = 1,	/* that COUNTS came with */
	WIRE_MINOR_API = 2,	/* that API, ASK and ANSWER came with */
	WIRE_MINOR_DAEMONS = 3, /* that DAEMONS, HANDOVER and TAKEN came with */
	WIRE_HEADER_SIZE = 16,
	WIRE_STRING_MAX = 65535, /* bytes of a string16, its NUL not counted */
	WIRE_OVERHEAD_MAX =
	    8 << 20, /* bytes: more than RECEIVE has, or SEND without its messages */
	WIRE_PAYLOAD_MAX = (1 << 30) + WIRE_OVERHEAD_MAX, /* bytes: no sender exceeds it */
};

/* Who speaks. The numbers are those of HELLO. */
enum wire_role {
	WIRE_DAEMON = 1,
	WIRE_RESPONDER = 2,
};

enum wire_type {
	/* the connection itself */
	WIRE_HELLO = 0x0001,
	WIRE_GOODBYE = 0x0002,
	/* configuration */
	WIRE_SERVICES = 0x0010,
	WIRE_STATE = 0x0011,
	WIRE_API = 0x0012,
	WIRE_DAEMONS = 0x0013,
	/* requests */
	WIRE_RECEIVE = 0x0020,
	WIRE_SEND = 0x0021,
	WIRE_ABORT = 0x0022,
	WIRE_WRITTEN = 0x0023,
	WIRE_COUNTS = 0x0024,
	WIRE_ASK = 0x0025,
	/* answers */
	WIRE_FRAME = 0x0030,
	WIRE_SENT = 0x0031,
	WIRE_REFUSED = 0x0032,
	WIRE_COOKIE = 0x0033,
	WIRE_ANSWER = 0x0034,
	/* among daemons */
	WIRE_HANDOVER = 0x0040,
	WIRE_TAKEN = 0x0041,
};

/* Flags of the header; each belongs to one type. Readers ignore those they do not know. */
enum {
	WIRE_RECEIVE_ONE_FRAME = 1
	    << 0, /* end after the first frame although the transport streams */
	WIRE_RECEIVE_REISSUED = 1 << 1, /* was sent before, on a connection that broke */
	WIRE_RECEIVE_ALONE = 1 << 2,	/* this process has never had two requests at once */
	WIRE_ABORT_UNWRITTEN = 1 << 0,	/* what was answered could not be written */
	WIRE_FRAME_END = 1 << 0,	/* the response is complete */
	WIRE_FRAME_MORE = 1 << 1,	/* what began goes on in the request's next FRAME */
};

enum wire_error {
	WIRE_UNKNOWN_TYPE = -1,
	WIRE_TOO_LONG = -2,
	WIRE_TOO_SHORT = -3,  /* for its type */
	WIRE_WRONG_ROLE = -4, /* a type that this peer may not send */
};

struct wire_header {
	uint32_t length; /* bytes of the payload */
	uint16_t type;	 /* enum wire_type */
	uint16_t flags;
	uint64_t request; /* 0 where the message is about the connection */
};

/* What is known of a type. */
struct wire_type_info {
	const char *name;
	enum wire_type type;
	unsigned senders; /* bit 1 << enum wire_role of each that may send it */
	uint32_t least;	  /* bytes of the shortest payload */
};

#define WIRE_TYPE_COUNT 19
extern const struct wire_type_info wire_types[WIRE_TYPE_COUNT];

/* NULL: no such type. */
const struct wire_type_info *wire_type_find(unsigned type);

/*
 * For the log: a type's name, "unknown" for others; an error as words ("no error" for 0 and above).
 */
const char *wire_type_name(unsigned type);
const char *wire_error_text(int error);

/* --- reading ---------------------------------------------------------------------------------- */

/*
 * Looks at data[0..len), which begins with a message. Returns 1 if the message is there, *header
 * then being filled and the payload the header->length bytes at data + WIRE_HEADER_SIZE; 0 if more
 * bytes are needed; < 0, an enum wire_error (WIRE_WRONG_ROLE not among them), as soon as the header
 * is there, *header then being filled too: the connection is to be closed.
 *
 * max_payload, at most WIRE_PAYLOAD_MAX, bounds what a peer can make its reader keep. The daemon's:
 * the greatest body_limit of its services + WIRE_OVERHEAD_MAX. A responder's: WIRE_PAYLOAD_MAX,
 * since SERVICES has no better bound.
 */
int wire_parse_header(const char *data, size_t len, size_t max_payload, struct wire_header *header);

/*
 * 0 if a peer of that role may send a message with such a header; else an enum wire_error
 * (WIRE_TOO_LONG not among them).
 */
int wire_check(const struct wire_header *header, enum wire_role sender);

/*
 * Reads fields one after the other. The first that is not there, or not as it has to be, makes the
 * reader fail: from then on every wire_get_ gives 0, or "" and 0. So a decoder reads all fields and
 * asks wire_reader_done() once.
 */
struct wire_reader {
	const char *pos, *end; /* borrowed */
	bool failed;
};

void wire_reader_init(struct wire_reader *reader, const char *data, size_t len);

uint8_t wire_get_u8(struct wire_reader *reader);
uint16_t wire_get_u16(struct wire_reader *reader);
uint32_t wire_get_u32(struct wire_reader *reader);
uint64_t wire_get_u64(struct wire_reader *reader);

/* A u8 that may be 0 or 1. */
bool wire_get_bool(struct wire_reader *reader);

/*
 * n bytes as they are: a pointer to them, valid as long as what is read; NULL if there are not so
 * many.
 */
const char *wire_get_raw(struct wire_reader *reader, size_t n);

/* A u32 length and so many bytes. *bytes is not NULL, borrowed, and has no NUL at its end. */
void wire_get_bytes(struct wire_reader *reader, const char **bytes, size_t *len);

/*
 * A u16 length, so many bytes of which none is NUL, and a NUL that is not counted: *str is a C
 * string, borrowed; never NULL.
 */
void wire_get_string16(struct wire_reader *reader, const char **str, size_t *len);

/*
 * A bool and, if it is true, a string16. *str is NULL and *len 0 where it is absent (or the reader
 * failed).
 */
void wire_get_optional_string16(struct wire_reader *reader, const char **str, size_t *len);

/*
 * Fills *address and returns it as a socket address; NULL, and AF_UNSPEC in *address, if it is
 * unknown (or the reader failed).
 */
const struct sockaddr *wire_get_address(struct wire_reader *reader, union net_address *address);

/*
 * Gives value, which was read as one of the numbers 0 to most; if it is more, fails the reader and
 * gives 0.
 */
uint32_t wire_at_most(struct wire_reader *reader, uint32_t value, uint32_t most);

/* True if everything was read and was as it has to be. */
bool wire_reader_done(const struct wire_reader *reader);

/* --- writing ---------------------------------------------------------------------------------- */

/*
 * Appends a header whose length wire_end fills in, and sets *mark for it. Between the two, out may
 * be appended to only. Without memory nothing happens but that buffer_failed(out) is true.
 */
void wire_begin(
    struct buffer *out, enum wire_type type, unsigned flags, uint64_t request_id, size_t *mark);

/*
 * Ends the message: its payload is what was appended since wire_begin. Returns 0, or -1 if that is
 * more than WIRE_PAYLOAD_MAX or memory ran out; out has then what it had before wire_begin.
 */
int wire_end(struct buffer *out, size_t mark);

/*
 * As wire_end, for a payload that may be cut: into as many messages with the same header as it
 * takes, of which all but the last have part_max bytes and flags_more, and the last has flags_last.
 * Returns how many, or -1.
 */
int wire_end_parts(
    struct buffer *out, size_t mark, size_t part_max, unsigned flags_more, unsigned flags_last);

/* Takes back what was appended since wire_begin, the header too. */
void wire_cancel(struct buffer *out, size_t mark);

void wire_put_u8(struct buffer *out, uint8_t value);
void wire_put_u16(struct buffer *out, uint16_t value);
void wire_put_u32(struct buffer *out, uint32_t value);
void wire_put_u64(struct buffer *out, uint64_t value);

/* A u32 length and the bytes; len <= UINT32_MAX. */
void wire_put_bytes(struct buffer *out, const char *bytes, size_t len);

/*
 * True if it can be a string16: at most WIRE_STRING_MAX bytes, none of them NUL. The second is for
 * C strings.
 */
bool wire_is_string16(const char *str, size_t len);
bool wire_is_short(const char *str);

/*
 * A string16: len bytes, or a C string, of which the above is true; the third appends whether there
 * is one, too (NULL: there is none).
 */
void wire_put_string16(struct buffer *out, const char *str, size_t len);
void wire_put_str(struct buffer *out, const char *str);
void wire_put_optional_string16(struct buffer *out, const char *str);

/* An address; NULL, and one that is neither IPv4 nor IPv6, goes as unknown. */
void wire_put_address(struct buffer *out, const struct sockaddr *address);

#endif
