/*
 * For the tests of the local socket's messages: looking at what was encoded, and the request that
 * a RECEIVE is made from.
 */
#ifndef TESTS_WIRE_FIXTURE_H
#define TESTS_WIRE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/buffer.h"
#include "common/log.h"
#include "wire/wire.h"
#include "wire/wire_messages.h"

#define BYTES(literal) (literal), sizeof(literal) - 1

static inline void
assert_content(const struct buffer *b, const char *expected, size_t len)
{
	assert_int_equal(b->len, len);
	assert_memory_equal(b->data, expected, len);
}

/* The one message in b; the payload is a copy without a byte to spare, that the caller frees. */
static inline char *
take_message(const struct buffer *b, struct wire_header *header)
{
	char *payload;

	assert_int_equal(wire_parse_header(b->data, b->len, WIRE_PAYLOAD_MAX, header), 1);
	assert_int_equal(b->len, WIRE_HEADER_SIZE + header->length);
	payload = malloc(header->length == 0 ? 1 : header->length);
	assert_non_null(payload);
	memcpy(payload, b->data + WIRE_HEADER_SIZE, header->length);
	return payload;
}

/* --- a source to send */

struct headers {
	const char *names[40], *values[40];
};

static inline const char *
find_header(const void *context, const char *name)
{
	const struct headers *headers = context;

	for (size_t i = 0; headers->names[i] != NULL; i++)
		if (strcmp(headers->names[i], name) == 0)
			return headers->values[i];
	return NULL;
}

static const char *const wanted[] = {"host", "origin", "via", NULL};

/*
 * A RECEIVE as it has to be: test_wire_messages.c encodes it, test_wire_bad.c
 * breaks it.
 */
static const char some_receive[] = "\0\0\0\x5f\0\x20\0\5\0\0\0\0\0\0\0\x09"
				   "\1\2\2\0\2s1\0\0\2cb\0\0\3a=b\0"
				   "\0\x0d/e/0/s1/jsonp\0\1\0\4c=cb\0\0\2"
				   "\4\x7f\0\0\1\x12\x34"
				   "\6"
				   "0123456789abcdef\0\x50"
				   "\2\0\4host\0\0\4h:80\0\0\3via\0\0\0\0";

/* The options of a service; those that are not sent are set as well. */
static inline struct service_options
some_options(void)
{
	return (struct service_options){
	    .sockjs_url = (char *)(uintptr_t) "u",
	    .response_limit = 0x20000,
	    .transports = 0x65,
	    .websocket = true,
	    .jsessionid = JSESSIONID_MODULE,
	    .websocket_hixie76 = true,
	    .websocket_deflate = true,
	    .websocket_heartbeat = WEBSOCKET_HEARTBEAT_FRAME,
	    .heartbeat_delay = 25000,
	    .disconnect_delay = 5000,
	    .body_limit = 0x01020304,
	    .message_limit = 1,
	    .messages_limit = 0x10203,
	    .queue_limit = 1,
	    .log_level = SEVERITY_DEBUG,
	};
}

#endif
