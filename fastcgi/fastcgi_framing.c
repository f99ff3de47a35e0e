/* See fastcgi_framing.h. */
#include "fastcgi/fastcgi_framing.h"

enum {
	CONTENT_MAX = 65528, /* where a stream is cut: what follows is aligned without padding */
	LONG_LENGTH = 0x80,  /* the length has four bytes, of which this is not a part */
	SHORT_LENGTH_MAX = 127,
};

/* --- records ---------------------------------------------------------------------------------- */

struct fastcgi_header
fastcgi_read_header(const unsigned char *data)
{
	size_t content = (size_t)data[4] << 8 | data[5];

	return (struct fastcgi_header){
	    .version = data[0],
	    .type = data[1],
	    .id = (unsigned)data[2] << 8 | data[3],
	    .content = content,
	    .size = FCGI_HEADER_LEN + content + data[6],
	};
}

void
fastcgi_write_header(unsigned char to[FCGI_HEADER_LEN], unsigned type, unsigned id, size_t content)
{
	to[0] = FCGI_VERSION_1;
	to[1] = (unsigned char)type;
	to[2] = (unsigned char)(id >> 8);
	to[3] = (unsigned char)id;
	to[4] = (unsigned char)(content >> 8);
	to[5] = (unsigned char)content;
	to[6] = to[7] = 0;
}

void
fastcgi_append_header(struct buffer *out, unsigned type, unsigned id, size_t content)
{
	unsigned char header[FCGI_HEADER_LEN];

	fastcgi_write_header(header, type, id, content);
	buffer_append(out, header, sizeof header);
}

void
fastcgi_append_stream(
    struct buffer *out, unsigned type, unsigned id, const char *content, size_t len)
{
	size_t n;

	for (; len > 0; content += n, len -= n) {
		n = len < CONTENT_MAX ? len : CONTENT_MAX;
		fastcgi_append_header(out, type, id, n);
		buffer_append(out, content, n);
	}
}

/* --- pairs ------------------------------------------------------------------------------------ */

/* Returns the bytes of the length at pos; 0: it is not all there. */
static size_t
read_length(const unsigned char *pos, const unsigned char *end, size_t *len)
{
	if (pos == end)
		return 0;
	*len = pos[0];
	if ((pos[0] & LONG_LENGTH) == 0)
		return 1;
	if (end - pos < 4)
		return 0;
	*len = (size_t)(pos[0] & ~LONG_LENGTH) << 24 | (size_t)pos[1] << 16 | (size_t)pos[2] << 8 |
	    pos[3];
	return 4;
}

/* Reads both lengths. Returns their bytes; 0: they are not all there. */
static size_t
read_lengths(const unsigned char *at, const unsigned char *end, struct fastcgi_pair *pair)
{
	size_t name, value;

	/* As nearly all are. */
	if (end - at >= 2 && ((at[0] | at[1]) & LONG_LENGTH) == 0) {
		pair->name_len = at[0];
		pair->value_len = at[1];
		return 2;
	}
	name = read_length(at, end, &pair->name_len);
	value = name == 0 ? 0 : read_length(at + name, end, &pair->value_len);
	return value == 0 ? 0 : name + value;
}

int
fastcgi_read_pair(const unsigned char **pos, const unsigned char *end, struct fastcgi_pair *pair)
{
	const unsigned char *at = *pos;
	size_t lengths = read_lengths(at, end, pair);

	if (lengths == 0)
		return -1;
	at += lengths;
	if (pair->name_len > (size_t)(end - at) ||
	    pair->value_len > (size_t)(end - at) - pair->name_len)
		return -1;
	pair->name = (const char *)at;
	pair->value = pair->name + pair->name_len;
	*pos = at + pair->name_len + pair->value_len;
	return 0;
}

static void
append_length(struct buffer *out, size_t length)
{
	const char bytes[] = {(char)(LONG_LENGTH | (length >> 24 & 0x7f)), (char)(length >> 16),
	    (char)(length >> 8), (char)length};

	if (length <= SHORT_LENGTH_MAX)
		buffer_append_char(out, (char)length);
	else
		buffer_append(out, bytes, sizeof bytes);
}

void
fastcgi_append_pair(struct buffer *out, const struct fastcgi_pair *pair)
{
	append_length(out, pair->name_len);
	append_length(out, pair->value_len);
	buffer_append(out, pair->name, pair->name_len);
	buffer_append(out, pair->value, pair->value_len);
}
