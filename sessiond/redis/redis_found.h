/*
 * What REDIS_READ has found: where a channel is, and the end of its stream.
 */
#ifndef SESSIOND_REDIS_FOUND_H
#define SESSIOND_REDIS_FOUND_H

#include "sessiond/redis/redis_message.h"
#include "sessiond/redis/redis_state.h"

#include <stdbool.h>
#include <stdint.h>

/* Publications without a hole up to the position, oldest first; or none. */
struct redis_found {
	struct channel_position position; /* of the last */
	struct publication *publications; /* composed */
	struct redis_publication *parts;
	uint64_t first; /* the offset of the first */
	uint32_t count;
};

/*
 * Reads the reply, which it borrows; redis_found_clear in any case. False: it is none that the
 * script gives.
 */
bool redis_found_read(
    const struct redis_channel *it, const struct redis_reply *reply, struct redis_found *found);

void redis_found_clear(struct redis_found *found);

#endif
