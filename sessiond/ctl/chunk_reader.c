/*
 * See chunk_reader.h.
 */
#include "sessiond/ctl/chunk_reader.h"

#include <stdbool.h>

enum { MAX_DIGITS = 8 };

static int
digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Of a size. False: it is none. */
static bool
take_digit(struct chunk_reader *reader, char c)
{
	if (digit(c) == -1) {
		reader->state = CHUNK_SIZE_END;
		return reader->digits > 0 && (c == '\r' || c == ';');
	}
	reader->left = reader->left * 16 + (size_t)digit(c);
	return ++reader->digits <= MAX_DIGITS;
}

/* The size is there. */
static void
begin_data(struct chunk_reader *reader)
{
	reader->state = reader->left == 0 ? CHUNK_LAST : CHUNK_DATA;
	reader->digits = 0;
}

/* Any byte but those of data. False: it cannot be there. */
static bool
take(struct chunk_reader *reader, char c)
{
	if (reader->state == CHUNK_SIZE)
		return take_digit(reader, c);
	if (reader->state == CHUNK_SIZE_END && c == '\n')
		begin_data(reader);
	if (reader->state != CHUNK_DATA_END)
		return true;
	if (c == '\n')
		reader->state = CHUNK_SIZE;
	return c == '\n' || c == '\r';
}

static size_t
take_data(struct chunk_reader *reader, const char *bytes, size_t n, struct buffer *out)
{
	if (n > reader->left)
		n = reader->left;
	buffer_append(out, bytes, n);
	reader->left -= n;
	if (reader->left == 0)
		reader->state = CHUNK_DATA_END;
	return n;
}

int
chunk_reader_feed(struct chunk_reader *reader, const char *bytes, size_t n, struct buffer *out)
{
	size_t at = 0;

	while (at < n && reader->state != CHUNK_LAST) {
		if (reader->state == CHUNK_DATA)
			at += take_data(reader, bytes + at, n - at, out);
		else if (!take(reader, bytes[at++]))
			return -1;
	}
	return reader->state == CHUNK_LAST;
}
