/*
 * A frame's head is gathered bytewise, and its payload skipped.
 */
#include "bench/load/frames.h"

#include <string.h>

#define FIN	      0x80
#define OPCODE	      0x0f
#define OPCODE_BINARY 2
#define OPCODE_CLOSE  8
#define OPCODE_PING   9

unsigned
count_marks(const char *data, size_t len)
{
	const char *end = data + len, *found;
	unsigned count = 0;

	while (data < end && (found = memchr(data, MESSAGE_MARK, (size_t)(end - data)))) {
		count++;
		data = found + 1;
	}
	return count;
}

static size_t
head_size(const struct frame_reader *r)
{
	if (r->head_len < 2 || r->head[1] < 126)
		return 2;
	return r->head[1] == 126 ? 4 : 10;
}

static uint64_t
payload_size(const struct frame_reader *r)
{
	uint64_t size = 0;

	if (r->head[1] < 126)
		return r->head[1];
	for (size_t i = 2; i < head_size(r); i++)
		size = size << 8 | r->head[i];
	return size;
}

static bool
is_data(const struct frame_reader *r)
{
	return (r->head[0] & OPCODE) <= OPCODE_BINARY;
}

/* The payload's end has come. */
static int
end_frame(struct frame_reader *r, bool compressed)
{
	int count = compressed && is_data(r) && (r->head[0] & FIN) ? 1 : 0;

	r->head_len = 0;
	return count;
}

static int
take_payload(struct frame_reader *r, const char **data, const char *end, bool compressed)
{
	size_t len = (size_t)(end - *data);
	int count = 0;

	if (len > r->left)
		len = (size_t)r->left;
	if (!compressed && is_data(r))
		count = (int)count_marks(*data, len);
	*data += len;
	r->left -= len;
	return count + (r->left == 0 ? end_frame(r, compressed) : 0);
}

int
frame_reader_take(struct frame_reader *r, const char *data, size_t len, bool compressed)
{
	const char *end = data + len;
	int count = 0;

	while (data < end) {
		if (r->left > 0) {
			count += take_payload(r, &data, end, compressed);
			continue;
		}
		r->head[r->head_len++] = (uint8_t)*data++;
		if (r->head_len < 2 || r->head_len < head_size(r))
			continue;
		if ((r->head[0] & OPCODE) == OPCODE_CLOSE)
			return -1;
		r->pings += (r->head[0] & OPCODE) == OPCODE_PING;
		r->left = payload_size(r);
		if (r->left == 0)
			count += end_frame(r, compressed);
	}
	return count;
}
