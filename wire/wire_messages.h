/*
 * The messages of the local socket: for each type an encoder and a decoder. What they mean, and in
 * which order they come, is doc/local-socket.md.
 *
 * wire_encode_X appends one whole message to out (FRAME: as many as it takes, which it returns). It
 * returns 0, or -1 if that cannot be: a string longer than WIRE_STRING_MAX or with a NUL in it, a
 * payload longer than WIRE_PAYLOAD_MAX, no memory (buffer_failed(out)). Then out has what it had
 * before. Those without a value of a peer's size in them return nothing; they fail without memory
 * only.
 *
 * wire_decode_X fills a struct from a message that wire_parse_header has found. It returns 0, or -1
 * if the payload is not exactly such a message: the connection is then to be closed. What is filled
 * borrows from the payload and is valid as long as that (SERVICES: owned); every string is NUL-
 * terminated, never NULL unless so said, and its _len does not count the NUL.
 */
#ifndef WIRE_MESSAGES_H
#define WIRE_MESSAGES_H

#include "wire/wire.h"
#include "wire/wire_api.h"
#include "wire/wire_counts.h"
#include "wire/wire_source.h"
#include "sockjs/service_options.h"
#include "sockjs/transport.h"

#include <stddef.h>
#include <stdint.h>

enum {
	WIRE_SERVICES_MAX = 4096,
	WIRE_FRAME_MAX = 1 << 20, /* bytes of one FRAME: more goes out as several */
};

/* --- HELLO, GOODBYE (both ways) --------------------------------------------------------------- */

/*
 * instance: random, for the life of the process; with SEND's sequence it is the id of a send.
 *
 * link_id and frames tell the daemon what a responder has taken of the connection before this
 * one. The daemon's: a random id, not 0, of this very connection; frames is 0. The responder's: the
 * id of the last connection on which it took the daemon's HELLO, 0 if there was none; and how many
 * messages FRAME it took on that one, whatever their request.
 */
struct wire_hello {
	unsigned role; /* enum wire_role; as it came: may be one that is not known here */
	unsigned major, minor;
	uint32_t pid;
	uint64_t instance;
	uint64_t link_id;
	uint64_t frames;
};

void wire_encode_hello(struct buffer *out, const struct wire_hello *hello);
int
wire_decode_hello(const struct wire_header *header, const char *payload, struct wire_hello *hello);

/*
 * Why a peer with that HELLO cannot be spoken to, as the text for GOODBYE: another major version,
 * or a role that is none of roles (bit 1 << enum wire_role). NULL: it can.
 */
const char *wire_hello_refusal(const struct wire_hello *hello, unsigned roles);

struct wire_goodbye {
	const char *text; /* why: another version, stopping */
	size_t text_len;
};

/* A text that is too long is cut. */
void wire_encode_goodbye(struct buffer *out, const char *text);
int wire_decode_goodbye(
    const struct wire_header *header, const char *payload, struct wire_goodbye *goodbye);

/* --- STATE, SERVICES (daemon to responder) ---------------------------------------------------- */

struct wire_state {
	const char *text; /* why the daemon serves nobody; empty: it serves */
	size_t text_len;
};

/* A text that is too long is cut. */
void wire_encode_state(struct buffer *out, const char *text);
int
wire_decode_state(const struct wire_header *header, const char *payload, struct wire_state *state);

/* To encode; everything borrowed. */
struct wire_service_entry {
	const char *name; /* as in sockjs.conf: "/echo", "~ REGEX" */
	const struct service_options *options;
	uint16_t number; /* what RECEIVE and SEND call it */
	bool retired;	 /* taken out of sockjs.conf: only its sessions are left */
};

/*
 * trusted_proxies: as in sockjs.conf; "": nobody. Also -1 with more than WIRE_SERVICES_MAX entries.
 */
int wire_encode_services(struct buffer *out, const char *trusted_proxies,
    const struct wire_service_entry *entries, size_t count);

/*
 * Decoded; owned by the wire_services it is in. Options that are not sent are 0: websocket_hixie76,
 * websocket_deflate, websocket_heartbeat, message_limit, queue_limit.
 */
struct wire_service {
	char *name;
	struct service_options options;
	uint16_t number;
	bool retired;
};

/* In the order of sockjs.conf. list is NULL if count is 0. All zero bytes: empty. */
struct wire_services {
	char *trusted_proxies; /* not checked */
	struct wire_service *list;
	size_t count;
};

/*
 * Fills *services, whose former content is not looked at; the caller frees it with
 * wire_services_clear. -1 also without memory; then there is nothing to free.
 */
int wire_decode_services(
    const struct wire_header *header, const char *payload, struct wire_services *services);

/* Frees the services and makes *services empty. Safe on an empty one. */
void wire_services_clear(struct wire_services *services);

/* --- RECEIVE (responder to daemon) ------------------------------------------------------------ */

struct wire_receive {
	unsigned flags;		     /* WIRE_RECEIVE_* */
	unsigned service;	     /* its number in SERVICES; decoded: any u16, to be checked */
	enum transport_id transport; /* decoded: below TRANSPORT_COUNT, no websocket */
	const char *session; /* id; decoded: not empty. To encode: needs no NUL at its end */
	size_t session_len;
	const char *callback; /* "" where the transport has none; not checked for its characters */
	const char *cookie;   /* the request's Cookie header where jsessionid = module, else "" */
};

/*
 * source and header_names: as wire_put_source has them. -1 also with an empty session id, and where
 * wire_put_source says so.
 */
int wire_encode_receive(struct buffer *out, uint64_t request, const struct wire_receive *receive,
    const struct connection_source *source, const char *const *header_names);
int wire_decode_receive(const struct wire_header *header, const char *payload,
    struct wire_receive *receive, struct wire_source *source);

/* --- SEND (responder to daemon) --------------------------------------------------------------- */

struct wire_send {
	unsigned service;    /* as in wire_receive */
	const char *session; /* as in wire_receive */
	size_t session_len;
	uint64_t instance, sequence; /* the same when it is sent again, on another connection too */
	const char *cookie;	     /* as in wire_receive */
	union net_address client;    /* AF_UNSPEC: unknown */
	const char *messages; /* as message_array_decode leaves them: each followed by 0xFF */
	size_t messages_len;
};

int wire_encode_send(struct buffer *out, uint64_t request, const struct wire_send *send);
int wire_decode_send(const struct wire_header *header, const char *payload, struct wire_send *send);

/* --- ABORT, WRITTEN (responder to daemon) ----------------------------------------------------- */

/*
 * The client of the request is gone, or (WIRE_ABORT_UNWRITTEN in flags) what was answered could not
 * be written.
 */
void wire_encode_abort(struct buffer *out, uint64_t request, unsigned flags);
int wire_decode_abort(const struct wire_header *header, const char *payload);

/* The whole answer to the request, the FRAME with its end too, is with the web server. */
void wire_encode_written(struct buffer *out, uint64_t request);
int wire_decode_written(const struct wire_header *header, const char *payload);

/* --- FRAME, SENT, REFUSED, COOKIE (daemon to responder) --------------------------------------- */

struct wire_frame {
	const char *bytes; /* to append to the response's body */
	size_t len;	   /* may be 0 */
	bool end;	   /* the response is complete */
	bool more;	   /* a frame of SockJS goes on in the request's next FRAME; not with end */
};

/*
 * bytes: a whole frame of SockJS, or several. More than WIRE_FRAME_MAX become several messages, of
 * which all but the last say that there is more, and only the last may have the end. Returns
 * how many messages it took, at least 1, or -1.
 */
int
wire_encode_frame(struct buffer *out, uint64_t request, const char *bytes, size_t len, bool end);

/*
 * The same with bytes that are composed in place: they are appended to out between the two, with
 * nothing else. mark: set by the first, for the second, or for wire_cancel instead.
 */
void wire_begin_frame(struct buffer *out, uint64_t request, size_t *mark);
int wire_end_frame(struct buffer *out, size_t mark, bool end);

int
wire_decode_frame(const struct wire_header *header, const char *payload, struct wire_frame *frame);

enum wire_sent_result {
	WIRE_SENT_OK,
	WIRE_SENT_NO_SESSION,
	WIRE_SENT_UNAVAILABLE, /* the session is full, or cannot take messages now */
	WIRE_SENT_TOO_MANY,    /* the client has asked for too many sessions that there are not */
};

void wire_encode_sent(struct buffer *out, uint64_t request, enum wire_sent_result result);
int wire_decode_sent(
    const struct wire_header *header, const char *payload, enum wire_sent_result *result);

struct wire_refused {
	unsigned status; /* of HTTP, 400 to 599 */
	const char *text;
	size_t text_len;
};

/* A text that is too long is cut. */
void wire_encode_refused(struct buffer *out, uint64_t request, unsigned status, const char *text);
int wire_decode_refused(
    const struct wire_header *header, const char *payload, struct wire_refused *refused);

struct wire_cookie {
	const char *value; /* "": none is set. Not checked for its characters */
	size_t value_len;
};

int wire_encode_cookie(struct buffer *out, uint64_t request, const char *value);
int wire_decode_cookie(
    const struct wire_header *header, const char *payload, struct wire_cookie *cookie);

#endif
