/*
 * Takes the chunks of an answer apart (RFC 9112, 7.1), as they come.
 */
#ifndef SESSIOND_CTL_CHUNK_READER_H
#define SESSIOND_CTL_CHUNK_READER_H

#include "common/buffer.h"

#include <stddef.h>

/* All zero bytes: nothing was read. */
struct chunk_reader {
	enum {
		CHUNK_SIZE,	/* its digits */
		CHUNK_SIZE_END, /* what is behind them */
		CHUNK_DATA,
		CHUNK_DATA_END,
		CHUNK_LAST, /* the last one was read */
	} state;
	size_t left; /* bytes of data */
	int digits;
};

/*
 * Takes n bytes, and appends what the chunks have in them. Returns 0: there is more to come, 1: the
 * last chunk has come, -1: these are no chunks.
 */
int chunk_reader_feed(struct chunk_reader *reader, const char *bytes, size_t n, struct buffer *out);

#endif
