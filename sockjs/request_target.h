/*
 * The target of an HTTP request (RFC 9112 3.2), in the form that clients send to proxies too:
 * http://example.org/echo. Pure.
 */
#ifndef SOCKJS_REQUEST_TARGET_H
#define SOCKJS_REQUEST_TARGET_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Takes a target apart, in its own memory: *path begins with the path, query included ("/" if the
 * target has none); *authority is host and port of an absolute target, which stand for its Host
 * (RFC 9112 3.2.2), NULL of any other. Returns -1 and the target as its path if an absolute one has
 * no host, or anything but host and port before its path.
 */
int request_target_split(char *target, char **path, char **authority);

/* The length of the scheme of an absolute http or https target with its "://"; 0: it is none. */
size_t request_target_scheme(const char *target, size_t len);

/* The bytes at the start of text that host and port may have (RFC 9110 7.2). */
size_t request_target_host_span(const char *text, size_t len);

#endif
