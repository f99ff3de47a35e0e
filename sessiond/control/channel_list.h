/*
 * GET /control/channels: which channels there are, in pages (control_answer.h).
 *
 *     {"channels": [{"name": "news", "service": "/chat", "subscribers": 2, "members": 1,
 *       "offset": 7, "epoch": "0123456789abcdef", "messages": 3, "bytes": 420}, ...], "next": null}
 *
 * members are those whose presence it knows. offset is the last message's, 0 if there was none.
 * messages are those that it keeps, bytes what these take of history_limit.
 *
 * A channel that is there while all pages are asked for is told, and maybe twice if many others
 * began meanwhile. A reload meanwhile that takes services away may hide some.
 */
#ifndef SESSIOND_CHANNEL_LIST_H
#define SESSIOND_CHANNEL_LIST_H

struct channels;
struct http_request;
struct services;

void channel_list_answer(
    struct http_request *request, const struct services *services, const struct channels *channels);

#endif
