/*
 * See wire_daemons.h.
 */
#include "wire/wire_daemons.h"

void
wire_encode_daemons(struct buffer *out, const struct wire_daemons *daemons)
{
	size_t mark;

	wire_begin(out, WIRE_DAEMONS, 0, 0, &mark);
	wire_put_u16(out, (uint16_t)daemons->index);
	wire_put_u16(out, (uint16_t)daemons->count);
	wire_end(out, mark);
}

int
wire_decode_daemons(
    const struct wire_header *header, const char *payload, struct wire_daemons *daemons)
{
	struct wire_reader reader;

	wire_reader_init(&reader, payload, header->length);
	daemons->index = wire_get_u16(&reader);
	daemons->count = wire_get_u16(&reader);
	return wire_reader_done(&reader) && daemons->index < daemons->count ? 0 : -1;
}

int
wire_encode_handover(struct buffer *out, uint64_t request, const char *bytes, size_t len)
{
	size_t mark;

	if (len == 0 || len > WIRE_HANDOVER_MAX)
		return -1;
	wire_begin(out, WIRE_HANDOVER, 0, request, &mark);
	buffer_append(out, bytes, len);
	return wire_end(out, mark);
}

void
wire_encode_taken(struct buffer *out, uint64_t request)
{
	size_t mark;

	wire_begin(out, WIRE_TAKEN, 0, request, &mark);
	wire_end(out, mark);
}

int
wire_decode_taken(const struct wire_header *header, const char *payload)
{
	(void)payload;
	return header->length == 0 ? 0 : -1;
}
