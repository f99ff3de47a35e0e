/*
 * Servers under test are trusted: what they send is only told apart, not judged.
 */
#include "bench/load/http_answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define HEAD_START  "HTTP/1.1 "
#define NO_CONTENT  204
#define NOT_CHANGED 304

const char *
http_header(const char *head, size_t head_len, const char *name, size_t *len)
{
	const char *end = head + head_len, *line = memchr(head, '\n', head_len);
	size_t name_len = strlen(name);

	while (line && ++line < end) {
		const char *next = memchr(line, '\n', (size_t)(end - line));

		if ((size_t)(end - line) > name_len + 2 && line[name_len] == ':' &&
		    strncasecmp(line, name, name_len) == 0) {
			line += name_len + 1;
			line += strspn(line, " ");
			*len = strcspn(line, "\r\n");
			return line;
		}
		line = next;
	}
	return NULL;
}

static bool
header_is(const char *head, size_t head_len, const char *name, const char *value)
{
	size_t len;
	const char *found = http_header(head, head_len, name, &len);

	return found && len == strlen(value) && strncasecmp(found, value, len) == 0;
}

/* The length of a chunked body that begins at data; 0 if its end is not there yet. */
static size_t
chunked_length(const char *data, size_t len)
{
	const char *at = data, *end = data + len;

	for (;;) {
		const char *line = memchr(at, '\n', (size_t)(end - at));
		size_t size;

		if (!line)
			return 0;
		size = strtoul(at, NULL, 16);
		if ((size_t)(end - line - 1) < size + 2)
			return 0;
		at = line + 1 + size + 2;
		if (size == 0)
			return (size_t)(at - data);
	}
}

/* *body: the body's length. Returns as http_answer_find. */
static int
find_body(const char *data, size_t len, const struct http_answer *answer, size_t *body)
{
	size_t value_len, there = len - answer->head_len;
	const char *length = http_header(data, answer->head_len, "Content-Length", &value_len);

	*body = 0;
	if (answer->status == NO_CONTENT || answer->status == NOT_CHANGED)
		return 1;
	if (header_is(data, answer->head_len, "Transfer-Encoding", "chunked")) {
		*body = chunked_length(data + answer->head_len, there);
		return *body > 0;
	}
	if (!length)
		return -1;
	*body = strtoul(length, NULL, 10);
	return there >= *body;
}

int
http_answer_find(const char *data, size_t len, struct http_answer *answer)
{
	const char *head_end = len > 0 ? memmem(data, len, "\r\n\r\n", 4) : NULL;
	size_t body;
	int found;

	if (!head_end)
		return 0;
	if (strncmp(data, HEAD_START, strlen(HEAD_START)) != 0)
		return -1;
	answer->status = atoi(data + strlen(HEAD_START));
	answer->head_len = (size_t)(head_end - data) + 4;
	answer->closes = header_is(data, answer->head_len, "Connection", "close");
	found = find_body(data, len, answer, &body);
	answer->len = answer->head_len + body;
	return found;
}
