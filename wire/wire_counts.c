/*
 * See wire_counts.h.
 */
#include "wire/wire_counts.h"

_Static_assert(ENDPOINT_GREETING == 0 && ENDPOINT_IFRAME == 1 && ENDPOINT_INFO == 2 &&
	ENDPOINT_CHUNKING_TEST == 3 && ENDPOINT_WEBSOCKET_RAW == 4 && ENDPOINT_WEBSOCKET == 5 &&
	ENDPOINT_RECEIVE == 6 && ENDPOINT_SEND == 7 && ENDPOINT_UNKNOWN == 8 &&
	ENDPOINT_OUTSIDE == 9 && ENDPOINT_KINDS == 10,
    "doc/local-socket.md has these numbers");

void
wire_encode_counts(struct buffer *out, const struct wire_counts *counts)
{
	size_t mark;

	wire_begin(out, WIRE_COUNTS, 0, 0, &mark);
	wire_put_u32(out, counts->lines_dropped);
	wire_put_u16(out, (uint16_t)counts->count);
	for (size_t i = 0; i < counts->count; i++) {
		wire_put_u8(out, counts->list[i].endpoint);
		wire_put_u16(out, counts->list[i].status);
		wire_put_u32(out, counts->list[i].requests);
	}
	wire_end(out, mark);
}

static void
get_count(struct wire_reader *reader, struct wire_count *count)
{
	count->endpoint = (uint8_t)wire_at_most(reader, wire_get_u8(reader), ENDPOINT_KINDS - 1);
	count->status = (uint16_t)wire_at_most(reader, wire_get_u16(reader), WIRE_STATUS_MOST);
	if (count->status < WIRE_STATUS_LEAST)
		reader->failed = true;
	count->requests = wire_get_u32(reader);
}

int
wire_decode_counts(
    const struct wire_header *header, const char *payload, struct wire_counts *counts)
{
	struct wire_reader reader;

	wire_reader_init(&reader, payload, header->length);
	counts->lines_dropped = wire_get_u32(&reader);
	counts->count = wire_at_most(&reader, wire_get_u16(&reader), WIRE_COUNTS_MAX);
	for (size_t i = 0; i < counts->count && !reader.failed; i++)
		get_count(&reader, &counts->list[i]);
	return wire_reader_done(&reader) ? 0 : -1;
}
