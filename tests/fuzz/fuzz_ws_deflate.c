/*
 * permessage-deflate. Input: a byte, even: the rest is a Sec-WebSocket-Extensions header; odd: a
 * byte that decides the cuts, then what a client says is a deflated message. The result may not
 * depend on the cuts, is within its limit, and survives being deflated by us; an answer is itself
 * an acceptable offer.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buffer.h"
#include "sockjs/ws_deflate.h"

enum { LIMIT = 100000 };

#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);            \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
fuzz_negotiation(const uint8_t *data, size_t size)
{
	struct ws_deflate_policy policy = WS_DEFLATE_POLICY_INIT;
	struct ws_deflate_params agreed, again;
	struct buffer answer = BUFFER_INIT, second = BUFFER_INIT;
	char *header = calloc(1, size + 1);
	int result;

	CHECK(header != NULL);
	memcpy(header, data, size);
	result = ws_deflate_negotiate(header, &policy, &agreed, &answer);
	CHECK((result == 1) == (answer.len > 0));
	if (result == 1) {
		CHECK(agreed.server_window_bits >= 9 && agreed.server_window_bits <= 15);
		CHECK(agreed.client_window_bits >= 9 && agreed.client_window_bits <= 15);
		buffer_append_char(&answer, '\0');
		CHECK(ws_deflate_negotiate(answer.data, &policy, &again, &second) == 1);
		CHECK(second.len == answer.len - 1);
		CHECK(memcmp(second.data, answer.data, second.len) == 0);
	}
	buffer_free(&answer);
	buffer_free(&second);
	free(header);
}

/*
 * The same message twice, as the second may refer to the first. Returns the result of the last
 * call.
 */
static int
inflate_twice(const char *data, size_t size, size_t step, struct buffer *out)
{
	struct ws_deflate_params params = {false, false, 15, 15};
	struct ws_inflater *in = ws_inflater_create(&params);
	int result = 0;

	for (int i = 0; i < 2 && result == 0; i++) {
		size_t at = 0, part, before = out->len;

		do {
			part = size - at < step ? size - at : step;
			result =
			    ws_inflate(in, data + at, part, at + part == size, LIMIT, step, out);
			while (result == 1)
				result = ws_inflate_more(in, LIMIT, step, out);
			at += part;
		} while (result == 0 && at < size);
		CHECK(out->len - before <= LIMIT + (result != 0));
	}
	CHECK(result == 0 || result == -1007 || result == -1009);
	ws_inflater_destroy(&in);
	return result;
}

static void
check_round_trip(const struct buffer *plain)
{
	struct ws_deflate_params params = {false, false, 12, 12};
	struct ws_deflater *deflater = ws_deflater_create(&params, 1);
	struct ws_inflater *inflater = ws_inflater_create(&params);

	for (int i = 0; i < 3; i++) {
		struct buffer packed = BUFFER_INIT, out = BUFFER_INIT;

		CHECK(ws_deflate(deflater, plain->data, plain->len, &packed) == 0);
		CHECK(ws_inflate(inflater, packed.data, packed.len, true, plain->len, SIZE_MAX,
			  &out) == 0);
		CHECK(out.len == plain->len);
		CHECK(out.len == 0 || memcmp(out.data, plain->data, out.len) == 0);
		buffer_free(&packed);
		buffer_free(&out);
	}
	ws_deflater_destroy(&deflater);
	ws_inflater_destroy(&inflater);
}

static void
fuzz_inflating(const uint8_t *data, size_t size, unsigned seed)
{
	struct buffer whole = BUFFER_INIT, cut = BUFFER_INIT;
	int result = inflate_twice((const char *)data, size, SIZE_MAX, &whole);

	CHECK(inflate_twice((const char *)data, size, 1 + seed % 32, &cut) == result);
	if (result == 0) {
		CHECK(whole.len == cut.len);
		CHECK(whole.len == 0 || memcmp(whole.data, cut.data, whole.len) == 0);
		check_round_trip(&whole);
	}
	buffer_free(&whole);
	buffer_free(&cut);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	if ((data[0] & 1) == 0)
		fuzz_negotiation(data + 1, size - 1);
	else
		fuzz_inflating(data + 2, size - 2, data[1]);
	return 0;
}
