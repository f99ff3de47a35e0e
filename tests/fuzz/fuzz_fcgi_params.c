/*
 * Fuzz target: the variables of a FastCGI request. What is read is what a reader sees who goes byte
 * by byte; and who writes it again gets a request that is read alike.
 *
 * Input: the content of FastCGI's parameters. Built with -fsanitize=fuzzer, or with replay.c for the
 * corpus.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fastcgi/fastcgi_framing.h"
#include "fcgi/webserver/params.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Not assert(): it has to hold in a build with NDEBUG as well. */
#define REQUIRE(condition)                                                                         \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);    \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

struct reader {
	const uint8_t *data;
	size_t at, size;
	bool is_short; /* more was asked for than there is */
};

static unsigned
next_byte(struct reader *reader)
{
	if (reader->at < reader->size)
		return reader->data[reader->at++];
	reader->is_short = true;
	return 0;
}

static size_t
next_length(struct reader *reader)
{
	size_t len = next_byte(reader);

	if (len < 128)
		return len;
	len -= 128;
	for (int i = 0; i < 3; i++)
		len = len * 256 + next_byte(reader);
	return len;
}

/* Appends a variable as it is to be read, and its pair; false if there is none. */
static bool
next_variable(struct reader *reader, struct buffer *text, struct buffer *again)
{
	size_t name_len = next_length(reader), value_len = next_length(reader), i;
	struct fastcgi_pair pair = {NULL, NULL, name_len, value_len};

	buffer_clear(text);
	for (i = 0; i < name_len && !reader->is_short; i++)
		buffer_append_char(text, (char)next_byte(reader));
	buffer_append_char(text, '=');
	for (i = 0; i < value_len && !reader->is_short; i++)
		buffer_append_char(text, (char)next_byte(reader));
	buffer_append_char(text, '\0');
	if (reader->is_short)
		return false;
	pair.name = text->data;
	pair.value = text->data + name_len + 1;
	fastcgi_append_pair(again, &pair);
	return true;
}

/* Requires that params are what the reader sees; appends their pairs to again. */
static void
check(struct reader *reader, char **params, struct buffer *again)
{
	struct buffer text = BUFFER_INIT;
	size_t count = 0;

	if (params != NULL)
		while (params[count] != NULL)
			count++;
	while (reader->at < reader->size && next_variable(reader, &text, again)) {
		if (params == NULL)
			continue;
		REQUIRE(count > 0);
		REQUIRE(memcmp(params[--count], text.data, text.len) == 0);
	}
	REQUIRE(reader->is_short == (params == NULL));
	REQUIRE(count == 0);
	buffer_free(&text);
}

/* Who looks for a variable finds the first in the list. */
static void
check_find(char **params)
{
	char name[64];

	for (size_t i = 0; params[i] != NULL; i++) {
		size_t len = strcspn(params[i], "="), first = 0;

		if (len == 0 || len >= sizeof name || params[i][len] == '\0')
			continue;
		memcpy(name, params[i], len);
		name[len] = '\0';
		while (strncmp(params[first], params[i], len + 1) != 0)
			first++;
		REQUIRE(params_find(params, name) == params[first] + len + 1);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader reader = {.data = data, .size = size};
	struct buffer again = BUFFER_INIT, unused = BUFFER_INIT;
	char **params;

	/* Nothing may lie nowhere. */
	if (size == 0)
		return 0;
	params = params_read(data, size);
	check(&reader, params, &again);
	if (params != NULL) {
		check_find(params);
		free(params);
		reader = (struct reader){.data = (uint8_t *)again.data, .size = again.len};
		params = params_read((uint8_t *)again.data, again.len);
		check(&reader, params, &unused);
	}
	free(params);
	buffer_free(&unused);
	buffer_free(&again);
	return 0;
}
