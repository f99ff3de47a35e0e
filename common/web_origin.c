/*
 * See web_origin.h. Both what a peer sends and what sockjs.conf lists is read here, so that the two
 * cannot be understood differently.
 */
#include "common/web_origin.h"

#include <string.h>
#include <strings.h>

enum { PORT_MAX = 65535 };

static bool
is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_text(const char *text, size_t len, const char *word)
{
	return strlen(word) == len && strncasecmp(text, word, len) == 0;
}

/* RFC 3986 3.1. */
static bool
is_scheme(const char *text, size_t len)
{
	size_t i;

	if (len == 0 || !is_alpha(text[0]))
		return false;
	for (i = 1; i < len; i++)
		if (!is_alpha(text[i]) && !is_digit(text[i]) && text[i] != '+' && text[i] != '-' &&
		    text[i] != '.')
			return false;
	return true;
}

static bool
is_name(const char *text, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (text[i] == '.' ? i == 0 || text[i - 1] == '.'
				   : !is_alpha(text[i]) && !is_digit(text[i]) && text[i] != '-' &&
			    text[i] != '_')
			return false;
	}
	return len > 0;
}

/* An IPv6 address in brackets. That it is one is not checked: only that it is nothing else. */
static bool
is_bracketed(const char *text, size_t len)
{
	size_t i;

	if (len < 4 || text[0] != '[' || text[len - 1] != ']')
		return false;
	for (i = 1; i < len - 1; i++)
		if (strchr("0123456789abcdefABCDEF:.", text[i]) == NULL || text[i] == '\0')
			return false;
	return true;
}

static unsigned
port_of_scheme(const char *scheme, size_t len)
{
	if (is_text(scheme, len, "https") || is_text(scheme, len, "wss"))
		return 443;
	if (is_text(scheme, len, "http") || is_text(scheme, len, "ws"))
		return 80;
	return 0;
}

/* 0 if text is no port. */
static unsigned
read_port(const char *text, size_t len)
{
	unsigned port = 0;
	size_t i;

	if (len == 0 || len > 5)
		return 0;
	for (i = 0; i < len; i++) {
		if (!is_digit(text[i]))
			return 0;
		port = port * 10 + (unsigned)(text[i] - '0');
	}
	return port <= PORT_MAX ? port : 0;
}

/* Splits `host[:port]`; *port keeps what it has if there is none. */
static int
read_authority(const char *text, size_t len, size_t *host_len, unsigned *port)
{
	const char *colon = len > 0 && text[0] == '[' ? memchr(text, ']', len) : text;

	if (colon == NULL)
		return -1;
	colon = memchr(colon, ':', len - (size_t)(colon - text));
	*host_len = colon == NULL ? len : (size_t)(colon - text);
	if (colon != NULL) {
		*port = read_port(colon + 1, len - *host_len - 1);
		if (*port == 0)
			return -1;
	}
	return is_name(text, *host_len) || is_bracketed(text, *host_len) ? 0 : -1;
}

int
web_origin_parse_parts(struct web_origin *origin, const char *scheme, size_t scheme_len,
    const char *authority, size_t authority_len)
{
	*origin = (struct web_origin){
	    .scheme = scheme,
	    .scheme_len = scheme_len,
	    .host = authority,
	    .port = port_of_scheme(scheme, scheme_len),
	};
	if (!is_scheme(scheme, scheme_len))
		return -1;
	/* Web views that show pages of a device send it. */
	if (authority_len == 0 && is_text(scheme, scheme_len, "file"))
		return 0;
	return read_authority(authority, authority_len, &origin->host_len, &origin->port);
}

int
web_origin_parse(struct web_origin *origin, const char *text, size_t len)
{
	const char *end = memmem(text, len, "://", 3);
	size_t scheme_len = end == NULL ? 0 : (size_t)(end - text);

	if (end == NULL)
		return -1;
	return web_origin_parse_parts(origin, text, scheme_len, end + 3, len - scheme_len - 3);
}

size_t
web_origin_length(const char *url)
{
	const char *authority = strstr(url, "://");

	if (authority == NULL)
		return strlen(url);
	authority += 3;
	return (size_t)(authority - url) + strcspn(authority, "/?#");
}

static bool
is_same_text(const char *a, size_t a_len, const char *b, size_t b_len)
{
	return a_len == b_len && strncasecmp(a, b, a_len) == 0;
}

bool
web_origin_is_same(const struct web_origin *a, const struct web_origin *b)
{
	return a->port == b->port &&
	    is_same_text(a->scheme, a->scheme_len, b->scheme, b->scheme_len) &&
	    is_same_text(a->host, a->host_len, b->host, b->host_len);
}

bool
web_origin_has_authority(const struct web_origin *origin, const char *authority, size_t len)
{
	unsigned port = port_of_scheme(origin->scheme, origin->scheme_len);
	size_t host_len;

	return read_authority(authority, len, &host_len, &port) == 0 && port == origin->port &&
	    is_same_text(origin->host, origin->host_len, authority, host_len);
}
