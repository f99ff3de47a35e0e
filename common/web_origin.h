/*
 * The origin of a page in its parts (RFC 6454): scheme, host and port. Pure; everything is borrowed
 * from the text.
 */
#ifndef COMMON_WEB_ORIGIN_H
#define COMMON_WEB_ORIGIN_H

#include <stdbool.h>
#include <stddef.h>

struct web_origin {
	const char *scheme;
	size_t scheme_len;
	const char *host; /* an IPv6 address with its brackets; "" for file:// alone */
	size_t host_len;
	unsigned port; /* the scheme's own where none is given; 0: it has none */
};

/*
 * Takes text[0..len), which has to be exactly an origin as the header Origin has it (RFC 6454 6.1):
 * https://example.org or http://[::1]:8080. A host may have the characters of names and addresses
 * only, and no empty label but the last. Returns 0, or -1 if it is anything else: the word null, a
 * list, something with a path or a user. *origin is undefined then.
 */
int web_origin_parse(struct web_origin *origin, const char *text, size_t len);

/* The same with what stands before `://` and what stands behind it in separate texts. */
int web_origin_parse_parts(struct web_origin *origin, const char *scheme, size_t scheme_len,
    const char *authority, size_t authority_len);

/* How much of url (as the header Referer has it) is its origin: what is before path and query. */
size_t web_origin_length(const char *url);

/* True if both are the same origin; letter case of scheme and host is ignored. */
bool web_origin_is_same(const struct web_origin *a, const struct web_origin *b);

/*
 * True if authority[0..len), a value of Host, names the origin's host and port. A missing port is
 * that of the origin's scheme.
 */
bool web_origin_has_authority(const struct web_origin *origin, const char *authority, size_t len);

#endif
