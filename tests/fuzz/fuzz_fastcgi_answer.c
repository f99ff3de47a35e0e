/*
 * Fuzz target: what a FastCGI application answers (fastcgi_record.h). How it is cut into reads does
 * not matter, it is never more than its limit, and what is read of its head lies in it.
 *
 * Input: a byte that decides the cuts, then what the application sends. Built with
 * -fsanitize=fuzzer, or with replay.c for the corpus.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sessiond/fastcgi/fastcgi_record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LIMIT = 2000 };

/* Not assert(): it has to hold in a build with NDEBUG as well. */
#define REQUIRE(condition)                                                                         \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);    \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

/* Takes what is whole of data[*at..len). Returns FASTCGI_MORE, 1 if it is over, or an error. */
static int
take_on(struct fastcgi_answer *answer, const char *data, size_t len, size_t *at)
{
	int n;

	while (!answer->is_over) {
		n = fastcgi_answer_take(answer, data + *at, len - *at);
		if (n <= 0) {
			REQUIRE(n == FASTCGI_MORE || fastcgi_error_text(n) != NULL);
			return n;
		}
		REQUIRE((size_t)n <= len - *at);
		*at += (size_t)n;
		REQUIRE(answer->received == *at && *at <= LIMIT);
	}
	return 1;
}

static void
check_response(const struct fastcgi_answer *answer)
{
	const struct buffer *out = &answer->out;
	struct fastcgi_response response;

	if (fastcgi_answer_read(answer, &response) != 0)
		return;
	REQUIRE(response.status >= 100 && response.status <= 599);
	REQUIRE(response.body > out->data && response.body[-1] == '\n');
	REQUIRE(response.body + response.body_len == out->data + out->len);
}

static bool
is_same(const struct buffer *a, const struct buffer *b)
{
	return a->len == b->len && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fastcgi_answer whole = {.limit = LIMIT}, cut = {.limit = LIMIT};
	size_t whole_at = 0, cut_at = 0, len = 0;
	int result, last = FASTCGI_MORE;
	unsigned random;
	char *exact;

	if (size < 1)
		return 0;
	random = data[0] * 2654435761u + 1;
	data++;
	size--;
	result = take_on(&whole, (const char *)data, size, &whole_at);
	while (last == FASTCGI_MORE && len < size) {
		random = random * 1664525u + 1013904223u;
		len += 1 + (random >> 16) % 40;
		len = len < size ? len : size;
		/* A read beyond what has come is seen. */
		exact = malloc(len);
		REQUIRE(exact != NULL);
		memcpy(exact, data, len);
		last = take_on(&cut, exact, len, &cut_at);
		free(exact);
	}
	REQUIRE(last == result && cut_at == whole_at);
	REQUIRE(is_same(&whole.out, &cut.out) && is_same(&whole.errors, &cut.errors));
	REQUIRE(whole.app_status == cut.app_status && whole.refusal == cut.refusal);
	check_response(&whole);
	fastcgi_answer_free(&whole);
	fastcgi_answer_free(&cut);
	return 0;
}
