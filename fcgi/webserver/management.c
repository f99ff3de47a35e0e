/*
 * See management.h. It answers what stands between requests, or among the records
 * of one: libfcgi would write its answer where it reads the request from.
 */
#include "fcgi/webserver/management.h"

#include <stdio.h>
#include <string.h>

enum {
	HEADER = 8,
	PROTOCOL_VERSION = 1,
	GET_VALUES = 9,
	GET_VALUES_RESULT = 10,
	UNKNOWN_TYPE = 11,
	LONG_LENGTH = 0x80, /* the length has four bytes, of which this is not a part */
	VALUES = 3,
};

static void
append_head(struct buffer *out, unsigned type, size_t content)
{
	const unsigned char head[HEADER] = {PROTOCOL_VERSION, (unsigned char)type, 0, 0,
	    (unsigned char)(content >> 8), (unsigned char)content, 0, 0};

	buffer_append(out, head, sizeof head);
}

/* Reads one of the two lengths of a pair. -1: it is not there. */
static int
read_length(const unsigned char **pos, const unsigned char *end, size_t *len)
{
	const unsigned char *p = *pos;

	if (p == end)
		return -1;
	if ((p[0] & LONG_LENGTH) == 0) {
		*len = p[0];
		*pos += 1;
		return 0;
	}
	if (end - p < 4)
		return -1;
	*len = (size_t)(p[0] & ~LONG_LENGTH) << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
	*pos += 4;
	return 0;
}

/*
 * The next name; its value, which is empty in a question, is passed over. -1: no other, or it is
 * cut short.
 */
static int
next_name(const unsigned char **pos, const unsigned char *end, const char **name, size_t *len)
{
	size_t value_len;

	if (read_length(pos, end, len) == -1 || read_length(pos, end, &value_len) == -1 ||
	    *len > (size_t)(end - *pos) || value_len > (size_t)(end - *pos) - *len)
		return -1;
	*name = (const char *)*pos;
	*pos += *len + value_len;
	return 0;
}

static void
answer_values(
    const unsigned char *content, const unsigned char *end, size_t limit, struct buffer *out)
{
	static const char *const names[VALUES] = {
	    "FCGI_MAX_CONNS", "FCGI_MAX_REQS", "FCGI_MPXS_CONNS"};
	struct buffer values = BUFFER_INIT;
	bool is_told[VALUES] = {false};
	char number[24];
	const char *name;
	size_t len;

	while (next_name(&content, end, &name, &len) == 0)
		for (int i = 0; i < VALUES; i++) {
			if (is_told[i] || len != strlen(names[i]) ||
			    memcmp(name, names[i], len) != 0)
				continue;
			is_told[i] = true;
			snprintf(number, sizeof number, "%zu", i == 2 ? 0 : limit);
			buffer_append_char(&values, (char)len);
			buffer_append_char(&values, (char)strlen(number));
			buffer_append(&values, name, len);
			buffer_append_str(&values, number);
		}
	append_head(out, GET_VALUES_RESULT, values.len);
	buffer_append(out, values.data, values.len);
	buffer_free(&values);
}

void
management_answer(const unsigned char *record, size_t limit, struct buffer *out)
{
	const unsigned char unknown[8] = {record[1]}, *content = record + HEADER;
	size_t len = (size_t)record[4] << 8 | record[5];

	if (record[1] == GET_VALUES) {
		answer_values(content, content + len, limit, out);
		return;
	}
	append_head(out, UNKNOWN_TYPE, sizeof unknown);
	buffer_append(out, unknown, sizeof unknown);
}
