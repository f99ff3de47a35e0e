/*
 * For the tests of the local socket's messages: decodes a message of any type and encodes what came
 * out. As every message can be written in one way only, the result is the same payload again.
 */
#ifndef TESTS_WIRE_RECODE_H
#define TESTS_WIRE_RECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <strings.h>

#include "common/buffer.h"
#include "wire/wire.h"
#include "wire/wire_daemons.h"
#include "wire/wire_messages.h"

/* What has come out of a decoder can be encoded. */
enum { RECODE_NOT_ENCODED = -2 };

static inline int
recode_result(int encoded)
{
	return encoded == -1 ? RECODE_NOT_ENCODED : 0;
}

static inline int
recode_hello(const struct wire_header *header, const char *payload, struct buffer *out)
{
	struct wire_hello hello;

	if (wire_decode_hello(header, payload, &hello) == -1)
		return -1;
	wire_encode_hello(out, &hello);
	return 0;
}

static inline int
recode_goodbye(const struct wire_header *header, const char *payload, struct buffer *out)
{
	struct wire_goodbye goodbye;

	if (wire_decode_goodbye(header, payload, &goodbye) == -1)
		return -1;
	wire_encode_goodbye(out, goodbye.text);
	return 0;
}

static inline int
recode_state(const struct wire_header *header, const char *payload, struct buffer *out)
{
	struct wire_state state;

	if (wire_decode_state(header, payload, &state) == -1)
		return -1;
	wire_encode_state(out, state.text);
	return 0;
}

static inline int
recode_services(const struct wire_header *header, const char *payload, struct buffer *out)
{
	struct wire_service_entry *entries;
	struct wire_services services;
	int result;

	if (wire_decode_services(header, payload, &services) == -1)
		return -1;
	entries = calloc(services.count + 1, sizeof *entries);
	if (entries == NULL)
		abort();
	for (size_t i = 0; i < services.count; i++)
		entries[i] = (struct wire_service_entry){services.list[i].name,
		    &services.list[i].options, services.list[i].number, services.list[i].retired};
	result = recode_result(
	    wire_encode_services(out, services.trusted_proxies, entries, services.count));
	free(entries);
	wire_services_clear(&services);
	return result;
}

/* Of two headers with one name only the first is found. */
static inline bool
has_header_twice(const struct wire_source *source)
{
	for (size_t i = 0; i < source->header_count; i++)
		for (size_t j = 0; j < i; j++)
			if (strcasecmp(source->headers[i].name, source->headers[j].name) == 0)
				return true;
	return false;
}

static inline int
recode_receive(
    const struct wire_header *header, const char *payload, struct buffer *out, bool *is_same)
{
	const char *names[WIRE_HEADERS_MAX + 1] = {NULL};
	struct wire_receive receive;
	struct wire_source source;

	if (wire_decode_receive(header, payload, &receive, &source) == -1)
		return -1;
	for (size_t i = 0; i < source.header_count; i++)
		names[i] = source.headers[i].name;
	*is_same = !has_header_twice(&source);
	return recode_result(
	    wire_encode_receive(out, header->request, &receive, &source.source, names));
}

static inline int
recode_send(const struct wire_header *header, const char *payload, struct buffer *out)
{
	struct wire_send send;

	if (wire_decode_send(header, payload, &send) == -1)
		return -1;
	return recode_result(wire_encode_send(out, header->request, &send));
}

static inline int
recode_abort(const struct wire_header *header, const char *payload, struct buffer *out)
{
	if (wire_decode_abort(header, payload) == -1)
		return -1;
	wire_encode_abort(out, header->request, header->flags);
	return 0;
}

static inline int
recode_written(const struct wire_header *header, const char *payload, struct buffer *out)
{
	if (wire_decode_written(header, payload) == -1)
		return -1;
	wire_encode_written(out, header->request);
	return 0;
}

static inline int
recode_frame(const struct wire_header *header, const char *payload, struct buffer *out)
{
	struct wire_frame frame;

	if (wire_decode_frame(header, payload, &frame) == -1)
		return -1;
	return recode_result(
	    wire_encode_frame(out, header->request, frame.bytes, frame.len, frame.end));
}

static inline int
recode_sent(const struct wire_header *header, const char *payload, struct buffer *out)
{
	enum wire_sent_result result;

	if (wire_decode_sent(header, payload, &result) == -1)
		return -1;
	wire_encode_sent(out, header->request, result);
	return 0;
}

static inline int
recode_refused(const struct wire_header *header, const char *payload, struct buffer *out)
{
	struct wire_refused refused;

	if (wire_decode_refused(header, payload, &refused) == -1)
		return -1;
	wire_encode_refused(out, header->request, refused.status, refused.text);
	return 0;
}

static inline int
recode_cookie(const struct wire_header *header, const char *payload, struct buffer *out)
{
	struct wire_cookie cookie;

	if (wire_decode_cookie(header, payload, &cookie) == -1)
		return -1;
	return recode_result(wire_encode_cookie(out, header->request, cookie.value));
}

static inline int
recode_counts(const struct wire_header *header, const char *payload, struct buffer *out)
{
	struct wire_counts counts;

	if (wire_decode_counts(header, payload, &counts) == -1)
		return -1;
	wire_encode_counts(out, &counts);
	return 0;
}

static inline int
recode_api(const struct wire_header *header, const char *payload, struct buffer *out)
{
	struct wire_api api;

	if (wire_decode_api(header, payload, &api) == -1)
		return -1;
	return recode_result(wire_encode_api(out, &api));
}

static inline int
recode_ask(const struct wire_header *header, const char *payload, struct buffer *out)
{
	struct wire_ask ask;

	if (wire_decode_ask(header, payload, &ask) == -1)
		return -1;
	return recode_result(wire_encode_ask(out, header->request, &ask));
}

static inline int
recode_answer(const struct wire_header *header, const char *payload, struct buffer *out)
{
	struct wire_answer answer;

	if (wire_decode_answer(header, payload, &answer) == -1)
		return -1;
	return recode_result(wire_encode_answer(out, header->request, &answer));
}

static inline int
recode_daemons(const struct wire_header *header, const char *payload, struct buffer *out)
{
	struct wire_daemons daemons;

	if (wire_decode_daemons(header, payload, &daemons) == -1)
		return -1;
	wire_encode_daemons(out, &daemons);
	return 0;
}

/* Any bytes are one. */
static inline int
recode_handover(const struct wire_header *header, const char *payload, struct buffer *out)
{
	if (header->length == 0)
		return -1;
	return recode_result(wire_encode_handover(out, header->request, payload, header->length));
}

static inline int
recode_taken(const struct wire_header *header, const char *payload, struct buffer *out)
{
	if (wire_decode_taken(header, payload) == -1)
		return -1;
	wire_encode_taken(out, header->request);
	return 0;
}

/*
 * Appends to out. Returns 0; -1 if the payload is not such a message; RECODE_NOT_ENCODED if it was
 * decoded and could not be encoded. *is_same: the payload that was appended has to be the one that
 * was given.
 */
static inline int
recode(const struct wire_header *header, const char *payload, struct buffer *out, bool *is_same)
{
	*is_same = true;
	switch ((enum wire_type)header->type) {
	case WIRE_HELLO:
		return recode_hello(header, payload, out);
	case WIRE_GOODBYE:
		return recode_goodbye(header, payload, out);
	case WIRE_STATE:
		return recode_state(header, payload, out);
	case WIRE_SERVICES:
		return recode_services(header, payload, out);
	case WIRE_RECEIVE:
		return recode_receive(header, payload, out, is_same);
	case WIRE_SEND:
		return recode_send(header, payload, out);
	case WIRE_ABORT:
		return recode_abort(header, payload, out);
	case WIRE_WRITTEN:
		return recode_written(header, payload, out);
	case WIRE_FRAME:
		return recode_frame(header, payload, out);
	case WIRE_SENT:
		return recode_sent(header, payload, out);
	case WIRE_REFUSED:
		return recode_refused(header, payload, out);
	case WIRE_COOKIE:
		return recode_cookie(header, payload, out);
	case WIRE_COUNTS:
		return recode_counts(header, payload, out);
	case WIRE_API:
		return recode_api(header, payload, out);
	case WIRE_ASK:
		return recode_ask(header, payload, out);
	case WIRE_ANSWER:
		return recode_answer(header, payload, out);
	case WIRE_DAEMONS:
		return recode_daemons(header, payload, out);
	case WIRE_HANDOVER:
		return recode_handover(header, payload, out);
	case WIRE_TAKEN:
		return recode_taken(header, payload, out);
	}
	abort();
}

#endif
