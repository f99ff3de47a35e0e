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
