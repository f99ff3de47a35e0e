/*
 * When each channel says again what it has. Each has its turn once in a round, and turns are spread
 * over it, also of channels that have begun at once, as when the server is back. A daemon that is
 * late has more of them at once, and makes no longer rounds. Pure.
 */
#ifndef SESSIOND_REDIS_ROUNDS_H
#define SESSIOND_REDIS_ROUNDS_H

#include <stddef.h>
#include <stdint.h>

enum {
	REDIS_TICK = 250,    /* ms */
	REDIS_ROUND = 13000, /* ms */
};

/* All zero bytes: before the first. */
struct redis_rounds {
	uint64_t owed; /* turns that were not taken yet, in parts of REDIS_ROUND */
};

/*
 * A tick, so many ms after the one before: how many of `count` channels have their turn now, those
 * first that have waited longest.
 */
size_t redis_rounds_next(struct redis_rounds *rounds, size_t count, uint64_t elapsed);

#endif
