/*
 * API, ASK and ANSWER: requests of the daemon's HTTP API that a responder passes on whole, such as
 * those that publish. They came with version 2.2: neither end sends one to an older one.
 */
#ifndef WIRE_WIRE_API_H
#define WIRE_WIRE_API_H

#include "common/buffer.h"
#include "sockjs/net_address.h"
#include "wire/wire.h"

#include <stddef.h>
#include <stdint.h>

enum {
	WIRE_METHOD_MAX = 32,		/* bytes */
	WIRE_ANSWER_MAX = 16 * 1048576, /* bytes of a body */
};

/* As those of wire_messages.h: what is decoded borrows from the payload. */

struct wire_api {
	const char *path; /* begins and ends with a / */
	uint64_t body_limit;
};

/* Right before the SERVICES that it belongs to. -1 if the path is too long. */
int wire_encode_api(struct buffer *out, const struct wire_api *api);
int wire_decode_api(const struct wire_header *header, const char *payload, struct wire_api *api);

struct wire_ask {
	const char *method; /* not empty */
	const char *path;   /* from where the path of API begins; percent-encoded */
	const char *query;  /* NULL: there is none */
	union net_address client;
	const char *body;
	size_t body_len;
};

/* -1 if it is too large. */
int wire_encode_ask(struct buffer *out, uint64_t request, const struct wire_ask *ask);
int wire_decode_ask(const struct wire_header *header, const char *payload, struct wire_ask *ask);

struct wire_answer {
	unsigned status;	  /* of HTTP, 200 to 599 */
	const char *content_type; /* printable ASCII */
	const char *body;
	size_t body_len; /* at most WIRE_ANSWER_MAX */
};

/* -1 if the body is too long. */
int wire_encode_answer(struct buffer *out, uint64_t request, const struct wire_answer *answer);
int wire_decode_answer(
    const struct wire_header *header, const char *payload, struct wire_answer *answer);

#endif
