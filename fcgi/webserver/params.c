/* See params.h. */
#include "fcgi/webserver/params.h"

#include "fastcgi/fastcgi_framing.h"

#include <stdlib.h>
#include <string.h>

/* Writes a variable, and returns where the next one begins. */
static char *
write_variable(char *to, const struct fastcgi_pair *pair)
{
	memcpy(to, pair->name, pair->name_len);
	to += pair->name_len;
	*to++ = '=';
	memcpy(to, pair->value, pair->value_len);
	to += pair->value_len;
	*to++ = '\0';
	return to;
}

char **
params_read(const unsigned char *data, size_t len)
{
	const unsigned char *at = data, *end = data + len;
	struct fastcgi_pair pair;
	size_t count = 0, bytes = 0;
	char **params, *to;

	while (fastcgi_read_pair(&at, end, &pair) == 0) {
		bytes += pair.name_len + pair.value_len + strlen("=") + 1;
		count++;
	}
	params = at != end ? NULL : malloc((count + 1) * sizeof *params + bytes);
	if (params == NULL)
		return NULL;
	params[count] = NULL;
	to = (char *)(params + count + 1);
	for (at = data; fastcgi_read_pair(&at, end, &pair) == 0;) {
		params[--count] = to;
		to = write_variable(to, &pair);
	}
	return params;
}

const char *
params_find(char *const *params, const char *name)
{
	const char *at, *wanted;

	for (; (at = *params) != NULL; params++) {
		/* Most differ at once, and each request is asked for a dozen. */
		if (*at != *name)
			continue;
		for (wanted = name; *wanted != '\0' && *at == *wanted; wanted++)
			at++;
		if (*wanted == '\0' && *at == '=')
			return at + 1;
	}
	return NULL;
}

/* As CGI writes the character of a header's name (RFC 3875, 4.1.18). */
static char
character(char c)
{
	return c == '-' ? '_' : c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

/* The name behind HTTP_, if a variable begins with that; else NULL. */
static const char *
skip_prefix(const char *variable)
{
	return variable[0] == 'H' && variable[1] == 'T' && variable[2] == 'T' &&
		variable[3] == 'P' && variable[4] == '_'
	    ? variable + 5
	    : NULL;
}

const char *
params_find_header(char *const *params, const char *name)
{
	const char first = character(*name), *at, *wanted;

	for (; *params != NULL; params++) {
		at = skip_prefix(*params);
		/* A request is asked for twenty, and most are not there. */
		if (at == NULL || *at != first)
			continue;
		for (wanted = name; *wanted != '\0' && *at == character(*wanted); wanted++)
			at++;
		if (*wanted == '\0' && *at == '=')
			return at + 1;
	}
	return NULL;
}
