/*
 * See fastcgi_record.h. Nothing is copied before its record is whole, and a record is at most
 * 65,798 bytes: so a wrong length costs no more than that, or the connection's end is in it.
 */
#include "sessiond/fastcgi/fastcgi_record.h"

#include <string.h>
#include <strings.h>

enum {
	PROTOCOL_VERSION = 1,
	REQUEST_ID = 1,
	ROLE_RESPONDER = 1,
	HEADER = 8,
	CONTENT_MAX = 65528, /* of our records: the largest that needs no padding */
	END_CONTENT = 8,
	SHORT_LENGTH_MAX = 127,

	BEGIN_REQUEST = 1,
	END_REQUEST = 3,
	PARAMS = 4,
	STDIN = 5,
	STDOUT = 6,
	STDERR = 7,
};

/* --- the request ------------------------------------------------------------------------------ */

static void
append_header(struct buffer *out, unsigned type, size_t content)
{
	const char header[HEADER] = {
	    PROTOCOL_VERSION, (char)type, 0, REQUEST_ID, (char)(content >> 8), (char)content, 0, 0};

	buffer_append(out, header, sizeof header);
}

/* A stream of records, with the empty one that ends it. */
static void
append_stream(struct buffer *out, unsigned type, const char *content, size_t len)
{
	size_t n;

	for (; len > 0; content += n, len -= n) {
		n = len < CONTENT_MAX ? len : CONTENT_MAX;
		append_header(out, type, n);
		buffer_append(out, content, n);
	}
	append_header(out, type, 0);
}

static void
append_length(struct buffer *out, size_t length)
{
	const char bytes[] = {(char)(0x80 | (length >> 24 & 0x7f)), (char)(length >> 16),
	    (char)(length >> 8), (char)length};

	if (length <= SHORT_LENGTH_MAX)
		buffer_append_char(out, (char)length);
	else
		buffer_append(out, bytes, sizeof bytes);
}

static void
append_param(struct buffer *out, const struct fastcgi_param *param)
{
	if (param->value == NULL)
		return;
	append_length(out, strlen(param->name));
	append_length(out, strlen(param->value));
	buffer_append_str(out, param->name);
	buffer_append_str(out, param->value);
}

void
fastcgi_append_request(struct buffer *out, const struct fastcgi_param *params, size_t count,
    const char *body, size_t len)
{
	const char begin[] = {0, ROLE_RESPONDER, 0 /* it closes */, 0, 0, 0, 0, 0};
	struct buffer pairs = BUFFER_INIT;
	size_t i;

	for (i = 0; i < count; i++)
		append_param(&pairs, &params[i]);
	append_header(out, BEGIN_REQUEST, sizeof begin);
	buffer_append(out, begin, sizeof begin);
	append_stream(out, PARAMS, pairs.data, pairs.len);
	append_stream(out, STDIN, body, len);
	out->failed |= buffer_failed(&pairs);
	buffer_free(&pairs);
}

/* --- the answer ------------------------------------------------------------------------------- */

const char *
fastcgi_error_text(enum fastcgi_error error)
{
	static const char *const texts[] = {
	    [-FASTCGI_BAD_VERSION] = "is no FastCGI",
	    [-FASTCGI_BAD_ID] = "has a record of another request",
	    [-FASTCGI_BAD_TYPE] = "has a record that does not belong there",
	    [-FASTCGI_BAD_END] = "has a broken end",
	    [-FASTCGI_TOO_LONG] = "is too long",
	    [-FASTCGI_NO_MEMORY] = "does not fit into memory",
	    [-FASTCGI_BAD_HEAD] = "does not begin with headers and an empty line",
	    [-FASTCGI_BAD_STATUS] = "has a Status header that is no HTTP status",
	};

	return texts[-(int)error];
}

static enum fastcgi_error
append_to(struct buffer *to, const char *content, size_t len)
{
	buffer_append(to, content, len);
	return buffer_failed(to) ? FASTCGI_NO_MEMORY : 0;
}

static enum fastcgi_error
take_end(struct fastcgi_answer *answer, const unsigned char *content, size_t len)
{
	if (len < END_CONTENT)
		return FASTCGI_BAD_END;
	answer->app_status = (uint32_t)content[0] << 24 | (uint32_t)content[1] << 16 |
	    (uint32_t)content[2] << 8 | content[3];
	answer->refusal = content[4];
	answer->is_over = true;
	return 0;
}

static enum fastcgi_error
take_content(struct fastcgi_answer *answer, unsigned type, const char *content, size_t len)
{
	switch (type) {
	case STDOUT:
		return append_to(&answer->out, content, len);
	case STDERR:
		return append_to(&answer->errors, content, len);
	case END_REQUEST:
		return take_end(answer, (const unsigned char *)content, len);
	default:
		return FASTCGI_BAD_TYPE;
	}
}

int
fastcgi_answer_take(struct fastcgi_answer *answer, const char *data, size_t len)
{
	const unsigned char *header = (const unsigned char *)data;
	size_t content, size;
	enum fastcgi_error error;

	if (len > 0 && header[0] != PROTOCOL_VERSION)
		return FASTCGI_BAD_VERSION;
	if (len < HEADER)
		return FASTCGI_MORE;
	if ((header[2] << 8 | header[3]) != REQUEST_ID)
		return FASTCGI_BAD_ID;
	content = (size_t)header[4] << 8 | header[5];
	size = HEADER + content + header[6];
	if (size > answer->limit - answer->received)
		return FASTCGI_TOO_LONG;
	if (size > len)
		return FASTCGI_MORE;
	answer->received += size;
	error = take_content(answer, header[1], data + HEADER, content);
	return error != 0 ? (int)error : (int)size;
}

/* --- the response ----------------------------------------------------------------------------- */

/* The length of a line with its newline; 0: it has none. */
static size_t
line_length(const char *at, size_t len)
{
	const char *end = len == 0 ? NULL : memchr(at, '\n', len);

	return end == NULL ? 0 : (size_t)(end - at) + 1;
}

static bool
is_empty_line(const char *line, size_t len)
{
	return len == 1 || (len == 2 && line[0] == '\r');
}

static bool
has_name(const char *line, size_t len, const char *name)
{
	return len >= strlen(name) && strncasecmp(line, name, strlen(name)) == 0;
}

/* value: what is behind "Status:", with the newline. */
static enum fastcgi_error
read_status(const char *value, size_t len, unsigned *status)
{
	size_t at = 0;

	while (at < len && (value[at] == ' ' || value[at] == '\t'))
		at++;
	for (*status = 0; value[at] >= '0' && value[at] <= '9' && *status < 1000; at++)
		*status = *status * 10 + (unsigned)(value[at] - '0');
	return *status >= 100 && *status <= 599 ? 0 : FASTCGI_BAD_STATUS;
}

static enum fastcgi_error
read_line(const char *line, size_t len, struct fastcgi_response *response)
{
	static const char status[] = "Status:", location[] = "Location:";

	if (has_name(line, len, status))
		return read_status(line + strlen(status), len - strlen(status), &response->status);
	if (memchr(line, ':', len) == NULL)
		return FASTCGI_BAD_HEAD;
	if (has_name(line, len, location) && response->status == 0)
		response->status = 302;
	return 0;
}

enum fastcgi_error
fastcgi_answer_read(const struct fastcgi_answer *answer, struct fastcgi_response *response)
{
	const char *at = answer->out.data;
	size_t left = answer->out.len, n;
	enum fastcgi_error error = 0;

	*response = (struct fastcgi_response){.status = 0};
	while ((n = line_length(at, left)) > 0 && !is_empty_line(at, n) && error == 0) {
		error = read_line(at, n, response);
		at += n;
		left -= n;
	}
	if (error != 0)
		return error;
	if (n == 0)
		return FASTCGI_BAD_HEAD;
	if (response->status == 0)
		response->status = 200;
	response->body = at + n;
	response->body_len = left - n;
	return 0;
}

void
fastcgi_answer_free(struct fastcgi_answer *answer)
{
	buffer_free(&answer->out);
	buffer_free(&answer->errors);
}
