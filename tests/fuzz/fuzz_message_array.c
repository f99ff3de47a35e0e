/*
 * Fuzz target: any bytes through message_array_decode. What comes out must be well formed, fit, and
 * survive an encoding and a second decoding unchanged. Built with -fsanitize=fuzzer, or with
 * replay.c for the corpus.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buffer.h"
#include "sockjs/json_string.h"
#include "sockjs/message_array.h"
#include "sockjs/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Not assert(): it has to hold in a build with NDEBUG as well. */
#define REQUIRE(condition)                                                                         \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);    \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

static char *
exact_copy(const void *bytes, size_t len)
{
	char *copy = malloc(len == 0 ? 1 : len);

	REQUIRE(copy != NULL);
	if (len > 0)
		memcpy(copy, bytes, len);
	return copy;
}

/* Walks a result, checks each message, and writes the array anew. */
static void
encode_again(struct buffer *out, const char *result, size_t len, size_t count)
{
	const char *cursor = result, *end = result + len, *message;
	size_t message_len, messages = 0;

	buffer_append_char(out, '[');
	while (message_array_next(&cursor, end, &message, &message_len)) {
		REQUIRE(utf8_is_valid_wtf8(message, message_len));
		if (messages++ > 0)
			buffer_append_char(out, ',');
		json_string_append(out, message, message_len, messages % 2 * JSON_STRING_IN_HTML);
	}
	buffer_append_char(out, ']');
	REQUIRE(cursor == end && messages == count && !buffer_failed(out));
	REQUIRE(utf8_is_valid(out->data, out->len));
}

static ssize_t
check(const uint8_t *data, size_t size, unsigned flags, size_t max_messages)
{
	char *text = exact_copy(data, size), *again;
	struct buffer out = BUFFER_INIT;
	size_t count = SIZE_MAX, count_again;
	ssize_t n = message_array_decode(text, size, flags, max_messages, &count), n_again;

	if (n < 0) {
		REQUIRE(n >= MESSAGE_ARRAY_TOO_MANY && count == 0);
		REQUIRE(n != MESSAGE_ARRAY_TOO_MANY || max_messages != 0);
	} else {
		REQUIRE((size_t)n < size && (max_messages == 0 || count <= max_messages));
		encode_again(&out, text, (size_t)n, count);
		again = exact_copy(out.data, out.len);
		n_again = message_array_decode(again, out.len, 0, max_messages, &count_again);
		REQUIRE(
		    n_again == n && count_again == count && memcmp(again, text, (size_t)n) == 0);
		free(again);
		buffer_free(&out);
	}
	free(text);
	return n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	ssize_t plain = check(data, size, 0, 0), limited = check(data, size, 0, 2);
	ssize_t with_string = check(data, size, MESSAGE_ARRAY_ALLOW_STRING, 0);

	REQUIRE(with_string == plain || (plain == MESSAGE_ARRAY_PAYLOAD && with_string > 0));
	REQUIRE(limited == plain || limited == MESSAGE_ARRAY_TOO_MANY);
	return 0;
}
