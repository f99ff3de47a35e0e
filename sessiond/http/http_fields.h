/*
 * The fields of a request's head, wherever they are, and what they say of its client: that is the
 * peer of the connection or, where it is one of trusted_proxies, whom the proxy names
 * (sockjs/forwarded.h).
 */
#ifndef SESSIOND_HTTP_FIELDS_H
#define SESSIOND_HTTP_FIELDS_H

#include "common/buffer.h"
#include "sessiond/http/http_connection.h"
#include "sockjs/trusted_proxies.h"

#include <stdbool.h>
#include <stddef.h>

/* Of a request that passes libmicrohttpd by. */
struct http_fields;

/*
 * Reads a head that http_framing.c has found whole, from its target on: `/path HTTP/1.1`, lines.
 * Copies it. NULL: it has more fields, or is longer, than a client's usually is, or does not end
 * with the text.
 */
struct http_fields *http_fields_read(const char *text, size_t len);

/* Frees *fields, sets it NULL; takes NULL. */
void http_fields_destroy(struct http_fields **fields);

/* What was read, which begins with the target and its NUL. */
char *http_fields_target(struct http_fields *fields);

/*
 * The value of a field, NULL if it was not sent; of several the first. fields: NULL: libmicrohttpd
 * has those of the connection's request.
 */
const char *http_fields_find(
    const struct http_fields *fields, const struct http_connection *connection, const char *name);

/* True if one of the fields with that name has that token (http_header_has_token). */
bool http_fields_have_token(const struct http_fields *fields,
    const struct http_connection *connection, const char *name, const char *token);

/*
 * All fields with that name, as one list: appended to an empty buffer, which the caller frees.
 * NULL: none was sent, or there is no memory.
 */
const char *http_fields_join(const struct http_fields *fields,
    const struct http_connection *connection, const char *name, struct buffer *list);

/*
 * Sets *client for the request with those fields. trusted: NULL: nobody. Returns true if the peer
 * itself is trusted.
 */
bool http_fields_client(const struct http_fields *fields, struct http_connection *connection,
    const struct trusted_proxies *trusted, union net_address *client);

#endif
