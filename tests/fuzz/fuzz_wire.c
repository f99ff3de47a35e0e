/*
 * Fuzz target: the messages of the local socket. What a decoder takes, encoded anew, is the same
 * payload; and how a stream is cut into reads does not matter.
 *
 * Input: a byte below WIRE_TYPE_COUNT, then a byte of flags and the payload of that type in
 * wire_types; or another byte, which decides the cuts, then what a peer sends. Built with
 * -fsanitize=fuzzer, or with replay.c for the corpus.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buffer.h"
#include "wire/wire.h"
#include "wire/wire_messages.h"
#include "tests/unit/wire/wire_recode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Not assert(): it has to hold in a build with NDEBUG as well. */
#define REQUIRE(condition)                                                                         \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);    \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

enum { MAX_PAYLOAD = 100000 };

/* What was encoded is decoded again, to the same; header is the original's. */
static void
check_again(const struct wire_header *header, const struct buffer *encoded)
{
	struct buffer again = BUFFER_INIT;
	struct wire_header found;
	bool is_same;

	REQUIRE(wire_parse_header(encoded->data, encoded->len, WIRE_PAYLOAD_MAX, &found) == 1);
	REQUIRE(found.type == header->type && encoded->len == WIRE_HEADER_SIZE + found.length);
	REQUIRE(recode(&found, encoded->data + WIRE_HEADER_SIZE, &again, &is_same) == 0);
	REQUIRE(again.len == encoded->len && memcmp(again.data, encoded->data, again.len) == 0);
	buffer_free(&again);
}

/* Decodes from a copy without a byte to spare. */
static void
check_message(const struct wire_header *header, const char *payload)
{
	char *exact = malloc(header->length == 0 ? 1 : header->length);
	struct buffer encoded = BUFFER_INIT;
	bool is_same;
	int result;

	REQUIRE(exact != NULL);
	memcpy(exact, payload, header->length);
	result = recode(header, exact, &encoded, &is_same);
	REQUIRE(result == 0 || result == -1);
	if (result == 0) {
		REQUIRE(header->length >= wire_type_find(header->type)->least);
		if (is_same) {
			REQUIRE(encoded.len == WIRE_HEADER_SIZE + header->length);
			REQUIRE(
			    memcmp(encoded.data + WIRE_HEADER_SIZE, exact, header->length) == 0);
		}
		check_again(header, &encoded);
	}
	buffer_free(&encoded);
	free(exact);
}

/* What a reader keeps and what it has found. */
struct stream {
	struct buffer kept;
	size_t messages, bytes;
	int error;
};

static void
feed(struct stream *s, const char *bytes, size_t len, bool decode)
{
	struct wire_header header;
	int got = 0;

	if (s->error != 0)
		return;
	buffer_append(&s->kept, bytes, len);
	while ((got = wire_parse_header(s->kept.data, s->kept.len, MAX_PAYLOAD, &header)) == 1) {
		REQUIRE(wire_check(&header, WIRE_DAEMON) == 0 ||
		    wire_check(&header, WIRE_RESPONDER) == 0);
		if (decode)
			check_message(&header, s->kept.data + WIRE_HEADER_SIZE);
		s->messages++;
		s->bytes += WIRE_HEADER_SIZE + header.length;
		buffer_consume(&s->kept, WIRE_HEADER_SIZE + header.length);
	}
	s->error = got;
	REQUIRE(got <= 0 && got > WIRE_WRONG_ROLE);
	REQUIRE(got < 0 || s->kept.len < WIRE_HEADER_SIZE + MAX_PAYLOAD);
}

static void
check_stream(const char *bytes, size_t len, unsigned seed)
{
	struct stream whole = {.kept = BUFFER_INIT}, cut = {.kept = BUFFER_INIT};
	unsigned random = seed * 2654435761u + 1;
	size_t part;

	feed(&whole, bytes, len, true);
	for (; len > 0; bytes += part, len -= part) {
		random = random * 1664525u + 1013904223u;
		part = 1 + (random >> 16) % 40;
		part = part < len ? part : len;
		feed(&cut, bytes, part, false);
	}
	REQUIRE(whole.messages == cut.messages && whole.bytes == cut.bytes);
	REQUIRE(whole.error == cut.error);
	buffer_free(&whole.kept);
	buffer_free(&cut.kept);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wire_header header = {.request = 1};

	if (size < 2)
		return 0;
	if (data[0] < WIRE_TYPE_COUNT) {
		header.type = (uint16_t)wire_types[data[0]].type;
		header.flags = data[1];
		header.length = (uint32_t)(size - 2);
		check_message(&header, (const char *)data + 2);
	} else {
		check_stream((const char *)data + 1, size - 1, data[0]);
	}
	return 0;
}
