/*
 * An event as sockjsctl tail has it: a JSON object, on a line.
 *
 *     {"time": 1700000000000, "event": "received", "service": "/echo", "id": UUID, "length": 5,
 *       "data": "hello"}
 *
 * time is in ms since 1970. The events and what each has beside these three:
 *
 *     opened       id, transport, address
 *     closed       id, code, reason (0 and "": its client has gone)
 *     received     id, length, data
 *     sent         id, length, data
 *     published    channel, length, data
 *     subscribed   id, channel
 *     unsubscribed id, channel
 *     lost         only count: so many events were not shown, since their reader did not read
 *
 * length is in bytes. Of a message's data the first TAIL_DATA_MAX bytes are shown, or less where
 * that cuts a character; of a binary one ("binary": true) nothing is.
 */
#ifndef SESSIOND_TAIL_EVENT_H
#define SESSIOND_TAIL_EVENT_H

#include <stdint.h>

struct watch_event;

enum { TAIL_DATA_MAX = 100 };

/* The line with its end, to be freed. time: ms since 1970. NULL without memory. */
char *tail_event_line(const struct watch_event *event, uint64_t time);

/* The same of events that were not shown. */
char *tail_lost_line(uint64_t count);

#endif
