/*
 * A growing byte buffer: appended at the end, consumed at the front.
 *
 * An allocation that fails is remembered, not reported at each call: appends become no-ops and
 * buffer_failed() is true until buffer_free(). So a caller appends a whole answer and checks once.
 * Peer-sized content must be capped by the caller.
 */
#ifndef COMMON_BUFFER_H
#define COMMON_BUFFER_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct buffer {
	char *data; /* the first unconsumed byte; NULL before the first append; no NUL at the end */
	size_t len; /* bytes at data */
	size_t room; /* bytes allocated from data on, len included */
	char *base;  /* what malloc returned; data - base bytes were consumed */
	bool failed;
};

#define BUFFER_INIT                                                                                \
	{                                                                                          \
		NULL, 0, 0, NULL, false                                                            \
	}

/* Makes b empty without storage. Equal to assigning BUFFER_INIT. */
void buffer_init(struct buffer *b);

/*
 * Frees the storage, makes b empty and forgets a failure. Safe on a buffer that was initialised
 * only, and twice.
 */
void buffer_free(struct buffer *b);

/* Makes b empty; keeps its storage and its failure. */
static inline void
buffer_clear(struct buffer *b)
{
	b->room += (size_t)(b->data - b->base);
	b->data = b->base;
	b->len = 0;
}

/*
 * True if an append since the last buffer_free() ran out of memory (or buffer_printf could not
 * format its arguments): the content is then incomplete.
 */
static inline bool
buffer_failed(const struct buffer *b)
{
	return b->failed;
}

/*
 * Takes back what was appended after the first len bytes, and a failure with it, if the caller
 * knows that there was none before.
 */
void buffer_truncate(struct buffer *b, size_t len);

/*
 * Makes room for `extra` more bytes and returns where they go (data + len); the caller writes up to
 * `extra` of them and calls buffer_added. NULL if there is no memory (and buffer_failed is then
 * true).
 */
char *buffer_reserve(struct buffer *b, size_t extra);

/* Counts n bytes, written after the last buffer_reserve of at least n, as content. */
static inline void
buffer_added(struct buffer *b, size_t n)
{
	assert(n <= b->room - b->len);
	b->len += n;
}

/*
 * Append copies, of bytes that are not in b itself: n bytes, one byte, a NUL-terminated string
 * without its NUL, a formatted text.
 */
void buffer_append(struct buffer *b, const void *bytes, size_t n);
void buffer_append_char(struct buffer *b, char c);
void buffer_append_str(struct buffer *b, const char *str);
void buffer_printf(struct buffer *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* buffer_append for a few bytes, whose number the compiler knows: where it counts. */
static inline void
buffer_append_short(struct buffer *b, const char *bytes, size_t n)
{
	if (n > b->room - b->len || b->failed) {
		buffer_append(b, bytes, n);
		return;
	}
	memcpy(b->data + b->len, bytes, n);
	b->len += n;
}

/*
 * Drops the first n (<= len) bytes. Cheap: moves nothing; storage is freed when the buffer becomes
 * empty and is large.
 */
void buffer_consume(struct buffer *b, size_t n);

#endif
