/*
 * POST /publish: publishes to channels, for programs beside the daemon that live for an instant.
 * The body is a JSON object, or an array of up to 100:
 *
 *     {"service": "/chat", "channel": "news", "event": "added", "data": "text", "except": "ID"}
 *
 * service is a prefix as sockjs.conf has it; "app": "NAME" stands in its place for an [app NAME].
 * Both may be left out if there is only one service or app. event, which an app needs, and except
 * may be left out: the connection that does not get it, by its sockjs_id, of an app its socket_id.
 * data that is no string is published as the JSON that it is.
 *
 * The answer is {"offset": 7, "epoch": "0123456789abcdef"}, or an array of them, once what was
 * published is stored. Else it is a text with a status: 400 the body is wrong, 404 no such service
 * or app, 413 data is longer than publish_limit, 503 the store cannot be written, or there is no
 * room. What is wrong with any message of an array is found before the first is published; a 503
 * says how many were.
 */
#ifndef SESSIOND_PUBLISH_H
#define SESSIOND_PUBLISH_H

#include <stddef.h>

struct channels;
struct http_request;
struct services;

/* Answers a request whose body is there. limit: bytes of data. */
void publish_answer(struct http_request *request, const struct services *services,
    struct channels *channels, size_t limit);

#endif
