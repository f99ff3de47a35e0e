/*
 * The end of a hixie-76 handshake: after our 101, the client's 8 bytes come and are answered with
 * 16. Clients behind HAProxy send them only when they have seen the 101, so this waits on the loop.
 */
#ifndef SESSIOND_HIXIE76_HANDSHAKE_H
#define SESSIOND_HIXIE76_HANDSHAKE_H

#include "sessiond/websocket/websocket_open.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#define HIXIE76_HANDSHAKE_WAIT 10000 /* ms for the 8 bytes */

/* The handshakes that wait for their last bytes. */
LIST_HEAD(hixie76_handshakes, hixie76_handshake);

/*
 * Takes fd, and copies what else it keeps. Opens the websocket when the handshake is complete.
 * Drops the connection, and ends the session, if it breaks or is not complete in time. numbers: of
 * the two keys. extra: bytes that came behind the request's head; they are handled before this
 * returns.
 */
void hixie76_handshake_start(struct hixie76_handshakes *all, const struct websocket_plan *plan,
    int fd, const uint32_t numbers[2], const char *extra, size_t extra_len);

/* Drops them all. */
void hixie76_handshakes_clear(struct hixie76_handshakes *all);

#endif
