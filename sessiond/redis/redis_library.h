/*
 * The shared object that speaks with Redis (redis_client.h), which is loaded when it is needed.
 */
#ifndef SESSIOND_REDIS_LIBRARY_H
#define SESSIOND_REDIS_LIBRARY_H

#include "common/error.h"
#include "sessiond/redis/redis_client.h"

/*
 * Loads it, once: redis.so beside the program's folder in a build tree, else where modules are
 * installed. NULL and an error (EX_UNAVAILABLE) that says what to install.
 */
const struct redis_client_ops *redis_library_load(struct error *err);

#endif
