/*
 * Fuzz target: when a FastCGI request is whole. How it is cut into reads does not matter, what is
 * called whole ends with the empty record of its standard input, and what was counted is there.
 *
 * Input: a byte that decides the cuts, then what a web server sends. Built with -fsanitize=fuzzer,
 * or with replay.c for the corpus.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
	if (progress == RECORD_COMPLETE)
		check_end(&whole, data);
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
