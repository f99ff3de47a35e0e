/*
 * The cookie JSESSIONID, by which load balancers send a client's requests to one server: the
 * request's value, and the header that sets it. Pure. Source: RFC 6265; sockjs-protocol 0.3.3.
 */
#ifndef SOCKJS_SESSION_COOKIE_H
#define SOCKJS_SESSION_COOKIE_H

#include "common/buffer.h"
#include "sockjs/service_options.h"

#include <stdbool.h>

#define SESSION_COOKIE_MAX 1024 /* bytes of a value with its attributes, its NUL included */

/*
 * Copies the cookie's value from a request's header Cookie (NULL: there is none); "" if there is
 * none, or none that can be given back.
 */
void session_cookie_find(const char *cookies, char value[SESSION_COOKIE_MAX]);

/*
 * True if it can be set: a value of cookie octets, and behind it, each after a `;`, attributes that
 * RFC 6265 or its successor knows: Domain, Expires, HttpOnly, Max-Age, Partitioned, Path, SameSite,
 * Secure.
 */
bool session_cookie_is_valid(const char *value);

/*
 * Appends what Set-Cookie says of a valid value. The options name the attributes, unless the value
 * brings its own: then they are all there are. SameSite=None comes with Secure.
 */
void
session_cookie_append(struct buffer *out, const char *value, const struct service_options *options);

/* True if text can be the attribute Path: it begins with a slash, and has no `;` nor controls. */
bool session_cookie_is_path(const char *text);

#endif
