/*
 * The end of a hixie-76 handshake: after our 101, the client's 8 bytes come and are answered with 16. Clients behind HAProxy send them
 * only when they have seen the 101, so this waits on the loop.
 */
#ifndef SESSIOND_HIXIE76_HANDSHAKE_H
#define SESSIOND_HIXIE76_HANDSHAKE_H

#include "sessiond/websocket/websocket_open.h"

#include <stddef.h>
#include <stdint.h>

#define HIXIE76_HANDSHAKE_WAIT 10000 /* ms for the 8 bytes */

/* Takes fd; copies what else it keeps. Opens the websocket when the handshake is complete, drops the connection if it never is. */
void hixie76_handshake_start(const struct websocket_plan *plan, int fd,
    const struct connection_source *source, const uint32_t numbers[2], const char *extra,
    size_t extra_len);

/* Drops all that wait. */
void hixie76_handshake_drop_all(struct websockets *all);

#endif
