/*
 * Fuzz target: where requests end. How the bytes were cut into reads does not matter, and whatever
 * is not refused ends in the same places for readers that are lenient each in its own way, as the
 * proxies before us may be. The fields of a head that passes libmicrohttpd by are read, too: they
 * end where its body begins, and say how long that is.
 *
 * Input: a byte that decides the cuts, then what a peer sends. Built with -fsanitize=fuzzer, or
 * with replay.c for the corpus.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sessiond/http/http_fields.h"
#include "sessiond/http/http_framing.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Not assert(): it has to hold in a build with NDEBUG as well. */
#define REQUIRE(condition)                                                                         \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);    \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

/* Ends of requests, as offsets. */
struct ends {
	size_t at[64];
	size_t count;
};

static bool
note_end(struct ends *ends, size_t at)
{
	if (ends->count == sizeof ends->at / sizeof ends->at[0])
		return false;
	ends->at[ends->count++] = at;
	return true;
}

/* --- a lenient reader ------------------------------------------------------------------------- */

/* What a reader lets pass, one bit each. */
enum {
	BARE_LF = 1,	   /* a line ends with LF, else only with CRLF */
	CUTS_AT_NUL = 2,   /* a line ends for it at a NUL */
	TRIMS_NAMES = 4,   /* a blank before the colon is ignored */
	FOLDS = 8,	   /* a line that begins with a blank is of the field before it */
	LAST_COUNTS = 16,  /* of several fields, else the first */
	LENGTH_COUNTS = 32 /* before Transfer-Encoding */
};

struct reader {
	unsigned lenience;
	const char *data;
	size_t len, pos;
	char line[4096];
	char length[64], encoding[64]; /* "": none */
};

/* Puts the next line into reader->line. False if its end has not come. */
static bool
next_line(struct reader *reader)
{
	size_t end = reader->pos, n;

	for (;; end++) {
		const char *lf = memchr(reader->data + end, '\n', reader->len - end);

		if (lf == NULL)
			return false;
		end = (size_t)(lf - reader->data);
		if ((reader->lenience & BARE_LF) != 0 ||
		    (end > reader->pos && reader->data[end - 1] == '\r'))
			break;
	}
	n = end - reader->pos;
	if (n > 0 && reader->data[end - 1] == '\r')
		n--;
	n = n < sizeof reader->line ? n : sizeof reader->line - 1;
	memcpy(reader->line, reader->data + reader->pos, n);
	reader->line[n] = '\0';
	if ((reader->lenience & CUTS_AT_NUL) == 0)
		for (; n > 0; n--)
			if (reader->line[n - 1] == '\0')
				reader->line[n - 1] = '?';
	reader->pos = end + 1;
	return true;
}

static void
keep_value(struct reader *reader, char *kept, size_t size, const char *value)
{
	if (kept[0] == '\0' || (reader->lenience & LAST_COUNTS) != 0)
		snprintf(kept, size, "%s", value + strspn(value, " \t"));
}

static void
read_field(struct reader *reader)
{
	char *colon = strchr(reader->line, ':'), *end = colon;

	if (colon == NULL)
		return;
	if ((reader->lenience & TRIMS_NAMES) != 0)
		while (end > reader->line && (end[-1] == ' ' || end[-1] == '\t'))
			end--;
	*end = '\0';
	if (strcasecmp(reader->line, "Content-Length") == 0)
		keep_value(reader, reader->length, sizeof reader->length, colon + 1);
	else if (strcasecmp(reader->line, "Transfer-Encoding") == 0)
		keep_value(reader, reader->encoding, sizeof reader->encoding, colon + 1);
}

/* False if the head has no end yet. */
static bool
read_head(struct reader *reader)
{
	char folded[sizeof reader->line] = "", first;

	reader->length[0] = reader->encoding[0] = '\0';
	do
		if (!next_line(reader))
			return false;
	while (reader->line[0] == '\0');
	while (next_line(reader)) {
		first = reader->line[0];
		if ((reader->lenience & FOLDS) != 0 && (first == ' ' || first == '\t')) {
			snprintf(folded + strlen(folded), sizeof folded - strlen(folded), "%s",
			    reader->line);
			continue;
		}
		if (folded[0] != '\0') {
			char line[sizeof reader->line];

			memcpy(line, reader->line, sizeof line);
			memcpy(reader->line, folded, sizeof line);
			read_field(reader);
			memcpy(reader->line, line, sizeof line);
		}
		snprintf(folded, sizeof folded, "%s", reader->line);
		if (first == '\0')
			return true;
	}
	return false;
}

static bool
pass_over(struct reader *reader, uint64_t count)
{
	if (count > reader->len - reader->pos)
		return false;
	reader->pos += (size_t)count;
	return true;
}

static bool
read_chunks(struct reader *reader)
{
	uint64_t size;

	do {
		if (!next_line(reader))
			return false;
		size = strtoull(reader->line, NULL, 16);
		if (size > 0 && (!pass_over(reader, size) || !next_line(reader)))
			return false;
	} while (size > 0);
	do
		if (!next_line(reader))
			return false;
	while (reader->line[0] != '\0');
	return true;
}

static bool
read_body(struct reader *reader)
{
	bool has_length = reader->length[0] != '\0', has_encoding = reader->encoding[0] != '\0';

	if (has_encoding && !(has_length && (reader->lenience & LENGTH_COUNTS) != 0))
		return read_chunks(reader);
	return pass_over(reader, has_length ? strtoull(reader->length, NULL, 10) : 0);
}

static void
read_leniently(unsigned lenience, const char *data, size_t len, struct ends *ends)
{
	static struct reader reader;

	reader.lenience = lenience;
	reader.data = data;
	reader.len = len;
	reader.pos = 0;
	while (read_head(&reader) && read_body(&reader))
		if (!note_end(ends, reader.pos))
			break;
}

/* --- ours ------------------------------------------------------------------------------------- */

static void
judge_bytewise(struct http_framing *framing, const char *data, size_t len, struct ends *ends)
{
	uint64_t heads = 0;
	size_t i;

	for (i = 0; i < len && framing->refusal == NULL; i++) {
		http_framing_feed(framing, data + i, 1);
		if (framing->heads == heads || !http_framing_is_between(framing))
			continue;
		heads = framing->heads;
		if (!note_end(ends, i + 1))
			break;
	}
}

static int
status_of(const struct http_framing *framing)
{
	return framing->refusal == NULL ? 0 : framing->refusal->status;
}

/* Bytes behind an Upgrade are judged only if they come later: no cut is like another then. */
static void
compare_cuts(const char *data, size_t len, unsigned random)
{
	struct http_framing whole = {0}, cut = {0};
	bool is_unknown = false;
	size_t part;

	http_framing_feed(&whole, data, len);
	for (; len > 0 && cut.refusal == NULL; data += part, len -= part) {
		random = random * 1664525u + 1013904223u;
		part = 1 + (random >> 16) % 40;
		part = part < len ? part : len;
		REQUIRE(http_framing_feed(&cut, data, part) <= part);
		is_unknown = is_unknown || cut.state == HTTP_FRAMING_OFFERED;
	}
	if (!is_unknown && whole.state != HTTP_FRAMING_UNKNOWN &&
	    cut.state != HTTP_FRAMING_UNKNOWN) {
		REQUIRE(status_of(&whole) == status_of(&cut));
		REQUIRE(whole.state == cut.state && whole.heads == cut.heads);
	}
	http_framing_clear(&whole);
	http_framing_clear(&cut);
}

/* --- requests of another daemon --------------------------------------------------------------- */

/* Those whose target ends with a letter of the second half. */
static bool
is_elsewhere(const void *context, const char *target, size_t len)
{
	(void)context;
	return target[len - 1] >= 'n';
}

/* Feeds bytes in pieces until a request leaves. Returns where it begins; len: none does. */
static size_t
find_leaving(const char *data, size_t len, size_t piece)
{
	struct http_framing framing = {.is_elsewhere = is_elsewhere};
	size_t pos = 0, begin = len, part;

	while (pos < len && framing.state < HTTP_FRAMING_REFUSED) {
		part = len - pos < piece ? len - pos : piece;
		REQUIRE(http_framing_feed(&framing, data + pos, part) <= part);
		pos += part;
	}
	/* All that was read of it is kept, and nothing else. */
	if (framing.state == HTTP_FRAMING_ELSEWHERE) {
		REQUIRE(framing.line.len > 0 && framing.line.len <= pos);
		begin = pos - framing.line.len;
		REQUIRE(memcmp(framing.line.data, data + begin, framing.line.len) == 0);
	}
	http_framing_clear(&framing);
	return begin;
}

static bool
may_upgrade(const char *data, size_t len)
{
	static const char name[] = "upgrade";

	for (size_t i = 0; i + sizeof name - 1 <= len; i++)
		if (strncasecmp(data + i, name, sizeof name - 1) == 0)
			return true;
	return false;
}

/* The same one, however the bytes are cut, where no upgrade makes a difference. */
static void
compare_leaving(const char *data, size_t len, size_t piece)
{
	size_t whole = find_leaving(data, len, len);

	if (!may_upgrade(data, len))
		REQUIRE(find_leaving(data, len, piece) == whole);
}

/* --- the fields ------------------------------------------------------------------------------- */

/* One request in these bytes, and no empty line before it: http_intake.c lets no other pass. */
static bool
is_one_request(const struct http_framing *framing, const char *data)
{
	return framing->heads == 1 && framing->state == HTTP_FRAMING_REQUEST_LINE &&
	    framing->line.len == 0 && !framing->is_chunked && data[0] != '\r';
}

static void
read_fields(const char *data, size_t len)
{
	struct http_framing framing = {0};

	http_framing_feed(&framing, data, len);
	if (is_one_request(&framing, data)) {
		const char *target = (const char *)memchr(data, ' ', len) + 1,
			   *body = data + len - framing.length, *length;
		struct http_fields *fields = http_fields_read(target, (size_t)(body - target));

		if (fields != NULL) {
			length = http_fields_find(fields, NULL, "content-length");
			REQUIRE(memcmp(body - 4, "\r\n\r\n", 4) == 0);
			REQUIRE(
			    (length == NULL ? 0 : strtoull(length, NULL, 10)) == framing.length);
			REQUIRE(strncmp(http_fields_target(fields), target,
				    strlen(http_fields_target(fields))) == 0);
			REQUIRE(
			    !framing.is_http11 || http_fields_find(fields, NULL, "Host") != NULL);
		}
		http_fields_destroy(&fields);
	}
	http_framing_clear(&framing);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *bytes = (const char *)data + 1;
	struct http_framing framing = {0};
	struct ends ours = {.count = 0};
	unsigned lenience;

	if (size < 2)
		return 0;
	compare_cuts(bytes, size - 1, data[0] * 2654435761u + 1);
	compare_leaving(bytes, size - 1, 1 + data[0] % 40u);
	read_fields(bytes, size - 1);
	judge_bytewise(&framing, bytes, size - 1, &ours);
	for (lenience = 0; framing.refusal == NULL && lenience < 64; lenience++) {
		struct ends theirs = {.count = 0};

		read_leniently(lenience, bytes, size - 1, &theirs);
		REQUIRE(theirs.count == ours.count);
		REQUIRE(memcmp(theirs.at, ours.at, ours.count * sizeof ours.at[0]) == 0);
	}
	http_framing_clear(&framing);
	return 0;
}
