/*
 * What an administrator wants to know first, made of the metrics: for scripts as JSON, for people
 * as a table.
 */
#ifndef SESSIOND_STATUS_H
#define SESSIOND_STATUS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/*
 * A new reference to an object: version, ready, draining, uptime_seconds, restarts, memory_bytes,
 * sessions, services (of each: sessions, and connections by transport), responders,
 * responder_requests (that they have answered), http_connections, websockets, messages,
 * queued_bytes, store, limits_reached (those that were, by option).
 */
json_t *status_of(const json_t *metrics);

/*
 * The same of several daemons together: sums, ready if all are; and as daemons, an array with the
 * status of each. Of one it is the same as status_of.
 */
json_t *status_of_all(json_t *const *metrics, unsigned count);

bool status_is_ready(const json_t *status);

/* Prints it as a table. */
void status_print(const json_t *status, FILE *to);

/* A time as people say it: "3 d 4 h", "59 s". */
void status_format_time(double seconds, char *text, size_t size);

/* A number of bytes as people say it: "512 B", "1.5 MiB". */
void status_format_bytes(double bytes, char *text, size_t size);

#endif
