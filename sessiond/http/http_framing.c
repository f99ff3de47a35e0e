/*
 * See http_framing.h. The grammar is RFC 9112's without what it only lets recipients tolerate: a
 * line ends with CRLF, one blank stands between the parts of a request line. Each state has a judge
 * for a whole line, but those in which bytes are only counted.
 */
#include "sessiond/http/http_framing.h"

#include "sockjs/request_target.h"
#include "sockjs/swar.h"

#include <string.h>
#include <strings.h>

/* A refusal, to be returned. */
#define REFUSAL(status, text)                                                                      \
	({                                                                                         \
		static const struct http_refusal refusal_ = {status, text};                        \
		&refusal_;                                                                         \
	})

static const bool is_token_char[256] = {
    ['0' ... '9'] = true,
    ['A' ... 'Z'] = true,
    ['a' ... 'z'] = true,
    ['!'] = true,
    ['#'] = true,
    ['$'] = true,
    ['%'] = true,
    ['&'] = true,
    ['\''] = true,
    ['*'] = true,
    ['+'] = true,
    ['-'] = true,
    ['.'] = true,
    ['^'] = true,
    ['_'] = true,
    ['`'] = true,
    ['|'] = true,
    ['~'] = true,
};

/* Of a line, whose end is no character of a token. */
static size_t
token_span(const char *line)
{
	const char *end = line;

	while (is_token_char[(unsigned char)*end])
		end++;
	return (size_t)(end - line);
}

bool
http_is_token(const char *text)
{
	size_t len = token_span(text);

	return len > 0 && text[len] == '\0';
}

/* No control character and no blank. */
static bool
is_visible(const char *bytes, size_t len)
{
	size_t i;

	for (i = 0; i + SWAR_STEP <= len; i += SWAR_STEP) {
		uint64_t word = swar_load(bytes + i);

		if ((swar_below(word, '!') | swar_equal(word, 0x7f)) != 0)
			return false;
	}
	for (; i < len; i++)
		if ((unsigned char)bytes[i] < '!' || bytes[i] == 0x7f)
			return false;
	return true;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* --- the request line ------------------------------------------------------------------------- */

static bool
is_version(const char *text)
{
	return memcmp(text, "HTTP/", 5) == 0 && is_digit(text[5]) && text[6] == '.' &&
	    is_digit(text[7]);
}

/* The host of an absolute target, up to its path or query. */
static bool
is_absolute(const char *target, size_t len)
{
	size_t scheme = request_target_scheme(target, len),
	       host = request_target_host_span(target + scheme, len - scheme);

	return scheme > 0 && host > 0 &&
	    (scheme + host == len || strchr("/?#", target[scheme + host]) != NULL);
}

/* One of four forms (RFC 9112 3.2). */
static bool
is_target(const char *method, size_t method_len, const char *target, size_t len)
{
	if (!is_visible(target, len))
		return false;
	if (target[0] == '/')
		return true;
	if (len == 1 && target[0] == '*')
		return method_len == 7 && memcmp(method, "OPTIONS", 7) == 0;
	if (method_len == 7 && memcmp(method, "CONNECT", 7) == 0)
		return request_target_host_span(target, len) == len;
	return is_absolute(target, len);
}

static bool
is_elsewhere(struct http_framing *framing, const char *target, size_t len)
{
	bool stays = framing->stays;

	framing->stays = false;
	return !stays && framing->is_elsewhere(framing->context, target, len);
}

static const struct http_refusal *
judge_request_line(struct http_framing *framing, const char *line, size_t len)
{
	enum { VERSION_LEN = 8 }; /* bytes of HTTP/1.1 */
	size_t method = token_span(line);

	/* Some clients write an empty line behind a body (RFC 9112 2.2). */
	if (len == 0)
		return NULL;
	if (method == 0 || method == len || line[method] != ' ')
		return REFUSAL(400, "the method is no token");
	if (len < method + 2 + 1 + VERSION_LEN || line[len - VERSION_LEN - 1] != ' ' ||
	    !is_version(line + len - VERSION_LEN))
		return REFUSAL(400, "the request line has no version");
	if (!is_target(line, method, line + method + 1, len - VERSION_LEN - 1 - method - 1))
		return REFUSAL(400, "the target is none");
	framing->is_http11 = line[len - 3] > '1' || (line[len - 3] == '1' && line[len - 1] != '0');
	framing->has_length = framing->is_chunked = framing->has_encoding = false;
	framing->has_host = framing->offers_upgrade = false;
	framing->length = 0;
	framing->state = HTTP_FRAMING_FIELD;
	if (framing->is_elsewhere != NULL &&
	    is_elsewhere(framing, line + method + 1, len - VERSION_LEN - 1 - method - 1))
		framing->state = HTTP_FRAMING_ELSEWHERE;
	return NULL;
}

/* --- the fields that frame -------------------------------------------------------------------- */

static const struct http_refusal *
take_host(struct http_framing *framing, const char *value, size_t len)
{
	if (framing->has_host)
		return REFUSAL(400, "two Hosts");
	framing->has_host = true;
	return request_target_host_span(value, len) == len
	    ? NULL
	    : REFUSAL(400, "the Host is no host's name");
}

static const struct http_refusal *
take_length(struct http_framing *framing, const char *value, size_t len)
{
	uint64_t length = 0;
	size_t i;

	if (len == 0)
		return REFUSAL(400, "an empty Content-Length");
	for (i = 0; i < len; i++) {
		if (!is_digit(value[i]))
			return REFUSAL(400, "Content-Length is no number");
		if (length > (INT64_MAX - 9) / 10)
			return REFUSAL(413, "Content-Length is too large");
		length = length * 10 + (uint64_t)(value[i] - '0');
	}
	if (framing->has_length && framing->length != length)
		return REFUSAL(400, "two Content-Lengths");
	framing->has_length = true;
	framing->length = length;
	return NULL;
}

static bool
ends_with_chunked(const char *value, size_t len)
{
	static const size_t chunked = sizeof "chunked" - 1;

	return len > chunked && strncasecmp(value + len - chunked, "chunked", chunked) == 0 &&
	    strchr(" \t,", value[len - chunked - 1]) != NULL &&
	    memchr(value, ',', len - chunked) != NULL;
}

static const struct http_refusal *
take_encoding(struct http_framing *framing, const char *value, size_t len)
{
	/* Proxies disagree about two of them. */
	if (framing->has_encoding)
		return REFUSAL(400, "two Transfer-Encodings");
	framing->has_encoding = true;
	framing->is_chunked =
	    len == sizeof "chunked" - 1 && strncasecmp(value, "chunked", len) == 0;
	if (framing->is_chunked)
		return NULL;
	return ends_with_chunked(value, len)
	    ? REFUSAL(501, "an unknown transfer coding")
	    : REFUSAL(400, "the last transfer coding is not chunked");
}

static const struct http_refusal *
take_upgrade(struct http_framing *framing, const char *value, size_t len)
{
	(void)value;
	(void)len;
	framing->offers_upgrade = true;
	return NULL;
}

static const struct {
	const char *name;
	size_t len;
	const struct http_refusal *(*take)(
	    struct http_framing *framing, const char *value, size_t len);
} fields[] = {
    {"host", sizeof "host" - 1, take_host},
    {"content-length", sizeof "content-length" - 1, take_length},
    {"transfer-encoding", sizeof "transfer-encoding" - 1, take_encoding},
    {"upgrade", sizeof "upgrade" - 1, take_upgrade},
};

/* Whether a name of that length is among them. */
static const bool has_field_of[] = {[4] = true, [7] = true, [14] = true, [17] = true};

static const struct http_refusal *
take_field(struct http_framing *framing, const char *line, size_t name, size_t len)
{
	const char *value = line + name + 1, *end = line + len;
	size_t i;

	if (name >= sizeof has_field_of || !has_field_of[name])
		return NULL;
	for (i = 0; i < sizeof fields / sizeof fields[0]; i++)
		if (name == fields[i].len && strncasecmp(line, fields[i].name, name) == 0)
			break;
	if (i == sizeof fields / sizeof fields[0])
		return NULL;
	while (value < end && (*value == ' ' || *value == '\t'))
		value++;
	while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	return fields[i].take(framing, value, (size_t)(end - value));
}

/* --- all fields ------------------------------------------------------------------------------- */

static const struct http_refusal *
judge_name(const char *line, size_t name, size_t len)
{
	if (name > 0 && name < len && line[name] == ':')
		return NULL;
	if (line[0] == ' ' || line[0] == '\t')
		return REFUSAL(400, "a folded line");
	if (name == len)
		return REFUSAL(400, "a field without a colon");
	if (name > 0 && (line[name] == ' ' || line[name] == '\t'))
		return REFUSAL(400, "a blank before a colon, or within a field's name");
	return REFUSAL(400, "a field's name is no token");
}

static const struct http_refusal *
end_head(struct http_framing *framing)
{
	if (framing->is_http11 && !framing->has_host)
		return REFUSAL(400, "no Host");
	if (framing->has_encoding && framing->has_length)
		return REFUSAL(400, "both Content-Length and Transfer-Encoding");
	if (framing->has_encoding && !framing->is_http11)
		return REFUSAL(400, "Transfer-Encoding in HTTP/1.0");
	framing->heads++;
	framing->head_len = 0;
	framing->left = framing->length;
	if (framing->is_chunked)
		framing->state = HTTP_FRAMING_CHUNK_SIZE;
	else if (framing->length > 0)
		framing->state = HTTP_FRAMING_BODY;
	else
		framing->state = framing->offers_upgrade && framing->is_http11
		    ? HTTP_FRAMING_OFFERED
		    : HTTP_FRAMING_REQUEST_LINE;
	return NULL;
}

static const struct http_refusal *
judge_field(struct http_framing *framing, const char *line, size_t len)
{
	size_t name = token_span(line);
	const struct http_refusal *refusal;

	if (len == 0)
		return end_head(framing);
	refusal = judge_name(line, name, len);
	return refusal != NULL ? refusal : take_field(framing, line, name, len);
}

/* --- chunks (RFC 9112 7.1) -------------------------------------------------------------------- */

static int
hex_value(char c)
{
	if (is_digit(c))
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static const struct http_refusal *
judge_chunk_size(struct http_framing *framing, const char *line, size_t len)
{
	uint64_t size = 0;
	size_t i;

	for (i = 0; i < len && hex_value(line[i]) >= 0; i++) {
		if (size > UINT64_MAX / 32)
			return REFUSAL(413, "a chunk's size is too large");
		size = size * 16 + (uint64_t)hex_value(line[i]);
	}
	if (i == 0 || (i < len && line[i] != ';'))
		return REFUSAL(400, "a chunk's size is no number");
	framing->left = size;
	framing->state = size > 0 ? HTTP_FRAMING_CHUNK_DATA : HTTP_FRAMING_TRAILER;
	return NULL;
}

static const struct http_refusal *
judge_chunk_end(struct http_framing *framing, const char *line, size_t len)
{
	(void)line;
	framing->state = HTTP_FRAMING_CHUNK_SIZE;
	return len == 0 ? NULL : REFUSAL(400, "a chunk is longer than its size");
}

static const struct http_refusal *
judge_trailer(struct http_framing *framing, const char *line, size_t len)
{
	if (len > 0)
		return judge_name(line, token_span(line), len);
	framing->state = HTTP_FRAMING_REQUEST_LINE;
	return NULL;
}

/* --- lines ------------------------------------------------------------------------------------ */

static const struct http_refusal *(*const judges[])(
    struct http_framing *framing, const char *line, size_t len) = {
    [HTTP_FRAMING_REQUEST_LINE] = judge_request_line,
    [HTTP_FRAMING_FIELD] = judge_field,
    [HTTP_FRAMING_CHUNK_SIZE] = judge_chunk_size,
    [HTTP_FRAMING_CHUNK_END] = judge_chunk_end,
    [HTTP_FRAMING_TRAILER] = judge_trailer,
};

/* What no line may have, whatever it says. */
static const struct http_refusal *
judge_bytes(const char *line, size_t len)
{
	if (memchr(line, '\r', len) != NULL)
		return REFUSAL(400, "a carriage return without its line feed");
	return memchr(line, '\0', len) != NULL ? REFUSAL(400, "a NUL") : NULL;
}

static const struct http_refusal *
judge_line(struct http_framing *framing, const char *line, size_t len)
{
	const struct http_refusal *refusal;

	if (len == 0 || line[len - 1] != '\r')
		return REFUSAL(400, "a line feed without its carriage return");
	refusal = judge_bytes(line, len - 1);
	return refusal != NULL ? refusal : judges[framing->state](framing, line, len - 1);
}

/* The end of the line is not there yet. */
static const struct http_refusal *
keep_part(struct http_framing *framing, const char *data, size_t len)
{
	struct buffer *line = &framing->line;
	size_t judged = line->len == 0 ? 0 : line->len - 1; /* its last may have been a CR */

	buffer_append(line, data, len);
	if (buffer_failed(line))
		return REFUSAL(503, "no memory for a line");
	len = line->data[line->len - 1] == '\r' ? line->len - 1 : line->len;
	return judge_bytes(line->data + judged, len - judged);
}

/* These bytes are the next; libmicrohttpd could not say that there are too many of them. */
static bool
is_too_long(struct http_framing *framing, size_t len)
{
	bool is_head =
	    framing->state == HTTP_FRAMING_REQUEST_LINE || framing->state == HTTP_FRAMING_FIELD;

	framing->head_len += is_head ? len : 0;
	return is_head && framing->head_max > 0 && framing->head_len > framing->head_max;
}

/* Takes a line, or the rest or a part of one. Returns the bytes that it used. */
static size_t
take_line(
    struct http_framing *framing, const char *data, size_t len, const struct http_refusal **refusal)
{
	const char *end = memchr(data, '\n', len);
	size_t used = end == NULL ? len : (size_t)(end - data) + 1;

	if (is_too_long(framing, used)) {
		*refusal = framing->state == HTTP_FRAMING_REQUEST_LINE
		    ? REFUSAL(414, "the request line is longer than connection_memory allows")
		    : REFUSAL(431, "the head is longer than connection_memory allows");
	} else if (end == NULL) {
		*refusal = keep_part(framing, data, len);
	} else if (framing->line.len == 0) {
		*refusal = judge_line(framing, data, used - 1);
	} else {
		*refusal = keep_part(framing, data, used - 1);
		if (*refusal == NULL)
			*refusal = judge_line(framing, framing->line.data, framing->line.len);
		if (framing->state != HTTP_FRAMING_ELSEWHERE)
			buffer_free(&framing->line);
	}
	return used;
}

/* Bytes that are only counted. */
static size_t
skip(struct http_framing *framing, size_t len)
{
	size_t n = framing->left < len ? (size_t)framing->left : len;

	framing->left -= n;
	if (framing->left == 0)
		framing->state = framing->state == HTTP_FRAMING_BODY ? HTTP_FRAMING_REQUEST_LINE
								     : HTTP_FRAMING_CHUNK_END;
	return n;
}

static bool
is_counted(const struct http_framing *framing)
{
	return framing->state == HTTP_FRAMING_BODY || framing->state == HTTP_FRAMING_CHUNK_DATA;
}

static size_t
refuse(struct http_framing *framing, const struct http_refusal *refusal, size_t begin)
{
	framing->refusal = refusal;
	framing->state = HTTP_FRAMING_REFUSED;
	buffer_free(&framing->line);
	return begin;
}

/* Keeps what has come of the request, which began at `begin`; its first line ends at `pos`. */
static size_t
keep_request(struct http_framing *framing, const char *data, size_t len, size_t begin, size_t pos)
{
	static const struct http_refusal no_memory = {503, "no memory for a request"};
	/* The line has what came before of it, and all of this one's but the line feed. */
	size_t from = framing->line.len == 0 ? begin : pos - 1;

	buffer_append(&framing->line, data + from, len - from);
	return buffer_failed(&framing->line) ? refuse(framing, &no_memory, begin) : begin;
}

size_t
http_framing_feed(struct http_framing *framing, const char *data, size_t len)
{
	const struct http_refusal *refusal = NULL;
	size_t pos = 0, begin = 0; /* of the request at pos */

	/* The Upgrade was refused, if there is more to read here: this is a request. */
	if (framing->state == HTTP_FRAMING_OFFERED)
		framing->state = HTTP_FRAMING_REQUEST_LINE;
	while (pos < len && framing->state < HTTP_FRAMING_UNKNOWN) {
		if (http_framing_is_between(framing))
			begin = pos;
		if (framing->state == HTTP_FRAMING_OFFERED)
			framing->state = HTTP_FRAMING_UNKNOWN;
		else if (is_counted(framing))
			pos += skip(framing, len - pos);
		else
			pos += take_line(framing, data + pos, len - pos, &refusal);
		if (refusal != NULL)
			return refuse(framing, refusal, begin);
	}
	return framing->state == HTTP_FRAMING_ELSEWHERE
	    ? keep_request(framing, data, len, begin, pos)
	    : len;
}

bool
http_framing_is_between(const struct http_framing *framing)
{
	return framing->state == HTTP_FRAMING_OFFERED ||
	    (framing->state == HTTP_FRAMING_REQUEST_LINE && framing->line.len == 0);
}

void
http_framing_clear(struct http_framing *framing)
{
	buffer_free(&framing->line);
}
