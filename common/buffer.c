/*
 * See buffer.h. Used for everything whose size a peer decides; grows by doubling, so appending n
 * bytes costs O(n).
 */
#include "common/buffer.h"

#include <assert.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	SMALLEST = 64,	    /* first allocation, bytes */
	KEEP_EMPTY = 16384, /* an emptied buffer larger than this gives its storage back */
};

void
buffer_init(struct buffer *b)
{
	*b = (struct buffer)BUFFER_INIT;
}

void
buffer_free(struct buffer *b)
{
	free(b->base);
	buffer_init(b);
}

void
buffer_truncate(struct buffer *b, size_t len)
{
	assert(len <= b->len);
	b->len = len;
	b->failed = false;
}

/*
 * Moves the content to the front of storage that has at least `need` bytes of room; the room
 * doubles, at least.
 */
static int
grow(struct buffer *b, size_t need)
{
	size_t consumed = (size_t)(b->data - b->base);
	size_t total = consumed + b->room;
	char *base;

	if (consumed >= need - b->room && consumed >= b->len) {
		memmove(b->base, b->data, b->len);
		b->data = b->base;
		b->room = total;
		return 0;
	}
	total = b->room < SMALLEST / 2 ? SMALLEST : b->room;
	while (total < need)
		total = total > SIZE_MAX / 2 ? need : total * 2;
	base = malloc(total);
	if (base == NULL)
		return -1;
	if (b->len > 0)
		memcpy(base, b->data, b->len);
	free(b->base);
	b->base = b->data = base;
	b->room = total;
	return 0;
}

/* Most of what is appended is short and fits. */
static bool
has_room(const struct buffer *b, size_t n)
{
	return n <= b->room - b->len && !b->failed;
}

/* Not inline: what is there already costs no more than the comparison. */
__attribute__((noinline)) static char *
make_room(struct buffer *b, size_t extra)
{
	if (b->failed)
		return NULL;
	/* NULL means failure, so even no bytes need a place. */
	if (b->data == NULL && extra == 0)
		extra = 1;
	if (extra > SIZE_MAX - b->len || grow(b, b->len + extra) == -1) {
		b->failed = true;
		return NULL;
	}
	return b->data + b->len;
}

char *
buffer_reserve(struct buffer *b, size_t extra)
{
	return has_room(b, extra) && b->data != NULL ? b->data + b->len : make_room(b, extra);
}

void
buffer_append(struct buffer *b, const void *bytes, size_t n)
{
	if (n == 0 || (!has_room(b, n) && buffer_reserve(b, n) == NULL))
		return;
	memcpy(b->data + b->len, bytes, n);
	b->len += n;
}

void
buffer_append_char(struct buffer *b, char c)
{
	buffer_append_short(b, &c, 1);
}

void
buffer_append_str(struct buffer *b, const char *str)
{
	buffer_append(b, str, strlen(str));
}

void
buffer_printf(struct buffer *b, const char *format, ...)
{
	va_list args, again;
	char *to;
	int n;

	va_start(args, format);
	va_copy(again, args);
	n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	/* One byte more than is counted: vsnprintf ends with a NUL. */
	to = n < 0 ? NULL : buffer_reserve(b, (size_t)n + 1);
	if (n < 0) {
		b->failed = true;
	} else if (to != NULL) {
		vsnprintf(to, (size_t)n + 1, format, again);
		b->len += (size_t)n;
	}
	va_end(again);
}

void
buffer_consume(struct buffer *b, size_t n)
{
	assert(n <= b->len);
	if (n == 0)
		return;
	b->data += n;
	b->room -= n;
	b->len -= n;
	if (b->len > 0)
		return;
	buffer_clear(b);
	if (b->room > KEEP_EMPTY) {
		free(b->base);
		b->base = b->data = NULL;
		b->room = 0;
	}
}
