/*
 * The engine of channels that is a Redis (or Valkey), which several daemons share.
 */
#ifndef SESSIOND_REDIS_ENGINE_H
#define SESSIOND_REDIS_ENGINE_H

#include "common/error.h"

#include <stddef.h>
#include <uv.h>

struct channel_engine;
struct channels;

/*
 * The engine of the option `engine`: loads what it needs, and begins to connect; the server need
 * not be there yet. Borrows loop and channels. backlog: bytes that may wait for the server. Returns
 * 0, and *engine: NULL for `memory`; or -1 and an error.
 */
int redis_engine_create(const char *option, size_t backlog, uv_loop_t *loop,
    struct channels *channels, struct channel_engine **engine, struct error *err);

#endif
