/*
 * See request_target.h.
 */
#include "sockjs/request_target.h"

#include <string.h>
#include <strings.h>

static const bool is_host_char[256] = {
    ['0' ... '9'] = true,
    ['A' ... 'Z'] = true,
    ['a' ... 'z'] = true,
    ['!'] = true,
    ['$'] = true,
    ['%'] = true,
    ['&'] = true,
    ['\''] = true,
    ['('] = true,
    [')'] = true,
    ['*'] = true,
    ['+'] = true,
    [','] = true,
    ['-'] = true,
    ['.'] = true,
    [':'] = true,
    [';'] = true,
    ['='] = true,
    ['['] = true,
    [']'] = true,
    ['_'] = true,
    ['~'] = true,
};

size_t
request_target_host_span(const char *text, size_t len)
{
	size_t n = 0;

	while (n < len && is_host_char[(unsigned char)text[n]])
		n++;
	return n;
}

size_t
request_target_scheme(const char *target, size_t len)
{
	static const char *const schemes[] = {"http://", "https://"};
	size_t i, n;

	for (i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
		n = strlen(schemes[i]);
		if (len > n && strncasecmp(target, schemes[i], n) == 0)
			return n;
	}
	return 0;
}

int
request_target_split(char *target, char **path, char **authority)
{
	size_t len = strlen(target), scheme = request_target_scheme(target, len), host;

	*path = target;
	*authority = NULL;
	if (scheme == 0)
		return 0;
	host = request_target_host_span(target + scheme, len - scheme);
	if (host == 0 || strchr("/?#", target[scheme + host]) == NULL)
		return -1;
	*path = target + scheme + host;
	/* Where the scheme was is room for the end of the one, and the slash of the other. */
	memmove(target, target + scheme, host);
	target[host] = '\0';
	*authority = target;
	if (**path != '/')
		*--*path = '/';
	return 0;
}
