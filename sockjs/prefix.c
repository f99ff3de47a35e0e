/*
 * See prefix.h. Both programs find a request's service by it.
 */
#include "sockjs/prefix.h"

#include "common/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

/* `~ REGEX`: anchored here; that what follows is a segment of its own, prefix_match checks. */
static int
compile_pattern(struct prefix *prefix, const char *expression, struct error *err)
{
	char *anchored, reason[128];
	int status;

	expression += strspn(expression, " \t");
	if (*expression == '^')
		expression++;
	if (*expression == '\0')
		return error_set(err, EX_CONFIG,
		    "[service ~]: a POSIX extended regular expression is expected after ~");
	anchored = xmalloc(strlen(expression) + sizeof "^()");
	sprintf(anchored, "^(%s)", expression);
	status = regcomp(&prefix->pattern, anchored, REG_EXTENDED);
	free(anchored);
	if (status != 0) {
		regerror(status, &prefix->pattern, reason, sizeof reason);
		return error_set(err, EX_CONFIG, "[service %s]: %s", prefix->name, reason);
	}
	prefix->is_pattern = true;
	return 0;
}

static int
set_path(struct prefix *prefix, struct error *err)
{
	if (prefix->name[0] != '/')
		return error_set(err, EX_CONFIG,
		    "[service %s]: a service is named by its prefix, \"/path\", or by \"~ REGEX\"",
		    prefix->name);
	prefix->len = strlen(prefix->name);
	while (prefix->len > 0 && prefix->name[prefix->len - 1] == '/')
		prefix->len--;
	return 0;
}

int
prefix_init(struct prefix *prefix, const char *name, struct error *err)
{
	int status;

	*prefix = (struct prefix){.name = xstrdup(name)};
	status = name[0] == '~' ? compile_pattern(prefix, name + 1, err) : set_path(prefix, err);
	if (status == -1)
		prefix_clear(prefix);
	return status;
}

void
prefix_clear(struct prefix *prefix)
{
	if (prefix->is_pattern)
		regfree(&prefix->pattern);
	free(prefix->name);
	*prefix = (struct prefix){.name = NULL};
}

static bool
is_segment_end(char c)
{
	return c == '\0' || c == '/';
}

static int
digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/*
 * The next byte of a path, decoded (RFC 3986 6.2.2), and *at behind it. An encoded slash divides no
 * segments, and an encoded NUL ends nothing, so both are other values than the bytes themselves.
 */
static int
next_byte(const char **at)
{
	const char *from = (*at)++;
	int byte;

	if (from[0] != '%' || digit(from[1]) == -1 || digit(from[2]) == -1)
		return (unsigned char)from[0];
	byte = digit(from[1]) * 16 + digit(from[2]);
	*at = from + 3;
	return byte == '/' || byte == '\0' ? byte + 0x100 : byte;
}

long
prefix_span(const char *text, size_t len, const char *path)
{
	const char *end = text + len, *at = path;

	while (text < end)
		if (next_byte(&at) != next_byte(&text))
			return -1;
	return at - path;
}

static long
match_path(const struct prefix *prefix, const char *path)
{
	long len = prefix_span(prefix->name, prefix->len, path);

	return len != -1 && is_segment_end(path[len]) ? len : -1;
}

long
prefix_match(const struct prefix *prefix, const char *path)
{
	regmatch_t match;

	if (!prefix->is_pattern)
		return match_path(prefix, path);
	if (regexec(&prefix->pattern, path, 1, &match, 0) != 0 || match.rm_so != 0 ||
	    !is_segment_end(path[match.rm_eo]))
		return -1;
	return (long)match.rm_eo;
}

bool
prefix_beats(
    const struct prefix *challenger, size_t len, const struct prefix *holder, size_t holder_len)
{
	return !challenger->is_pattern && (holder->is_pattern || len > holder_len);
}
