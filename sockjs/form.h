/*
 * Form fields, `a=1&b=2` (application/x-www-form-urlencoded): of a query string, and of the body of
 * jsonp_send.
 *
 * Bytes in, bytes out: nothing here knows about character sets. Lenient as node's querystring is:
 * `+` is a space, %XX a byte, and a `%` without two hexadecimal digits after it stands for itself.
 * Pure functions, nothing allocated.
 */
#ifndef SOCKJS_FORM_H
#define SOCKJS_FORM_H

#include <stdbool.h>
#include <stddef.h>

/* Decodes s in place. Returns its new length, at most len. */
size_t form_decode(char *s, size_t len);

/* The same for a path, where `+` is itself. */
size_t form_decode_path(char *s, size_t len);

/*
 * Finds the first field whose decoded name is `name` (NUL-terminated, not empty). Returns true, and
 * in *value and *value_len the slice of text (borrowed) after the `=`, still encoded, empty if
 * there is no `=`; false if there is none.
 */
bool
form_find(const char *text, size_t len, const char *name, const char **value, size_t *value_len);

#endif
