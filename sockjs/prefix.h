/*
 * The prefix of a service: a path, or a POSIX extended regular expression, matched at the start of
 * a request's path.
 */
#ifndef SOCKJS_PREFIX_H
#define SOCKJS_PREFIX_H

#include "common/error.h"

#include <regex.h>
#include <stdbool.h>
#include <stddef.h>

struct prefix {
	char *name; /* as in sockjs.conf: "/echo", or "~ /chat[0-9]+" */
	bool is_pattern;
	regex_t pattern; /* if is_pattern; anchored at the start */
	size_t len;	 /* of name without slashes at its end, if it is a path */
};

/*
 * Makes a prefix of a section's name, which is copied. -1 and an error (EX_CONFIG) if it is none;
 * *prefix is then empty.
 */
int prefix_init(struct prefix *prefix, const char *name, struct error *err);

/* Frees what prefix_init made. Safe on a prefix that is all zero bytes. */
void prefix_clear(struct prefix *prefix);

/*
 * The length of the prefix at the start of path, in bytes as they came; -1 if path has another.
 * What follows is "" or begins with '/'. Of a path it does not matter which bytes are
 * percent-encoded, here or in the prefix, but an encoded slash is none. A regular expression sees
 * the path as it came.
 */
long prefix_match(const struct prefix *prefix, const char *path);

/*
 * The bytes at the start of path that are text[0..len), whatever is percent-encoded in either:
 * browsers and web servers encode what they like, and /%7Euser is /~user. -1: it begins otherwise.
 */
long prefix_span(const char *text, size_t len, const char *path);

/*
 * Which of two prefixes that match a path is the better one: true if `challenger`, which matched
 * len bytes, beats `holder` with holder_len. The longest path wins, then the first pattern.
 */
bool prefix_beats(
    const struct prefix *challenger, size_t len, const struct prefix *holder, size_t holder_len);

#endif
