/*
 * The websocket frame parsers: what they report may not depend on how the bytes were cut into
 * reads.
 *
 * Input: a byte of flags (1 permessage-deflate, 2 hixie-76, 12 which limit), a byte that decides
 * the cuts, then what the peer sends.
 */
#include <stddef.h>
#include <stdint.h>

#include "tests/unit/sockjs/ws_transcript.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
compare(const struct buffer *a, const struct buffer *b)
{
	TRANSCRIPT_CHECK(a->len == b->len);
	TRANSCRIPT_CHECK(a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}

/* Reads of 1 to 16 bytes, or of 1 to 256, as the seed wants. */
static void
feed_in_pieces(struct transcript *t, const char *bytes, size_t len, unsigned seed)
{
	unsigned random = seed * 2654435761u + 1, most = (seed & 1) != 0 ? 16 : 256;
	size_t part;

	for (; len > 0; bytes += part, len -= part) {
		random = random * 1664525u + 1013904223u;
		part = 1 + (random >> 16) % most;
		part = part < len ? part : len;
		transcript_feed(t, bytes, part);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const size_t limits[] = {64, 1000, 70000, SIZE_MAX};
	struct transcript whole, cut;
	bool deflate, is_hixie76;
	size_t limit;

	if (size < 2)
		return 0;
	deflate = (data[0] & 1) != 0;
	is_hixie76 = (data[0] & 2) != 0;
	limit = limits[data[0] >> 2 & 3];
	transcript_begin(&whole, is_hixie76, limit, deflate);
	transcript_begin(&cut, is_hixie76, limit, deflate);
	transcript_feed(&whole, (const char *)data + 2, size - 2);
	feed_in_pieces(&cut, (const char *)data + 2, size - 2, data[1]);
	compare(&whole.text, &cut.text);
	TRANSCRIPT_CHECK(whole.error == cut.error && whole.closed == cut.closed);
	if (whole.error == 0) {
		TRANSCRIPT_CHECK(whole.in_message == cut.in_message);
		compare(&whole.kept, &cut.kept);
		if (whole.in_message)
			compare(&whole.message, &cut.message);
	}
	transcript_end(&whole);
	transcript_end(&cut);
	return 0;
}
