/*
 * See params.h. A request is asked for thirty variables, half of which are not there: each is
 * looked for in one bucket, which the length and the last character of its name choose. Many such
 * pairs share a bucket.
 */
#include "fcgi/webserver/params.h"

#include "fastcgi/fastcgi_framing.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { BUCKETS = 32 };

#define HEADER_PREFIX	  "HTTP_"
#define HEADER_PREFIX_LEN (sizeof HEADER_PREFIX - 1)

struct param {
	uint32_t name, name_len; /* in the text; the value follows the name, and ends with a NUL */
	uint32_t next;		 /* of its bucket: its number, from 1 on; 0: none */
};

struct params {
	const char *text;
	uint32_t first[BUCKETS]; /* as .next */
	struct param all[];
};

/* As CGI writes the character of a header's name (RFC 3875, 4.1.18). */
static char
character(char c)
{
	return c == '-' ? '_' : c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

/* len: of the variable's name; last: its last character. */
static size_t
bucket_of(size_t len, char last)
{
	return (len * 5 + (unsigned char)last) % BUCKETS;
}

/* False if they are not whole. */
static bool
count_pairs(const unsigned char *data, size_t len, size_t *count)
{
	const unsigned char *at = data, *end = data + len;
	struct fastcgi_pair pair;

	for (*count = 0; fastcgi_read_pair(&at, end, &pair) == 0;)
		++*count;
	return at == end;
}

/* The one that comes last is the first of its bucket. */
static void
add(struct params *params, uint32_t number, uint32_t name, const struct fastcgi_pair *pair)
{
	struct param *param = &params->all[number - 1];
	char last = pair->name_len == 0 ? '\0' : pair->name[pair->name_len - 1];
	uint32_t *first = &params->first[bucket_of(pair->name_len, last)];

	*param = (struct param){name, (uint32_t)pair->name_len, *first};
	*first = number;
}

struct params *
params_read(const unsigned char *data, size_t len)
{
	const unsigned char *at = data, *end = data + len;
	struct fastcgi_pair pair;
	struct params *params;
	uint32_t number = 0;
	size_t count;
	char *text;

	if (!count_pairs(data, len, &count))
		return NULL;
	params = malloc(sizeof *params + count * sizeof params->all[0] + len + 1);
	if (params == NULL)
		return NULL;
	memset(params->first, 0, sizeof params->first);
	params->text = text = (char *)&params->all[count];
	memcpy(text, data, len);
	while (fastcgi_read_pair(&at, end, &pair) == 0) {
		add(params, ++number, (uint32_t)((const unsigned char *)pair.name - data), &pair);
		/* Where the next one's lengths were, which are not needed in the copy. */
		text[at - data] = '\0';
	}
	return params;
}

const char *
params_find(const struct params *params, const char *name)
{
	size_t len = strlen(name);
	uint32_t number = len == 0 ? 0 : params->first[bucket_of(len, name[len - 1])];

	for (; number != 0; number = params->all[number - 1].next) {
		const struct param *param = &params->all[number - 1];
		const char *at = params->text + param->name;

		if (param->name_len == len && memcmp(at, name, len) == 0)
			return at + len;
	}
	return NULL;
}

static bool
is_header(const char *variable, const char *name, size_t len)
{
	if (memcmp(variable, HEADER_PREFIX, HEADER_PREFIX_LEN) != 0)
		return false;
	variable += HEADER_PREFIX_LEN;
	for (size_t i = 0; i < len; i++)
		if (variable[i] != character(name[i]))
			return false;
	return true;
}

const char *
params_find_header(const struct params *params, const char *name)
{
	size_t len = strlen(name), whole = HEADER_PREFIX_LEN + len;
	uint32_t number = len == 0 ? 0 : params->first[bucket_of(whole, character(name[len - 1]))];

	for (; number != 0; number = params->all[number - 1].next) {
		const struct param *param = &params->all[number - 1];
		const char *at = params->text + param->name;

		if (param->name_len == whole && is_header(at, name, len))
			return at + whole;
	}
	return NULL;
}
