/*
 * Fuzz target: when a FastCGI request is whole. How it is cut into reads does not matter, what is
 * called whole ends with the empty record of its standard input, and what was counted is there.
 * What it carries is the contents of its records, in their order.
 *
 * Input: a byte that decides the cuts, then what a web server sends. Built with -fsanitize=fuzzer,
 * or with replay.c for the corpus.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fastcgi/fastcgi_framing.h"
#include "fcgi/webserver/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Not assert(): it has to hold in a build with NDEBUG as well. */
#define REQUIRE(condition)                                                                         \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);    \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

static enum record_progress
scan_on(struct record_scan *scan, const uint8_t *data, size_t len)
{
	enum record_progress progress;

	do {
		size_t before = scan->at, body = scan->body;

		progress = record_scan(scan, data, len);
		REQUIRE(scan->at >= before && scan->at <= len);
		if (progress == RECORD_MANAGEMENT) {
			REQUIRE(data[scan->last_begin + 1] >= 9 && data[scan->last_begin + 2] == 0);
			REQUIRE(scan->last_begin + 8 <= scan->at && !scan->last_is_body);
		}
		if (scan->last_is_body) {
			REQUIRE(scan->last_begin >= before && scan->last_begin < scan->at);
			REQUIRE(scan->at - scan->last_begin >= 8 + scan->body - body);
			REQUIRE(scan->body > body && progress == RECORD_INCOMPLETE);
		} else {
			REQUIRE(scan->body == body);
		}
	} while (
	    progress == RECORD_MANAGEMENT || (progress == RECORD_INCOMPLETE && scan->last_is_body));
	return progress;
}

/* The last record is standard input without content, of the request that was begun. */
static void
check_end(const struct record_scan *scan, const uint8_t *data)
{
	const uint8_t *last = data + scan->last_begin;

	REQUIRE(scan->id != 0);
	REQUIRE(scan->at == scan->last_begin + 8 + last[6]);
	REQUIRE(last[0] == 1 && last[1] == 5 && (unsigned)(last[2] << 8 | last[3]) == scan->id);
	REQUIRE(last[4] == 0 && last[5] == 0);
}

/* Appends the contents of the request's records of that type, from its begin to an empty one. */
static void
append_contents(
    const struct record_scan *scan, const uint8_t *data, unsigned type, struct buffer *to)
{
	struct fastcgi_header record;
	bool has_begun = false;
	size_t at;

	for (at = 0; at < scan->at; at += record.size) {
		record = fastcgi_read_header(data + at);
		has_begun |= record.type == FCGI_BEGIN_REQUEST && record.id != 0;
		if (!has_begun || record.type != type || record.id != scan->id)
			continue;
		if (record.content == 0)
			break;
		buffer_append(to, data + at + FCGI_HEADER_LEN, record.content);
	}
}

static void
check_contents(const struct record_scan *scan, const uint8_t *data)
{
	struct buffer params = BUFFER_INIT, body = BUFFER_INIT, taken = BUFFER_INIT;
	uint8_t *copy = malloc(scan->at);
	const unsigned char *joined;
	size_t len;

	REQUIRE(copy != NULL);
	memcpy(copy, data, scan->at);
	append_contents(scan, data, FCGI_PARAMS, &params);
	append_contents(scan, data, FCGI_STDIN, &body);
	record_append_body(scan, copy, &taken);
	REQUIRE(taken.len == scan->body && taken.len == body.len);
	REQUIRE(body.len == 0 || memcmp(taken.data, body.data, body.len) == 0);
	len = record_join_params(scan, copy, &joined);
	REQUIRE(len == params.len);
	REQUIRE(len == 0 || memcmp(joined, params.data, len) == 0);
	buffer_free(&params);
	buffer_free(&body);
	buffer_free(&taken);
	free(copy);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct record_scan whole = {.at = 0}, cut = {.at = 0};
	enum record_progress progress, last = RECORD_INCOMPLETE;
	unsigned random;
	size_t len = 0;

	if (size < 1)
		return 0;
	random = data[0] * 2654435761u + 1;
	data++;
	size--;
	progress = scan_on(&whole, data, size);
	if (progress == RECORD_COMPLETE) {
		check_end(&whole, data);
		check_contents(&whole, data);
	}
	while (last == RECORD_INCOMPLETE && len < size) {
		random = random * 1664525u + 1013904223u;
		len += 1 + (random >> 16) % 40;
		len = len < size ? len : size;
		last = scan_on(&cut, data, len);
	}
	REQUIRE(last == progress);
	REQUIRE(whole.at == cut.at && whole.body == cut.body && whole.id == cut.id);
	return 0;
}
