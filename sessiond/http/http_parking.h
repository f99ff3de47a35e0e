/*
 * Requests whose answer takes its time, outside of libmicrohttpd: it keeps its whole pool for each,
 * 16 KiB by default, where a poll and its session take four. So the socket of one that has waited
 * for HTTP_PARK_DELAY is taken over: it is parked. http_response.c writes its answer, after which
 * libmicrohttpd is given the connection back, as a new one, for the next request.
 *
 * A poll that is answered sooner pays nothing. Nor is a connection parked of which more than the
 * request was read: libmicrohttpd has that.
 */
#ifndef SESSIOND_HTTP_PARKING_H
#define SESSIOND_HTTP_PARKING_H

#include "sessiond/http/http_connection.h"

#include <stdbool.h>

enum {
	HTTP_PARK_DELAY = 1000, /* ms */
	/*
	 * Connections that leave at a time: until libmicrohttpd ends them, each has two
	 * descriptors.
	 */
	HTTP_PARK_MOST = 16,
};

/* The connections have room for it, and none is parked. */
void http_parking_init(struct http_connections *all);
void http_parking_clear(struct http_connections *all);

/*
 * The connection was suspended, for a long time maybe: unless it is resumed before HTTP_PARK_DELAY,
 * libmicrohttpd is asked for it (http_parking_is_due).
 */
void http_parking_expect(struct http_connection *connection);

/*
 * True if libmicrohttpd, in whose callback this is called, was asked for it now, and was suspended
 * before.
 */
bool http_parking_is_due(const struct http_connection *connection);

/*
 * Takes the socket of one that is due away from libmicrohttpd, which is to end its connection then.
 * False if it has to stay.
 */
bool http_parking_enter(struct http_connection *connection);

/* True if http_parking_run has something to do. */
bool http_parking_has_work(const struct http_connections *all);

/*
 * Has those that are due leave, and ends those that were resumed. Before libmicrohttpd runs. mhd:
 * who is given those back whose client may ask again.
 */
void http_parking_run(struct http_connections *all, struct MHD_Daemon *mhd);

#endif
