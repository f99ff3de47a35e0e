/*
 * Fuzz target: the variables of a FastCGI request. What is read is what a reader sees who goes byte
 * by byte; and who writes it again gets a request that is read alike.
 *
 * Input: the content of FastCGI's parameters. Built with -fsanitize=fuzzer, or with replay.c for
 * the corpus.
 */
#include <stdbool.h>
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

enum { VARIABLES_MAX = 500 }; /* of more, nobody looks for one */

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

struct variable {
	char *name, *value; /* with a NUL behind each */
	size_t name_len, value_len;
};

/* Ends with a NUL. */
static char *
next_text(struct reader *reader, size_t len)
{
	char *text = malloc((len < reader->size ? len : reader->size) + 1);

	for (size_t i = 0; i <= len && !reader->is_short; i++)
		text[i] = (char)(i == len ? 0 : next_byte(reader));
	return text;
}

/* False if there is none. */
static bool
next_variable(struct reader *reader, struct variable *variable)
{
	variable->name_len = next_length(reader);
	variable->value_len = next_length(reader);
	variable->name = next_text(reader, variable->name_len);
	variable->value = next_text(reader, variable->value_len);
	return !reader->is_short;
}

/* The value is that of the last one with the name, as far as it goes without a NUL. */
static void
check_find(const struct params *params, const struct variable *all, size_t count, size_t i)
{
	const char *found = params_find(params, all[i].name);
	size_t last = i;

	/* Nobody asks for such a name. */
	if (all[i].name_len == 0 || strlen(all[i].name) != all[i].name_len)
		return;
	for (size_t j = i + 1; j < count; j++)
		if (all[j].name_len == all[i].name_len &&
		    memcmp(all[j].name, all[i].name, all[i].name_len) == 0)
			last = j;
	REQUIRE(found != NULL && strcmp(found, all[last].value) == 0);
}

/* Requires that params are what the reader sees; appends their pairs to again. */
static void
check(struct reader *reader, const struct params *params, struct buffer *again)
{
	struct variable all[VARIABLES_MAX];
	size_t count = 0, i;

	while (reader->at < reader->size && count < VARIABLES_MAX &&
	    next_variable(reader, &all[count++]))
		;
	if (reader->at == reader->size)
		REQUIRE(reader->is_short == (params == NULL));
	for (i = 0; i < count; i++) {
		if (params != NULL && reader->at == reader->size)
			check_find(params, all, count, i);
		if (params != NULL)
			fastcgi_append_pair(again,
			    &(struct fastcgi_pair){
				all[i].name, all[i].value, all[i].name_len, all[i].value_len});
	}
	while (count > 0) {
		count--;
		free(all[count].name);
		free(all[count].value);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader reader = {.data = data, .size = size};
	struct buffer again = BUFFER_INIT, unused = BUFFER_INIT;
	struct params *params;

	/* Nothing may lie nowhere. */
	if (size == 0)
		return 0;
	params = params_read(data, size);
	check(&reader, params, &again);
	if (params != NULL) {
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
