/*
 * The ways that a message can go: what a client says to a server to be connected, how it sends a
 * message, and how messages come. A way of a further server is an entry of a table.
 */
#ifndef LOAD_WAY_H
#define LOAD_WAY_H

#include <stdbool.h>
#include <stddef.h>

#include "common/buffer.h"

#define WAY_STEPS 3

enum request_kind {
	REQUEST_NONE,
	REQUEST_UPGRADE, /* GET, with the headers of a websocket's handshake */
	REQUEST_GET,
	REQUEST_EVENTS, /* GET, as an EventSource does */
	REQUEST_POST,
	REQUEST_FRAME, /* a text message of a websocket */
};

/* In target and body, {path}, {id}, {sid} and {message} stand for what struct words has. */
struct request {
	enum request_kind kind;
	const char *target;
	const char *body;
};

/* The answer must contain that text: it is complete then. */
struct step {
	struct request request;
	const char *expect;
};

enum receiving {
	RECEIVE_FRAMES, /* a websocket */
	RECEIVE_STREAM, /* one answer that does not end */
	RECEIVE_POLLS,	/* an answer each, after which the client asks again */
};

struct way {
	const char *name;
	enum receiving receiving;
	struct step open[WAY_STEPS];
	struct request poll;	/* of RECEIVE_POLLS */
	struct request message; /* on a connection of its own if it is no frame */
	bool conditional;	/* a poll names the last answer's Etag and Last-Modified */
	bool constant; /* a poll is answered at once, by a server that knows no messages: it is sent
			  with a message, and not before */
};

struct words {
	const char *path;
	const char *id;	 /* of this client alone */
	const char *sid; /* what the server has called it */
	const char *message;
	bool deflate; /* offer permessage-deflate (RFC 7692), and use it for {message} */
};

/* NULL if there is none of that name. */
const struct way *way_find(const char *name);

/* Appends the bytes of the request. headers: more lines of an HTTP request, or "". */
void request_build(const struct request *request, const struct words *words, const char *headers,
    struct buffer *out);

#endif
