/* See outgoing.h. */
#include "fcgi/webserver/outgoing.h"

#include "fastcgi/fastcgi_framing.h"

enum { USUAL = 1024 }; /* bytes: most responses have room there */

struct buffer *
outgoing_content(struct outgoing *outgoing)
{
	struct buffer *bytes = &outgoing->bytes;

	if (outgoing->open != 0)
		return bytes;
	buffer_reserve(bytes, USUAL);
	/* Written over when the record is closed. */
	fastcgi_append_header(bytes, FCGI_STDOUT, FCGI_NULL_REQUEST_ID, 0);
	outgoing->open = bytes->len;
	return bytes;
}

/* A record is never empty, which would end the stream, and may have grown too large for one. */
static void
split(struct buffer *bytes, size_t begin, unsigned id)
{
	struct buffer content = BUFFER_INIT;

	buffer_append(
	    &content, bytes->data + begin + FCGI_HEADER_LEN, bytes->len - begin - FCGI_HEADER_LEN);
	buffer_truncate(bytes, begin);
	fastcgi_append_stream(bytes, FCGI_STDOUT, id, content.data, content.len);
	bytes->failed |= buffer_failed(&content);
	buffer_free(&content);
}

static void
close_record(struct outgoing *outgoing, unsigned id)
{
	struct buffer *bytes = &outgoing->bytes;
	size_t begin = outgoing->open - FCGI_HEADER_LEN, content = bytes->len - outgoing->open;

	outgoing->open = 0;
	if (buffer_failed(bytes))
		return;
	if (content > 0 && content <= FCGI_MAX_LENGTH)
		fastcgi_write_header(
		    (unsigned char *)bytes->data + begin, FCGI_STDOUT, id, content);
	else
		split(bytes, begin, id);
}

void
outgoing_put(struct outgoing *outgoing, unsigned id, const char *content, size_t len)
{
	struct buffer *bytes = outgoing_content(outgoing);

	if (len <= FCGI_MAX_LENGTH && bytes->len - outgoing->open <= FCGI_MAX_LENGTH - len) {
		buffer_append(bytes, content, len);
		close_record(outgoing, id);
		return;
	}
	close_record(outgoing, id);
	fastcgi_append_stream(bytes, FCGI_STDOUT, id, content, len);
}

void
outgoing_end(struct outgoing *outgoing, unsigned id)
{
	static const FCGI_EndRequestBody done = {.protocolStatus = FCGI_REQUEST_COMPLETE};
	struct buffer *bytes = &outgoing->bytes;

	if (outgoing->open != 0)
		close_record(outgoing, id);
	fastcgi_append_header(bytes, FCGI_STDOUT, id, 0);
	fastcgi_append_header(bytes, FCGI_END_REQUEST, id, sizeof done);
	buffer_append(bytes, &done, sizeof done);
}
