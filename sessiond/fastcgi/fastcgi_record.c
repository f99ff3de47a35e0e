/*
 * See fastcgi_record.h. Nothing is copied before its record is whole, and a record is at most
 * 65,798 bytes: so a wrong length costs no more than that, or the connection's end is in it.
 */
#include "sessiond/fastcgi/fastcgi_record.h"

#include "fastcgi/fastcgi_framing.h"

#include <string.h>
#include <strings.h>

enum { REQUEST_ID = 1 };

/* --- the request ------------------------------------------------------------------------------ */

/* A stream of records, with the empty one that ends it. */
static void
append_stream(struct buffer *out, unsigned type, const char *content, size_t len)
{
	fastcgi_append_stream(out, type, REQUEST_ID, content, len);
	fastcgi_append_header(out, type, REQUEST_ID, 0);
}

static void
append_param(struct buffer *out, const struct fastcgi_param *param)
{
	if (param->value != NULL)
		fastcgi_append_pair(out,
		    &(struct fastcgi_pair){
			param->name, param->value, strlen(param->name), strlen(param->value)});
}

void
fastcgi_append_request(struct buffer *out, const struct fastcgi_param *params, size_t count,
    const char *body, size_t len)
{
	const FCGI_BeginRequestBody begin = {.roleB0 = FCGI_RESPONDER}; /* it closes */
	struct buffer pairs = BUFFER_INIT;
	size_t i;

	for (i = 0; i < count; i++)
		append_param(&pairs, &params[i]);
	fastcgi_append_header(out, FCGI_BEGIN_REQUEST, REQUEST_ID, sizeof begin);
	buffer_append(out, &begin, sizeof begin);
	append_stream(out, FCGI_PARAMS, pairs.data, pairs.len);
	append_stream(out, FCGI_STDIN, body, len);
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
	if (len < sizeof(FCGI_EndRequestBody))
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
	case FCGI_STDOUT:
		return append_to(&answer->out, content, len);
	case FCGI_STDERR:
		return append_to(&answer->errors, content, len);
	case FCGI_END_REQUEST:
		return take_end(answer, (const unsigned char *)content, len);
	default:
		return FASTCGI_BAD_TYPE;
	}
}

int
fastcgi_answer_take(struct fastcgi_answer *answer, const char *data, size_t len)
{
	const unsigned char *bytes = (const unsigned char *)data;
	struct fastcgi_header header;
	enum fastcgi_error error;

	if (len > 0 && bytes[0] != FCGI_VERSION_1)
		return FASTCGI_BAD_VERSION;
	if (len < FCGI_HEADER_LEN)
		return FASTCGI_MORE;
	header = fastcgi_read_header(bytes);
	if (header.id != REQUEST_ID)
		return FASTCGI_BAD_ID;
	if (header.size > answer->limit - answer->received)
		return FASTCGI_TOO_LONG;
	if (header.size > len)
		return FASTCGI_MORE;
	answer->received += header.size;
	error = take_content(answer, header.type, data + FCGI_HEADER_LEN, header.content);
	return error != 0 ? (int)error : (int)header.size;
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
